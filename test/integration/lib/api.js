// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The API as a client of one server sees it: sessions, codes and what came of them.
'use strict';

const assert = require('node:assert/strict');

const { Client } = require('./http');

const INBOX_WAIT = '10s';

/** Somebody who logs in: the members that all of the requests share. */
function mobile(number, { brand = 'DocDemo', deviceId = 'device-1' } = {}) {
  const who = { identifierType: 'MOBILE', identifierValue: number, brand };
  return deviceId === null ? who : { ...who, deviceId };
}

function email(address, options) {
  return { ...mobile(address, options), identifierType: 'EMAIL' };
}

class Api {
  /** `calls`: the client that calls go by, if not by one of its own; the caller closes it. */
  constructor(server, calls = null) {
    this.server = server;
    this.client = new Client(server.port);
    this.calls = calls ?? this.client;
  }

  close() {
    this.client.close();
  }

  /** `call` is such as "otp/generate" or "web/otp/validate". */
  async call(call, body, headers) {
    this.remember(body);
    const reply = await this.calls.post(`/auth/v1/${call}`, body, headers);
    this.server.secrets.addAnswer(reply.json);
    return reply;
  }

  remember(body) {
    for (const address of [body.identifierValue, body.mobile, body.email]) {
      if (typeof address === 'string' && address !== '') {
        this.server.secrets.addAddress(address);
      }
    }
  }

  async open(who, family = '') {
    const reply = await this.call(`${family}token/generate`, who);
    assert.equal(reply.code, 200, reply.text);
    return reply.json.user.sessionId;
  }

  generate(who, sessionId, family = '') {
    return this.call(`${family}otp/generate`, { ...who, sessionId });
  }

  validate(who, sessionId, otp, family = '') {
    return this.call(`${family}otp/validate`, { ...who, sessionId, otp });
  }

  /** Messages to that address, in any spelling; waits for one newer than `after`. */
  async messages(to, after = '0') {
    const query = `to=${encodeURIComponent(to)}&after=${after}&wait=${INBOX_WAIT}`;
    const reply = await this.client.get(`/dev/inbox?${query}`);
    assert.equal(reply.status, 200, reply.text);
    this.server.secrets.addAnswer(reply.json);
    return reply.json.messages;
  }

  async lastId() {
    const reply = await this.client.get('/dev/inbox?limit=1');
    return reply.json.messages[0]?.id ?? '0';
  }

  /** A session of that person, the code that was just issued in it, and its message. */
  async begin(who, family = '') {
    const after = await this.lastId();
    const sessionId = await this.open(who, family);
    const reply = await this.generate(who, sessionId, family);
    assert.equal(reply.code, 200, reply.text);
    const own = who.identifierType === 'USERNAME' ? '' : who.identifierValue;
    const [message] = await this.messages(own || who.mobile || who.email, after);
    return { sessionId, code: message.otp, message };
  }
}

/** A code of the same length that is not the right one. */
function wrong(code, step = 1) {
  const other = (Number(code) + step) % 10 ** code.length;
  return String(other).padStart(code.length, '0');
}

module.exports = { Api, mobile, email, wrong };
