// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Codes by Zalo, whose access tokens are renewed by refresh tokens that work once: the first pair,
// renewals before the end and after a refusal, and a server that is killed around a renewal.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');
const { Zalo } = require('./lib/zalo');

const APP = { appId: '4815162342', appSecret: 'secret-of-the-app' };
const EXIT = { ok: 0, usage: 64, data: 65, unavailable: 69 };
const MEND = 'otpd provider tokens set';
const WAIT_MS = 10000;
const KILLS = 6;

const folder = new Folder();
let authority;
let right;
let keyFile;
let appSecretFile;

before(async () => {
  authority = new Authority(folder);
  right = authority.sign('IP:127.0.0.1');
  keyFile = folder.join('keys');
  appSecretFile = folder.write('app', `${APP.appSecret}\n`);
  await runOtpd(['init', '--key-file', keyFile]);
});

after(() => folder.remove());

const who = (number) => mobile(number, { brand: 'Shop' });

function config(zalo, settings) {
  const provider = {
    name: 'oa', kind: 'zalo', endpoint: zalo.url, tokenEndpoint: zalo.url, appId: APP.appId,
    appSecretFile, templateId: '7895417', caFile: authority.file, allowPrivate: true,
    timeoutMs: 2000, ...settings,
  };
  const options = { keyFile, dataDir: 'unused', logFormat: 'json', providers: [provider] };
  return configText({ Shop: { mobileChannel: 'ZALO', defaultCountry: 'VN' } }, options);
}

/** A server with a data directory that outlives it. */
class Site {
  constructor(zalo, settings) {
    this.zalo = zalo;
    this.home = new Folder();
    this.config = config(zalo, settings);
  }

  async start() {
    const dataDir = this.home.join('data');
    const args = ['--data-dir', dataDir];
    this.server = await Server.start({ isDev: false, config: this.config, args });
    this.api = new Api(this.server);
  }

  /** Nothing secret may have been logged. */
  async end(how) {
    this.api.close();
    this.zalo.made.forEach((token) => this.server.secrets.addToken(token));
    this.server.secrets.addCode(APP.appSecret);
    await this.server[how]();
  }

  async send(number) {
    const sessionId = await this.api.open(who(number));
    assert.equal((await this.api.generate(who(number), sessionId)).code, 200);
    return sessionId;
  }

  async tokens(words, input) {
    const socket = ['--socket', await this.server.controlSocket()];
    const end = await runOtpd(['provider', 'tokens', ...words, ...socket], { input });
    const said = end.stdout + end.stderr;
    assert.ok(!this.zalo.made.some((token) => said.includes(token)), said);
    return end;
  }

  set(refresh) {
    return this.tokens(['set', 'oa', 'refreshToken=-'], `${refresh}\n`);
  }
}

async function withSite(options, job) {
  const zalo = await Zalo.start({ ...right, ...APP, ...options });
  const site = new Site(zalo, options.settings);
  await site.start();
  try {
    await job(site, zalo);
    await site.end('stop');
  } finally {
    site.server.program.signal('SIGKILL');
    await zalo.stop();
    site.home.remove();
  }
}

test('without a refresh token nothing is sent, and the log says what to do', () =>
  withSite({}, async (site, zalo) => {
    assert.match((await site.server.awaitEvent('token.missing')).what, new RegExp(MEND));
    await site.send('84901234501');
    const { reason, words } = await site.server.awaitEvent('otp.failed');
    assert.equal(reason, 'auth_failed');
    assert.match(words, new RegExp(MEND));
    const { status, stdout } = await site.tokens(['show', 'oa']);
    assert.equal(status, EXIT.ok);
    assert.match(stdout, /^oa: missing: /);
    assert.deepEqual([zalo.messages.length, zalo.renewals.length], [0, 0]);
  }));

test('from the first refresh token to the code that logs in', () =>
  withSite({}, async (site, zalo) => {
    const set = await site.set(zalo.refresh);
    assert.equal(set.status, EXIT.ok, set.stderr);
    assert.match(set.stdout, /^oa: ready: .*\n {2}access token ends: 2.*\n {2}refresh token ends:/);
    assert.deepEqual([zalo.renewals[0].method, zalo.renewals[0].headers['content-type']],
      ['POST', 'application/x-www-form-urlencoded']);
    const sessionId = await site.send('84901234502');
    const { method, url, headers, body } = await zalo.await('84901234502');
    const [, otp] = /"otp":"(\d{6})"/.exec(body);
    const [, id] = /"tracking_id":"([0-9a-f]{16})"/.exec(body);
    assert.equal(body, '{"phone":"84901234502","template_id":"7895417",' +
      `"template_data":{"otp":"${otp}"},"tracking_id":"${id}"}`);
    assert.deepEqual([method, url, headers.access_token, headers['content-type']],
      ['POST', '/message/template', zalo.access, 'application/json']);
    assert.equal(headers.appsecret_proof, undefined);
    site.server.secrets.addCode(otp);
    assert.equal((await site.api.validate(who('84901234502'), sessionId, otp)).code, 200);
    const sent = await site.server.awaitEvent('otp.sent');
    assert.deepEqual([sent.provider, sent.providerRef, sent.channel], ['oa', 'm1', 'ZALO']);
  }));

test('with the proof that the app\'s secret is known', () =>
  withSite({ settings: { proofSecretFile: appSecretFile } }, async (site, zalo) => {
    await site.set(zalo.refresh);
    await site.send('84901234503');
    const { headers } = await zalo.await('84901234503');
    const proof = crypto.createHmac('sha256', APP.appSecret).update(zalo.access).digest('hex');
    assert.equal(headers.appsecret_proof, proof);
  }));

describe('an access token', () => {
  test('is renewed before it ends, without a message', () =>
    withSite({ lifeSeconds: 2 }, async (site, zalo) => {
      await site.set(zalo.refresh);
      await until(WAIT_MS, 'two renewals', () => zalo.renewals.length >= 3);
      assert.equal(site.server.events('token.not_renewed').length, 0);
      await site.send('84901234504');
      await zalo.await('84901234504');
    }));

  test('that was ended early is renewed once for all messages', () =>
    withSite({}, async (site, zalo) => {
      await site.set(zalo.refresh);
      zalo.access = zalo.make('access'); // somebody else knows it
      const numbers = ['84901234505', '84901234506', '84901234507'];
      await Promise.all(numbers.map((number) => site.send(number)));
      await Promise.all(numbers.map((number) => zalo.await(number)));
      assert.equal(zalo.renewals.length, 2);
      assert.equal(site.server.events('otp.failed').length, 0);
      for (const number of numbers) {
        assert.equal(zalo.taken(number).length, 1);
      }
    }));

  test('that is never taken is not renewed for ever', () =>
    withSite({}, async (site, zalo) => {
      await site.set(zalo.refresh);
      zalo.isAlwaysEnded = true;
      await site.send('84901234508');
      const { reason, words } = await site.server.awaitEvent('otp.failed');
      assert.equal(reason, 'auth_failed');
      assert.match(words, /-124/);
      assert.equal(zalo.renewals.length, 2);
    }));

  test('lasts over a restart', () => withSite({}, async (site, zalo) => {
    await site.set(zalo.refresh);
    await site.end('stop');
    await site.start();
    await site.send('84901234509');
    await zalo.await('84901234509');
    assert.equal(zalo.renewals.length, 1);
  }));
});

describe('kill -9', () => {
  test('between Zalo\'s answer and the disk: a person is told, and can mend it', () =>
    withSite({}, async (site, zalo) => {
      await site.set(zalo.refresh);
      zalo.isAnswering = false;
      zalo.access = zalo.make('access');
      await site.send('84901234510');
      await until(WAIT_MS, 'a renewal without an answer', () => zalo.hanging.length > 0);
      await site.end('kill');
      zalo.isAnswering = true;
      await site.start();
      await site.send('84901234511');
      assert.match((await site.server.awaitEvent('token.spent')).what, new RegExp(MEND));
      const { stdout } = await site.tokens(['show', 'oa']);
      assert.match(stdout, /^oa: spent: .*\n(.*\n)* {2}it says: HTTP 200, -14020: used\n/);
      assert.equal((await site.set(zalo.grant())).status, EXIT.ok);
      await site.send('84901234512');
      await zalo.await('84901234512');
    }));

  test('at any time: the stored token works, or a person is told', () =>
    withSite({ lifeSeconds: 1 }, async (site, zalo) => {
      assert.equal((await site.set(zalo.refresh)).status, EXIT.ok);
      for (let i = 0; i < KILLS; i++) {
        const isStored = i % 2 === 0; // else it may be, or not
        const stored = site.server.events('token.renewed').length;
        const renewals = zalo.renewals.length;
        await until(WAIT_MS, 'a renewal', () => (isStored
          ? site.server.events('token.renewed').length > stored
          : zalo.renewals.length > renewals));
        await site.end('kill');
        await site.start();
        const number = `8490123452${i}`;
        await site.send(number);
        await until(WAIT_MS, 'the message, or the alarm', () =>
          zalo.taken(number).length > 0 || site.server.events('token.spent').length > 0);
        if (site.server.events('token.spent').length > 0) {
          assert.ok(!isStored || zalo.renewals.length > renewals + 1);
          assert.equal((await site.set(zalo.grant())).status, EXIT.ok);
        }
      }
      await site.send('84901234530');
      await zalo.await('84901234530');
    }));
});

describe('otpd check --online', () => {
  async function check(site, zalo) {
    const file = folder.write('otpd.yaml', site.config);
    const dataDir = ['--data-dir', site.home.join('data')];
    const end = await runOtpd(['check', '--online', '--config', file, ...dataDir]);
    const said = end.stdout + end.stderr;
    assert.ok(![...zalo.made, APP.appSecret].some((secret) => said.includes(secret)), said);
    return { status: end.status, said: end.stdout.split('\n').slice(1).join('\n').trim() };
  }

  test('has the running server ask by its access token, and renews nothing', () =>
    withSite({}, async (site, zalo) => {
      await site.set(zalo.refresh);
      assert.deepEqual(await check(site, zalo), { status: EXIT.ok, said: 'oa: ready' });
      const { method, url, headers, body } = zalo.quotas[0];
      assert.deepEqual([method, url, headers.access_token, body],
        ['GET', '/message/quota', zalo.access, '']);
      assert.deepEqual([zalo.quotas.length, zalo.renewals.length, zalo.messages.length], [1, 1, 0]);
    }));

  test('tells that the token is not taken, and renews nothing', () =>
    withSite({}, async (site, zalo) => {
      await site.set(zalo.refresh);
      zalo.access = zalo.make('access');
      const { status, said } = await check(site, zalo);
      assert.equal(status, EXIT.unavailable);
      assert.match(said, /^oa: not ready: .*\(token_ended\)\n {2}it says: HTTP 200, -124: .*\n/);
      assert.match(said, /\n {2}look at otpd provider tokens show oa$/);
      assert.equal(zalo.renewals.length, 1);
    }));

  test('tells that there is no token yet', () => withSite({}, async (site, zalo) => {
    await site.server.awaitEvent('token.missing');
    const { status, said } = await check(site, zalo);
    assert.equal(status, EXIT.unavailable);
    assert.match(said, /^oa: not ready: .*\(auth_failed\)\n {2}it says: .*provider tokens set/);
    assert.equal(zalo.quotas.length, 0);
  }));

  test('and silence', () => withSite({}, async (site, zalo) => {
    await site.set(zalo.refresh);
    zalo.isAnswering = false;
    const { status, said } = await check(site, zalo);
    assert.equal(status, EXIT.unavailable);
    assert.match(said, /^oa: not ready: .*\(vendor_down\)\n {2}it says: Timeout was reached$/);
    zalo.isAnswering = true;
    assert.deepEqual(await check(site, zalo), { status: EXIT.ok, said: 'oa: ready' });
  }));

  test('longer silence than it waits for', () =>
    withSite({ settings: { timeoutMs: 20000 } }, async (site, zalo) => {
      await site.set(zalo.refresh);
      zalo.isAnswering = false;
      const { status, said } = await check(site, zalo);
      assert.equal(status, EXIT.unavailable);
      assert.match(said, /\(vendor_down\)\n {2}it says: it has not answered within 8 seconds$/);
    }));

  test('without a server connects, and says that nobody has the token', () =>
    withSite({}, async (site, zalo) => {
      await site.set(zalo.refresh);
      await site.end('stop');
      const { status, said } = await check(site, zalo);
      assert.equal(status, EXIT.unavailable);
      assert.match(said, /^oa: not asked: it can be reached, but .*no server answers at /);
      assert.equal(zalo.quotas.length, 0);
      await site.start();
    }));
});

describe('otpd provider tokens', () => {
  test('says what Zalo says to a token that is none', () => withSite({}, async (site) => {
    const { status, stdout } = await site.set('no-token-of-zalo');
    assert.equal(status, EXIT.unavailable);
    assert.match(stdout, /^oa: spent: .*\n(.*\n)* {2}it says: HTTP 200, -14020: used\n/);
  }));

  test('tells what is wrong with how it is called', () => withSite({}, async (site) => {
    const open = folder.write('open', 'token\n', 0o644);
    const rows = [
      [['show', 'mail'], EXIT.data, /no provider "mail" that is running has tokens to renew$/m],
      [['set', 'oa', 'refreshToken=abc'], EXIT.data, /a secret on the command line is seen by/],
      [['set', 'oa', `refreshToken=@${open}`], EXIT.data, /others may read or change it/],
      [['set', 'oa', 'token=-'], EXIT.usage, /usage: otpd provider tokens set NAME refreshToken=/],
    ];
    for (const [words, status, story] of rows) {
      const end = await site.tokens(words, 'x');
      assert.equal(end.status, status, end.stderr);
      assert.match(end.stderr, story);
    }
    const spaced = await site.set('two words');
    assert.equal(spaced.status, EXIT.data);
    assert.match(spaced.stderr, /printable ASCII without spaces/);
  }));

  test('and send-test, which has no tokens, says who has', () => withSite({}, async (site) => {
    const file = folder.write('otpd.yaml', site.config);
    const words = ['send-test', '--channel', 'zalo', '--to', '+84901234540', '--config', file];
    const { status, stdout } = await runOtpd(words);
    assert.equal(status, EXIT.unavailable);
    assert.match(stdout, /\(auth_failed\)\n {2}it says: .*otpd provider tokens show/);
  }));
});
