// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One TCP connection on which a test says exactly what it wants, and the answers taken apart.
'use strict';

const net = require('node:net');

const { within } = require('./wait');

const CONNECT_MS = 10000;
const END_OF_HEAD = '\r\n\r\n';

function parseField(line) {
  const [, name, value] = /^([^:]*): *(.*)$/.exec(line);
  return [name.toLowerCase(), value];
}

/**
 * The whole answers at the start of `text` (one character a byte) and what is left behind them.
 * In the first `bodiless` of them, which answer HEAD, a Content-Length is not followed by a body.
 */
function parseAnswers(text, bodiless) {
  const answers = [];
  for (;;) {
    const end = text.indexOf(END_OF_HEAD);
    if (end < 0) {
      return { answers, rest: text };
    }
    const [statusLine, ...lines] = text.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(lines.map(parseField));
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    const start = end + END_OF_HEAD.length;
    const hasBody = status >= 200 && answers.length >= bodiless;
    const length = hasBody ? Number(headers['content-length'] ?? 0) : 0;
    if (text.length < start + length) {
      return { answers, rest: text };
    }
    answers.push({ status, headers, body: text.slice(start, start + length) });
    text = text.slice(start + length);
  }
}

class RawConnection {
  static open(port, bodiless = 0) {
    const options = { host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true };
    return RawConnection.over(net.connect(options), bodiless);
  }

  /** Over a socket that is connecting. */
  static async over(socket, bodiless = 0) {
    const connection = new RawConnection();
    connection.bodiless = bodiless;
    connection.received = '';
    connection.hasEnded = false; // the server has ended its direction, or the connection is gone
    connection.waiters = new Set();
    connection.socket = socket;
    await within(CONNECT_MS, 'connection', new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    }));
    socket.removeAllListeners('error');
    socket.on('error', () => connection.end());
    socket.on('end', () => connection.end());
    socket.on('close', () => connection.end());
    socket.on('data', (chunk) => {
      connection.received += chunk.toString('latin1');
      connection.wake();
    });
    return connection;
  }

  end() {
    this.hasEnded = true;
    this.wake();
  }

  wake() {
    const waiters = [...this.waiters];
    this.waiters.clear();
    waiters.forEach((resolve) => resolve());
  }

  get answers() {
    return parseAnswers(this.received, this.bodiless).answers;
  }

  /** Bytes that are no whole answer. */
  get rest() {
    return parseAnswers(this.received, this.bodiless).rest;
  }

  /** Resolves once `isDone()`; looked at whenever something arrives. */
  async when(ms, what, isDone) {
    const end = performance.now() + ms;
    while (!isDone()) {
      const left = Math.max(end - performance.now(), 0);
      await within(left, what, new Promise((resolve) => this.waiters.add(resolve)));
    }
  }

  /** Left out when the server has closed. */
  async write(bytes) {
    if (this.hasEnded || !this.socket.writable) {
      return;
    }
    await new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  finish() {
    this.socket.end();
  }

  close() {
    this.socket.destroy();
  }
}

module.exports = { RawConnection };
