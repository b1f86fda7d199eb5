// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A client over node:http that keeps connections open and hands out bytes as they came.
'use strict';

const http = require('node:http');

const { within } = require('./wait');

const ANSWER_MS = 20000;

class Reply {
  constructor(message, body) {
    this.status = message.statusCode;
    this.headers = message.headers;
    this.rawHeaders = message.rawHeaders;
    this.body = body;
  }

  get text() {
    return this.body.toString();
  }

  get json() {
    return JSON.parse(this.text);
  }

  /** The code of the status object. */
  get code() {
    return this.json.status.code;
  }
}

class Client {
  constructor(port) {
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true });
  }

  close() {
    this.agent.destroy();
  }

  open(options, onMessage) {
    const where = { host: '127.0.0.1', port: this.port, agent: this.agent };
    return http.request({ ...where, ...options }, onMessage);
  }

  request({ method = 'GET', path, headers = {}, body = null }, ms = ANSWER_MS) {
    const answer = new Promise((resolve, reject) => {
      const request = this.open({ method, path, headers }, (message) => {
        const chunks = [];
        message.on('data', (chunk) => chunks.push(chunk));
        message.on('end', () => resolve(new Reply(message, Buffer.concat(chunks))));
        message.on('error', reject);
      });
      request.on('error', reject);
      request.end(body ?? undefined);
    });
    return within(ms, `${method} ${path}`, answer);
  }

  get(path, headers) {
    return this.request({ path, headers });
  }

  post(path, body, headers = {}) {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const own = { 'Content-Type': 'application/json', 'Content-Length': bytes.length };
    return this.request({ method: 'POST', path, headers: { ...own, ...headers }, body: bytes });
  }
}

module.exports = { Client, Reply };
