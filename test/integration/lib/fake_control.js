// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A control socket with nothing behind it: it keeps what it is asked, and answers what it is told.
'use strict';

const http = require('node:http');
const net = require('node:net');

const { Folder } = require('./folder');

const listening = (server, path) => new Promise((resolve) => server.listen(path, resolve));

class FakeControl {
  /** `answer`: request → {status, json} or {status, text}; null: none, and the client waits. */
  static async start(answer) {
    const fake = new FakeControl();
    fake.answer = answer;
    fake.requests = [];
    fake.folder = new Folder();
    fake.path = fake.folder.join('control.sock');
    fake.server = http.createServer((request, response) => fake.take(request, response));
    await listening(fake.server, fake.path);
    return fake;
  }

  async take(request, response) {
    const { method, url, headers } = request;
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks).toString();
    const asked = { method, url, headers, body: body === '' ? null : JSON.parse(body) };
    this.requests.push(asked);
    const answer = this.answer(asked, this.requests.length);
    if (answer === null) {
      return;
    }
    const type = answer.status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(answer.status, { 'Content-Type': type, ...answer.headers });
    response.end(answer.text ?? JSON.stringify(answer.json));
  }

  /** "PUT /admin/v1/brand?name=DocDemo" of each request. */
  calls() {
    return this.requests.map(({ method, url }) => `${method} ${url}`);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
    this.folder.remove();
  }
}

/** A socket on which something else answers: `reply` to the first bytes, then the end; null: the
 *  end at once. */
async function startRaw(reply) {
  const folder = new Folder();
  const path = folder.join('control.sock');
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => (reply === null ? socket.destroy() : socket.end(reply)));
  });
  await listening(server, path);
  const stop = () => {
    server.close();
    folder.remove();
  };
  return { path, folder, stop };
}

module.exports = { FakeControl, startRaw };
