// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The commands that try a configuration and its providers, and what the server does with providers
// at its start, in development mode and at a reload. The example of README.md is one of them.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { Api, email } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Relay, parseMail } = require('./lib/relay');
const { Server } = require('./lib/server');

const LOGIN = { user: 'codes@example.com', pass: 'correct horse' };
const EXIT = { ok: 0, usage: 64, unavailable: 69, config: 78 };

const folder = new Folder();
let authority;
let relay;
let settings;

before(async () => {
  authority = new Authority(folder);
  relay = await Relay.start({ ...authority.sign('IP:127.0.0.1'), login: LOGIN });
  settings = {
    name: 'mail', kind: 'smtp', host: '127.0.0.1', port: relay.port, from: 'codes@example.com',
    caFile: authority.file, user: LOGIN.user, passwordFile: folder.write('password', LOGIN.pass),
  };
  await runOtpd(['init', '--key-file', folder.join('keys')]);
});

after(async () => {
  await relay.stop();
  folder.remove();
});

function write(providers) {
  const dirs = { dataDir: folder.join('data'), keyFile: folder.join('keys') };
  const options = { ...dirs, logFormat: 'json', providers };
  return folder.write('otpd.yaml', configText({ Shop: {} }, options));
}

async function run(command, providers, ...args) {
  const end = await runOtpd([...command.split(' '), '--config', write(providers), ...args]);
  assert.ok(![end.stdout, end.stderr].join().includes(LOGIN.pass));
  return end;
}

describe('otpd check', () => {
  test('a right configuration', async () => {
    const before = relay.connections;
    const { status, stdout, stderr } = await run('check', [settings]);
    assert.deepEqual([status, stdout, stderr], [
      EXIT.ok, 'configuration: ok (brands: 1, providers: 1)\n', '',
    ]);
    assert.equal(relay.connections, before);
  });

  test('a wrong one: all errors, each with its place', async () => {
    const wrong = { ...settings, port: 0, tls: 'maybe', hosst: 'x' };
    const { status, stdout, stderr } = await run('check', [wrong]);
    assert.deepEqual([status, stdout], [EXIT.config, '']);
    const places = stderr.trim().split('\n').map((line) => /:(\d+:\d+): error: /.exec(line)?.[1]);
    assert.equal(places.length, 3);
    assert.ok(places.every(Boolean), stderr);
    assert.match(stderr, /unknown option "hosst"; did you mean "host"\?/);
  });

  test('--online logs in, and sends nothing', async () => {
    const logins = relay.logins.length;
    const { status, stdout } = await run('check --online', [settings]);
    assert.equal(status, EXIT.ok);
    assert.match(stdout, /^mail: ready\n {2}it says: 235 /m);
    assert.deepEqual([relay.logins.length, relay.mails.length], [logins + 1, 0]);
  });

  test('--online with a wrong password', async () => {
    const passwordFile = folder.write('wrong', 'wrong');
    const { status, stdout } = await run('check --online', [{ ...settings, passwordFile }]);
    assert.equal(status, EXIT.unavailable);
    const why = /^mail: not ready: the provider refused the credentials \(auth_failed\)$/m;
    assert.match(stdout, why);
    assert.match(stdout, /^ {2}it says: 535 5\.7\.8 .*\n {2}look at user and passwordFile: /m);
  });

  test('--online with nobody there', async () => {
    const { status, stdout } = await run('check --online', [{ ...settings, port: 1 }]);
    assert.equal(status, EXIT.unavailable);
    assert.match(stdout, /\(vendor_down\)\n {2}it says: .*127\.0\.0\.1 port 1/);
  });
});

describe('otpd send-test', () => {
  const toSomeone = ['--channel', 'email', '--to', 'someone@example.net'];

  test('sends one message, and says what the relay said', async () => {
    const { status, stdout } = await run('send-test', [settings], ...toSomeone);
    assert.deepEqual([status, stdout], [
      EXIT.ok, 'EMAIL: sent\n  it says: 250 Ok: queued as 4F2A1\n',
    ]);
    assert.equal(relay.mails.length, 1);
    const { headers, text } = parseMail(relay.mails[0].raw);
    assert.equal(headers.Subject, 'Your otpd test code');
    assert.equal(headers.To, '<someone@example.net>');
    assert.match(text.body, /^This is a test of otpd\. 000000 is no code/);
  });

  test('tells a refusal', async () => {
    relay.plan.push({ at: 'rcpt', reply: '550 5.1.1 <someone@example.net>: nobody' });
    const { status, stdout } = await run('send-test', [settings], ...toSomeone);
    assert.equal(status, EXIT.unavailable);
    assert.equal(stdout, 'EMAIL: not sent: there is no such address (invalid_number)\n' +
      '  it says: 550 5.1.1 (address) nobody\n');
  });

  test('tells that it does not know', async () => {
    relay.plan.push({ at: 'body', cut: true });
    const { status, stdout } = await run('send-test', [settings], ...toSomeone);
    assert.equal(status, EXIT.unavailable);
    assert.match(stdout, /^EMAIL: perhaps sent: /);
  });

  for (const [args, status, words] of [
    [[], EXIT.usage, /needs --channel and --to/],
    [['--channel', 'email', '--to'], EXIT.usage, /"--to" needs a value/],
    [['--channel', 'fax', '--to', 'a@example.net'], EXIT.usage, /SMS, WHATSAPP, ZALO or EMAIL/],
    [['--channel', 'email', '--to', 'nobody'], EXIT.usage, /--to: no address/],
    [['--channel', 'sms', '--to', '+12025550123'], EXIT.config, /no provider .* carries/],
    [[...toSomeone, '--no-such-flag'], EXIT.config, /unknown option "--no-such-flag"/],
  ]) {
    test(`refuses "${args.join(' ')}"`, async () => {
      const end = await run('send-test', [settings], ...args);
      assert.equal(end.status, status);
      assert.match(end.stderr, words);
    });
  }
});

test('--dev sends nothing, whatever is configured', async () => {
  const before = relay.connections;
  const config = fs.readFileSync(write([settings]), 'utf8');
  const server = await Server.start({ config, args: ['--log-format', 'json'] });
  const api = new Api(server);
  const { message } = await api.begin(email('someone@example.net', { brand: 'Shop' }));
  assert.equal(message.channel, 'EMAIL');
  assert.equal(server.events('providers.unused').length, 1);
  assert.equal(relay.connections, before);
  api.close();
  await server.stop();
});

test('a reload keeps the old providers, and says that others need a restart', async () => {
  const config = fs.readFileSync(write([settings]), 'utf8');
  const server = await Server.start({ isDev: false, config });
  const api = new Api(server);
  const mails = relay.mails.length;
  server.configure(config.replace('"from":"codes@', '"from":"other@'));
  server.program.signal('SIGHUP');
  assert.equal((await server.awaitEvent('config.needs_restart')).options, 'providers');
  await server.awaitEvent('config.reloaded');
  server.program.signal('SIGHUP');
  await server.awaitEvent('config.needs_restart', 2);
  const who = email('someone@example.net', { brand: 'Shop' });
  assert.equal((await api.generate(who, await api.open(who))).code, 200);
  const mail = await relay.await(mails + 1);
  assert.equal(mail.from, 'codes@example.com');
  server.secrets.addCode(/\b\d{6}\b/.exec(parseMail(mail.raw).text.body)[0]);
  api.close();
  await server.stop();
});
