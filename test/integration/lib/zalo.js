// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Zalo as far as tokens and template messages go, and as strict: a refresh token works once, and a
// new pair ends the old access token. Every answer is HTTP 200.
'use strict';

const crypto = require('node:crypto');
const https = require('node:https');

const { until } = require('./wait');

const ARRIVES_MS = 10000;
const USED = { error: -14020, error_name: 'Invalid refresh token', error_description: 'used' };
const QUOTA = { error: 0, message: 'Success', data: { dailyQuota: '500', remainingQuota: '499' } };
const ENDED = { error: -124, message: 'Access token invalid' };

class Zalo {
  /** `lifeSeconds`: of access tokens; `appId` and `appSecret`: who may renew. */
  static async start({ key, cert, appId, appSecret, lifeSeconds = 90000 }) {
    const zalo = new Zalo();
    Object.assign(zalo, { appId, appSecret, lifeSeconds });
    zalo.messages = []; // requests that were taken or not
    zalo.renewals = []; // the same
    zalo.quotas = []; // the same
    zalo.made = []; // all tokens ever
    zalo.isAnswering = true;
    zalo.hanging = [];
    zalo.server = https.createServer({ key, cert }, (request, response) =>
      zalo.onRequest(request, response));
    await new Promise((resolve) => zalo.server.listen(0, '127.0.0.1', resolve));
    zalo.url = `https://127.0.0.1:${zalo.server.address().port}`;
    zalo.grant();
    return zalo;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  make(kind) {
    const token = `${kind}-${crypto.randomBytes(24).toString('hex')}`;
    this.made.push(token);
    return token;
  }

  /** As a person does on the permission page. Returns the refresh token. */
  grant() {
    this.access = this.make('access');
    this.refresh = this.make('refresh');
    return this.refresh;
  }

  async onRequest(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) {
        chunks.push(chunk);
      }
    } catch {
      return; // the client has gone
    }
    const { method, url, headers } = request;
    const asked = { method, url, headers, body: Buffer.concat(chunks).toString() };
    const isRenewal = url === '/v4/oa/access_token';
    const isQuota = url === '/message/quota';
    const answer = isRenewal ? this.renew(asked) : this.answer(asked, isQuota);
    if (!this.isAnswering && (isRenewal || isQuota)) {
      this.hanging.push(response);
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  renew(asked) {
    const form = new URLSearchParams(asked.body);
    const isClient = asked.headers.secret_key === this.appSecret &&
      form.get('app_id') === this.appId && form.get('grant_type') === 'refresh_token';
    this.renewals.push(asked);
    if (!isClient) {
      return { error: -14004, error_name: 'Invalid secret key' };
    }
    if (form.get('refresh_token') !== this.refresh) {
      return USED;
    }
    this.grant();
    return {
      access_token: this.access, refresh_token: this.refresh, expires_in: `${this.lifeSeconds}`,
    };
  }

  answer(asked, isQuota) {
    (isQuota ? this.quotas : this.messages).push(asked);
    if (this.isAlwaysEnded || asked.headers.access_token !== this.access) {
      return ENDED;
    }
    return isQuota ? QUOTA : this.take(asked);
  }

  take(asked) {
    asked.isTaken = true;
    return { error: 0, message: 'Success', data: { msg_id: `m${this.messages.length}` } };
  }

  taken(phone) {
    return this.messages.filter(({ isTaken, body }) => isTaken && body.includes(phone));
  }

  await(phone, count = 1) {
    return until(ARRIVES_MS, `message ${count} to ${phone}`, () => this.taken(phone)[count - 1]);
  }
}

module.exports = { Zalo };
