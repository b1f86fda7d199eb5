// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One connection that is kept open and does nothing but send bytes made before and read the answer:
// for tests in which thousands of requests, or many at the same instant, are the point.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');

const { within } = require('./wait');

const ANSWER_MS = 20000;
const END_OF_HEAD = '\r\n\r\n';

/** The bytes of a POST of JSON. `headers`: further ones. */
function postBytes(call, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const head = [
    `POST /auth/v1/${call} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(head.join('\r\n') + END_OF_HEAD + text);
}

class Lane {
  /** `from`: the address that the connection comes from, such as "127.0.0.9". */
  static async open(port, from) {
    const lane = new Lane();
    const options = { host: '127.0.0.1', port, localAddress: from, noDelay: true };
    lane.socket = net.connect(options);
    lane.text = '';
    lane.waiting = null;
    await within(ANSWER_MS, 'connection', new Promise((resolve, reject) => {
      lane.socket.once('connect', resolve);
      lane.socket.once('error', reject);
    }));
    lane.socket.on('data', (chunk) => lane.take(chunk));
    lane.socket.on('close', () => lane.waiting?.reject(new Error('connection closed')));
    return lane;
  }

  static openMany(port, count, from) {
    return Promise.all(Array.from({ length: count }, () => Lane.open(port, from)));
  }

  close() {
    this.waiting = null;
    this.socket.destroy();
  }

  take(chunk) {
    this.text += chunk.toString('latin1');
    const end = this.text.indexOf(END_OF_HEAD);
    if (end < 0) {
      return;
    }
    const length = Number(/^Content-Length: (\d+)\r$/im.exec(this.text)?.[1] ?? 0);
    const start = end + END_OF_HEAD.length;
    if (this.text.length < start + length) {
      return;
    }
    assert.equal(this.text.length, start + length, 'more than one answer');
    const status = Number(this.text.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3));
    const body = this.text.slice(start);
    const { resolve } = this.waiting;
    this.text = '';
    this.waiting = null;
    resolve({ status, body });
  }

  /** The answer: {status, body}. */
  exchange(bytes) {
    assert.equal(this.waiting, null, 'one request at a time');
    if (this.socket.destroyed) {
      return Promise.reject(new Error('connection closed'));
    }
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(bytes);
    });
  }

  /** The body of the answer. */
  async send(bytes) {
    return (await this.exchange(bytes)).body;
  }

  /** The code of the answer's status object. */
  async code(bytes) {
    return Number(/"code":(\d+)/.exec(await this.send(bytes))[1]);
  }
}

/** Calls `job(lane, item, index)` for each item, one at a time a lane; results in their order. */
async function spread(lanes, items, job) {
  const results = new Array(items.length);
  let next = 0;
  const work = async (lane) => {
    while (next < items.length) {
      const i = next++;
      results[i] = await job(lane, items[i], i);
    }
  };
  await Promise.all(lanes.map(work));
  return results;
}

module.exports = { Lane, postBytes, spread };
