// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Clients over TLS that verify whom they talk to: HTTP/1.1 and HTTP/2, of the same interface.
'use strict';

const http2 = require('node:http2');
const https = require('node:https');

const { Client, Reply } = require('./http');
const { within } = require('./wait');

const ANSWER_MS = 20000;

class SecureClient extends Client {
  /** `peer`: as tls.connect takes it, also with localAddress. */
  constructor(peer, { keepAlive = true, maxSockets = Infinity } = {}) {
    super(peer.port);
    this.peer = peer;
    this.agent = new https.Agent({ keepAlive, maxSockets });
  }

  open(options, onMessage) {
    const own = { ...options, headers: { Host: this.peer.servername, ...options.headers } };
    return https.request({ ...this.peer, agent: this.agent, ...own }, onMessage);
  }
}

class Http2Client extends Client {
  constructor(peer) {
    super(peer.port);
    this.session = http2.connect(`https://${peer.servername}:${peer.port}`, peer);
    this.session.on('error', () => {}); // each request has its own
  }

  close() {
    super.close();
    this.session.close();
  }

  request({ method = 'GET', path, headers = {}, body = null }, ms = ANSWER_MS) {
    const answer = new Promise((resolve, reject) => {
      const stream = this.session.request({ ':method': method, ':path': path, ...headers });
      const chunks = [];
      let head;
      stream.on('response', (fields) => (head = fields));
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => {
        const message = { statusCode: head?.[':status'], headers: head, rawHeaders: [] };
        resolve(new Reply(message, Buffer.concat(chunks)));
      });
      stream.on('error', reject);
      stream.end(body ?? undefined);
    });
    return within(ms, `${method} ${path}`, answer);
  }
}

module.exports = { Http2Client, SecureClient };
