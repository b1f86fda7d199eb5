// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A provider's HTTP interface that does as the test says and writes down what it was asked. What it
// does with the messages to somebody is a list of steps, one a request; after the last one, and for
// everybody else, it takes them:
//   {status, json, headers}   answers
//   {text}                    answers 200 with this body
//   {hang: true}              does not answer before release()
//   {cut: true}               ends the connection instead
//   {half: text}              ends the connection in the middle of that body
// A function in place of a step gets the request, and returns the step or a promise of one.
'use strict';

const https = require('node:https');

const { until } = require('./wait');

const ARRIVES_MS = 10000;

/** null: the client has gone before it was whole. */
async function bodyOf(request) {
  const chunks = [];
  try {
    for await (const chunk of request) {
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString();
}

class Vendor {
  /**
   * `taken`: its answer to a message that it takes; `thinksMs`: how long it takes at most;
   * `others`: {path: () => step} of requests that are no messages, and are not among `requests`.
   */
  static async start({
    key, cert, taken = { status: 200, json: {} }, thinksMs = 0, others = {},
  }) {
    const vendor = new Vendor();
    vendor.taken = taken;
    vendor.others = others;
    vendor.thinksMs = thinksMs;
    vendor.requests = [];
    vendor.connections = 0;
    vendor.plans = new Map();
    vendor.hanging = [];
    vendor.server = https.createServer({ key, cert }, (request, response) =>
      vendor.onRequest(request, response));
    vendor.server.on('connection', () => vendor.connections++);
    vendor.server.on('tlsClientError', () => {}); // a client that does not like the certificate
    await new Promise((resolve) => vendor.server.listen(0, '127.0.0.1', resolve));
    vendor.port = vendor.server.address().port;
    vendor.url = `https://127.0.0.1:${vendor.port}`;
    return vendor;
  }

  stop() {
    this.release();
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  /** What happens to the next messages to that address, as it stands in requests. */
  plan(address, ...steps) {
    this.plans.set(address, steps);
  }

  async onRequest(request, response) {
    const body = await bodyOf(request);
    if (body === null) {
      return;
    }
    const { method, url, headers, rawHeaders } = request;
    if (url in this.others) {
      this.act(this.others[url](), request, response);
      return;
    }
    const times = { at: performance.now(), arrivedAt: Date.now() };
    const asked = { method, url, headers, rawHeaders, body, ...times };
    this.requests.push(asked);
    if (this.thinksMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * this.thinksMs));
    }
    const [, steps] = [...this.plans].find(([address]) => body.includes(address)) ?? [];
    const step = steps?.shift() ?? this.taken;
    this.act(typeof step === 'function' ? await step(asked) : step, request, response);
  }

  act({ status = 200, json, text, headers, hang, cut, half }, request, response) {
    if (cut) {
      request.socket.destroy();
      return;
    }
    if (hang) {
      this.hanging.push(response);
      return;
    }
    const body = half ?? text ?? JSON.stringify(json);
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    if (half === undefined) {
      response.end(body);
      return;
    }
    response.write(body.slice(0, body.length / 2), () => request.socket.destroy());
  }

  /** Takes all that hangs, and whatever comes. */
  release() {
    this.plans.clear();
    this.hanging.splice(0).forEach((response) => this.act(this.taken, null, response));
  }

  /** Requests that have that address in their body. */
  requestsTo(address) {
    return this.requests.filter(({ body }) => body.includes(address));
  }

  /** The request number `count` of that address, as soon as it is there. */
  await(address, count = 1) {
    return until(ARRIVES_MS, `request ${count} for ${address}`, () =>
      this.requestsTo(address)[count - 1]);
  }
}

module.exports = { Vendor };
