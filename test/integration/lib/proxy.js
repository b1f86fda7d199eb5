// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// nginx and HAProxy with the configurations of packaging/, in front of a server. They are taken as
// they are but for paths, ports, and what only root may do.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');

const { ROOT } = require('./data');
const { Folder } = require('./folder');
const { until, within } = require('./wait');

const NAME = 'otp.example.com';
const START_MS = 10000;
const STOP_MS = 10000;
const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

const children = new Set();

process.on('exit', () => {
  for (const child of children) {
    child.kill('SIGKILL');
  }
});

/** A certificate authority of its own, and a certificate of NAME; files in `folder`. */
function makeCertificates(folder) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder.path, stdio: 'pipe' });
  folder.write('names', `subjectAltName=DNS:${NAME}\n`);
  openssl('req', '-x509', ...CURVE, '-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', ...CURVE, '-subj', `/CN=${NAME}`, '-keyout', 'privkey.pem', '-out', 'request');
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'request', ...signing, '-out', 'fullchain.pem');
  const both = ['fullchain.pem', 'privkey.pem'].map((name) => fs.readFileSync(folder.join(name)));
  folder.write('otpd.pem', Buffer.concat(both));
  return fs.readFileSync(folder.join('ca.pem'));
}

// Nothing else takes ports of addresses like these, so that one found free stays free.
function ownHost(number) {
  return `127.77.${(process.pid >> 8) & 255}.${((process.pid & 255) % 120) * 2 + 1 + number}`;
}

async function freePort(host) {
  const listener = net.createServer();
  await new Promise((resolve) => listener.listen(0, host, resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** The shipped file with each [from, to] done; every `from` has to be there. */
function shipped(file, edits) {
  let text = fs.readFileSync(path.join(ROOT, 'packaging', file), 'utf8');
  for (const [from, to] of edits) {
    assert.ok(text.includes(from), `${file} has: ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const kinds = {
  nginx: {
    command: ['nginx', '-c', 'nginx.conf', '-e', 'stderr', '-p'],
    configure(folder, { host, port, upstream }) {
      folder.write('otpd.conf', shipped('nginx/otpd.conf', [
        ['listen 443 ', `listen ${host}:${port} `],
        ['    listen [::]:443 ssl http2;\n', ''],
        ['/etc/otpd/tls/', `${folder.path}/`],
        ['server 127.0.0.1:8480;', `server ${upstream};`],
      ]));
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
      const paths = temporary.map((name) => `${name}_temp_path ${folder.path}/${name};`);
      folder.write('nginx.conf', `daemon off; master_process off; pid nginx.pid;
        events {} http { access_log off; ${paths.join(' ')} include ${folder.path}/otpd.conf; }`);
    },
  },
  haproxy: {
    command: ['haproxy', '-db', '-f', 'haproxy.cfg', '-C'],
    configure(folder, { host, port, upstream }) {
      folder.write('haproxy.cfg', shipped('haproxy/haproxy.cfg', [
        ['bind :443,[::]:443 v6only ', `bind ${host}:${port} `],
        ['/etc/otpd/tls/', `${folder.path}/`],
        ['server otpd 127.0.0.1:8480 ', `server otpd ${upstream} `],
        ['    log /dev/log local0\n    user haproxy\n    group haproxy\n', ''],
        ['    chroot /var/lib/haproxy\n', ''],
      ]));
    },
  },
};

function canConnect(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

class Proxy {
  /** `upstream`: host and port of the server. */
  static async start(kind, upstream) {
    const proxy = new Proxy();
    proxy.folder = new Folder();
    proxy.host = ownHost(kind === 'nginx' ? 0 : 1);
    proxy.port = await freePort(proxy.host);
    proxy.ca = makeCertificates(proxy.folder);
    kinds[kind].configure(proxy.folder, { host: proxy.host, port: proxy.port, upstream });
    const [command, ...args] = kinds[kind].command;
    const where = { cwd: proxy.folder.path, stdio: ['ignore', 'ignore', 'pipe'] };
    proxy.child = spawn(command, [...args, proxy.folder.path], where);
    await proxy.awaitReady();
    return proxy;
  }

  async awaitReady() {
    const errors = [];
    let failure = null;
    children.add(this.child);
    this.child.stderr.on('data', (chunk) => errors.push(chunk));
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.once('error', (error) => (failure = error));
    this.child.once('close', () => (failure ??= new Error(Buffer.concat(errors).toString())));
    this.child.once('close', () => children.delete(this.child));
    await until(START_MS, `${this.child.spawnargs[0]}`, () => {
      assert.equal(failure, null);
      return canConnect(this.host, this.port);
    });
  }

  /** What tls.connect and https need to reach it, verification included. */
  get peer() {
    return { host: this.host, port: this.port, servername: NAME, ca: this.ca };
  }

  async stop() {
    this.child.kill('SIGKILL');
    await within(STOP_MS, 'end of the proxy', this.ended);
    this.folder.remove();
  }
}

module.exports = { NAME, Proxy };
