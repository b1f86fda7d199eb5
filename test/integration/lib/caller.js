// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One endpoint as a test of its answers calls it: new people on demand, whole sessions, and bytes
// as they came.
'use strict';

const assert = require('node:assert/strict');

const { Api, email, mobile } = require('./api');
const { RawConnection } = require('./raw');

const RAW_MS = 5000;
const FORGED = 'P-00000000-0000-4000-8000-000000000999';

let people = 0;

class Caller {
  /** `sites` are running servers by name; the first call goes to that named "usual". */
  constructor(sites, call, family, site = 'usual') {
    Object.assign(this, { sites, call, family, site });
    this.server = sites[site];
    this.isWeb = family === 'web/';
    this.path = `/auth/v1/${family}${call}`;
    sites.apis ??= new Map();
    if (!sites.apis.has(site)) {
      sites.apis.set(site, new Api(this.server));
    }
    this.api = sites.apis.get(site);
  }

  elsewhere(site) {
    return new Caller(this.sites, this.call, this.family, site);
  }

  get hurried() {
    return this.elsewhere('hurried');
  }

  get crowded() {
    return this.elsewhere('crowded');
  }

  get silent() {
    return this.elsewhere('silent');
  }

  /** The same call of the mobile family. */
  get mobileUri() {
    return new Caller(this.sites, this.call, '', this.site);
  }

  own(who) {
    const { deviceId, ...rest } = who;
    return this.isWeb ? rest : who;
  }

  mobile(options) {
    return this.own(mobile(`9188888${String(++people).padStart(5, '0')}`, options));
  }

  email(options) {
    return this.own(email(`p${++people}@example.com`, options));
  }

  /** Somebody who logs in by that username, or one of his own, with a number of his own. */
  username(name = `user${++people}`) {
    const { identifierValue: number, ...rest } = this.mobile();
    return { ...rest, identifierType: 'USERNAME', identifierValue: name, mobile: number };
  }

  open(who) {
    return this.api.open(who, this.family);
  }

  begin(options) {
    return this.beginAs(this.mobile(options));
  }

  async beginAs(who) {
    return { who, ...(await this.api.begin(who, this.family)) };
  }

  validate(body) {
    return this.api.call(`${this.family}otp/validate`, body);
  }

  /** Members that the call needs and `body` does not speak of are added. */
  complete(body) {
    const needed = {
      ...(this.call !== 'token/generate' && { sessionId: FORGED }),
      ...(this.call === 'otp/validate' && { otp: '123456' }),
    };
    return { ...needed, ...body };
  }

  send(body, { suffix = '', type = 'application/json' } = {}) {
    const isText = typeof body === 'string';
    const headers = { 'Content-Type': type };
    this.api.remember(isText ? {} : body);
    return this.api.call(`${this.family}${this.call}${suffix}`,
      isText ? body : this.complete(body), headers);
  }

  get() {
    return this.api.client.get(this.path);
  }

  /** The answer to a head, and nothing behind it; the connection has to end. */
  async raw(fields) {
    const connection = await RawConnection.open(this.server.port);
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `POST ${this.path} HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}\r\n`;
    await connection.write(head);
    await connection.when(RAW_MS, 'end of the connection', () => connection.hasEnded);
    const [{ status, headers, body }, ...others] = connection.answers;
    connection.close();
    assert.deepEqual([others, connection.rest], [[], '']);
    return { status, headers, text: body, code: JSON.parse(body).status.code };
  }
}

module.exports = { Caller };
