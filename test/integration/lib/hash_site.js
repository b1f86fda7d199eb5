// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A server whose brand wants hashes, its administrator, and a client of it.
'use strict';

const assert = require('node:assert/strict');

const { Api, mobile } = require('./api');
const { OAEP_HEADER } = require('./hasher');
const { runOtpd } = require('./program');
const { Server } = require('./server');
const { until } = require('./wait');

const TAMPERED = '{"status":{"success":false,"code":5004,"message":"Response tampered"}}';
const SOON_MS = 10000;

let people = 0;
const somebody = () => mobile(`9177777${String(++people).padStart(5, '0')}`);

class HashSite {
  static async start(args, env) {
    const site = new HashSite();
    site.server = await Server.start({ args, env });
    site.socket = await site.server.controlSocket();
    site.api = new Api(site.server);
    return site;
  }

  async end(how = 'stop') {
    this.api.close();
    await this.server[how]();
  }

  otpd(line, options) {
    return runOtpd([...line.split(' '), '--socket', this.socket], options);
  }

  async done(line, options) {
    const run = await this.otpd(line, options);
    assert.equal(run.status, 0, run.stderr);
    return run.stdout;
  }

  /** The public half of the new key, in base64. */
  async addKey(word = '', options) {
    const line = `brand encryption add DocDemo${word === '' ? '' : ` ${word}`}`;
    const out = await this.done(line, options);
    return out.trim().split('\n').at(-1);
  }

  switchOn() {
    return this.done('brand set DocDemo encryption.endpoints=otp/generate');
  }

  /** A session of `who`, and what its hash is made of. */
  async members(who = somebody(), family = '') {
    return { ...who, sessionId: await this.api.open(who, family) };
  }

  send(members, hash, { isOaep = false, family = '', more = {} } = {}) {
    const body = { ...members, hash, ...more };
    return this.api.call(`${family}otp/generate`, body, isOaep ? OAEP_HEADER : {});
  }

  /** The event of that answer; the log is written a little later. */
  refusalOf(reply) {
    const requestId = reply.headers['x-request-id'];
    return until(SOON_MS, 'hash.refused', () =>
      this.server.events('hash.refused').find((event) => event.requestId === requestId));
  }

  async assertRefused(reply, reason) {
    assert.equal(reply.status, 200);
    assert.equal(reply.text, TAMPERED);
    assert.match((await this.refusalOf(reply)).reason, reason);
  }
}

module.exports = { HashSite, TAMPERED, somebody };
