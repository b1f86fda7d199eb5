// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// An authority of the tests' own, and what it signs.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

function openssl(...args) {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

class Authority {
  constructor(folder, name = 'ca') {
    this.folder = folder;
    this.file = folder.join(`${name}.pem`);
    this.keyFile = folder.join(`${name}.key`);
    const files = ['-keyout', this.keyFile, '-out', this.file];
    openssl('req', '-x509', ...KEY, ...files, '-subj', `/CN=${name} of the tests`);
  }

  /** Key and certificate for those names, as "IP:127.0.0.1" or "DNS:mail.example.com". */
  sign(names) {
    const [key, request, cert] = ['server.key', 'server.csr', 'server.pem'].map((name) =>
      this.folder.join(name));
    const extensions = this.folder.write('names.cnf', `subjectAltName=${names}\n`);
    openssl('req', ...KEY, '-keyout', key, '-out', request, '-subj', '/CN=server');
    const authority = ['-CA', this.file, '-CAkey', this.keyFile, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...authority, '-out', cert, '-extfile', extensions);
    return { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };
  }
}

module.exports = { Authority };
