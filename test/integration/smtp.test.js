// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Codes by e-mail, from a server as it runs in production to a mail relay: what arrives, and what
// becomes of a message when the relay refuses, fails or is not who it should be.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Api, email, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Relay, parseMail } = require('./lib/relay');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const LOGIN = { user: 'codes@example.com', pass: 'a pass word; äöü' };
const SOMEONE = 'someone@example.net';
const CODE = /\b\d{6}\b/;

const folder = new Folder();
let authority;
let right; // certificate and key of 127.0.0.1
let keyFile;
let passwordFile;

before(async () => {
  authority = new Authority(folder);
  right = authority.sign('IP:127.0.0.1');
  keyFile = folder.join('keys');
  passwordFile = folder.write('password', `${LOGIN.pass}\n`);
  await runOtpd(['init', '--key-file', keyFile]);
});

after(() => folder.remove());

function provider(relay, settings) {
  return {
    name: 'mail', kind: 'smtp', host: '127.0.0.1', port: relay.port, from: 'codes@example.com',
    caFile: authority.file, ...settings,
  };
}

const withLogin = () => ({ user: LOGIN.user, passwordFile });

function production(relay, settings, brands = { Shop: {} }) {
  return configText(brands, { keyFile, logFormat: 'json', providers: [provider(relay, settings)] });
}

/** Runs `job` with a relay and a server that sends by it. */
async function withShop({ relay: options = {}, settings = {}, brands } = {}, job) {
  const relay = await Relay.start({ ...right, ...options });
  const config = production(relay, settings, brands);
  const server = await Server.start({ isDev: false, config });
  server.secrets.addCode(LOGIN.pass);
  const api = new Api(server);
  try {
    await job({ relay, server, api });
  } finally {
    api.close();
    await stopBoth(server, relay);
  }
}

async function stopBoth(server, relay) {
  try {
    await server.stop();
  } finally {
    await relay.stop();
  }
}

/** A session of that address in which a code has been issued. */
async function issue(api, address, brand = 'Shop') {
  const who = email(address, { brand });
  const sessionId = await api.open(who);
  assert.equal((await api.generate(who, sessionId)).code, 200);
  return { who, sessionId };
}

function codeOf(server, mail) {
  const [code] = CODE.exec(parseMail(mail.raw).text.body);
  server.secrets.addCode(code);
  return code;
}

async function outboxLength(api) {
  const { text } = await api.client.get('/metrics');
  return Number(/^otpd_outbox_messages\S* (\d+)$/m.exec(text)[1]);
}

test('a login: STARTTLS, AUTH, a mail, and its code is the right one', () =>
  withShop({ relay: { login: LOGIN }, settings: withLogin() }, async ({ relay, server, api }) => {
    const { who, sessionId } = await issue(api, SOMEONE);
    const mail = await relay.await();
    const { password, ...login } = relay.logins[0];
    assert.deepEqual(login, { method: 'PLAIN', username: LOGIN.user, secure: true });
    assert.equal(password, LOGIN.pass);
    const { raw, ...envelope } = mail;
    assert.deepEqual(envelope, {
      from: 'codes@example.com', to: [SOMEONE], secure: true, hello: 'example.com',
    });
    const sent = await server.awaitEvent('otp.sent');
    const code = codeOf(server, mail);
    assert.equal((await api.validate(who, sessionId, code)).code, 200);
    assert.equal(sent.to, 's•••@example.net');
    assert.equal(sent.tries, 1);
    assert.match(sent.words, /^250 .*queued as 4F2A1$/);
    assert.equal(relay.mails.length, 1);
  }));

test('a mail, byte by byte', () =>
  withShop({}, async ({ relay, server, api }) => {
    const began = Math.floor(Date.now() / 1000) * 1000;
    await issue(api, SOMEONE);
    const { raw } = await relay.await();
    const text = raw.toString('latin1');
    const { headers, text: plain, html } = parseMail(raw);
    const code = codeOf(server, { raw });
    const id = /^<([0-9a-f]{16})@example\.com>$/.exec(headers['Message-ID'])[1];
    const sentAt = Date.parse(headers.Date);
    assert.ok(began <= sentAt && sentAt <= Date.now());
    assert.match(headers.Date, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/);
    assert.deepEqual(headers, {
      From: '"Shop" <codes@example.com>',
      To: `<${SOMEONE}>`,
      Subject: 'Your Shop code',
      Date: headers.Date,
      'Message-ID': headers['Message-ID'],
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'MIME-Version': '1.0',
      'Content-Type': `multipart/alternative; boundary="=_${id}"`,
    });
    assert.match(plain.headers['Content-Type'], /^text\/plain; charset=utf-8$/);
    assert.match(html.headers['Content-Type'], /^text\/html; charset=utf-8$/);
    assert.match(html.body, new RegExp(`<strong [^>]*user-select:all[^>]*>${code}</strong>`));
    assert.doesNotMatch(html.body, /https?:|<img|<a /);
    assert.match(text, /^[\r\n\x20-\x7e]*$/);
    assert.doesNotMatch(text, /[^\r]\n|\r[^\n]/);
    assert.ok(text.split('\r\n').every((line) => line.length <= 78));
    assert.ok(text.endsWith(`\r\n--=_${id}--\r\n`));
  }));

const HARD_TEMPLATE = '.{otp} for <b>"{brand}" & co</b>\n.\n..\n Grüße aus 東京 =3D \nFrom here';

test('names in any script, markup and dots arrive as they are', () => {
  const settings = { tls: 'tls', fromName: '東京 "Codes"' };
  const words = { emailTemplate: HARD_TEMPLATE, emailSubject: '{otp} is your {brand} code' };
  const brands = { 'Ünï & Söhne, 東京': words };
  const [brand] = Object.keys(brands);
  return withShop({ relay: { secure: true }, settings, brands }, async ({ relay, server, api }) => {
    const { who, sessionId } = await issue(api, SOMEONE, brand);
    const mail = await relay.await();
    const { headers, text, html } = parseMail(mail.raw);
    const code = codeOf(server, mail);
    const decode = (value) => value.replace(/=\?UTF-8\?B\?(\S+)\?= ?/g, (_, word) =>
      Buffer.from(word, 'base64').toString());
    assert.equal(decode(headers.Subject), `${code} is your ${brand} code`);
    assert.equal(decode(headers.From), '東京 "Codes"<codes@example.com>');
    const wanted = HARD_TEMPLATE.replace('{otp}', code).replace('{brand}', brand);
    assert.equal(text.body, `${wanted.replaceAll('\n', '\r\n')}\r\n`);
    assert.match(html.body, /&lt;b&gt;&quot;Ünï &amp; Söhne, 東京&quot; &amp; co&lt;\/b&gt;<br>/);
    assert.equal((await api.validate(who, sessionId, code)).code, 200);
    assert.equal(mail.secure, true);
  });
});

// It would be a header of its own if anybody decoded it once too often.
const EVIL = '=?UTF-8?Q?=0D=0ABcc:_spy@example.net?=';

test('a brand has words of its own, and no header of its own', () => {
  const brands = {
    [EVIL]: {
      language: 'ar',
      emailTemplate: 'رمزك هو {otp}',
      emailSubject: '{brand}: {otp}',
      emailSender: '"Codes" <x@example.net>, y',
    },
  };
  const settings = { fromName: 'not this one' };
  return withShop({ settings, brands }, async ({ relay, server, api }) => {
    await issue(api, SOMEONE, EVIL);
    const mail = await relay.await();
    const { headers, text, html } = parseMail(mail.raw);
    const code = codeOf(server, mail);
    const decode = (value) => value.replace(/=\?UTF-8\?B\?(\S+)\?= ?/g, (_, word) =>
      Buffer.from(word, 'base64').toString());
    assert.deepEqual(Object.keys(headers), [
      'From', 'To', 'Subject', 'Date', 'Message-ID', 'Auto-Submitted',
      'X-Auto-Response-Suppress', 'Content-Language', 'MIME-Version', 'Content-Type',
    ]);
    assert.equal(headers.From, '"\\"Codes\\" <x@example.net>, y" <codes@example.com>');
    assert.equal(decode(headers.Subject), `${EVIL}: ${code}`);
    assert.equal(headers['Content-Language'], 'ar');
    assert.equal(text.body, `رمزك هو ${code}\r\n`);
    assert.match(html.body, /<p lang="ar" dir="rtl">رمزك هو <strong/);
    assert.deepEqual(mail.to, [SOMEONE]);
  });
});

test('64 logins at once share the connections that are allowed', () => {
  const settings = { ...withLogin(), connectionsMax: 4 };
  return withShop({ relay: { login: LOGIN }, settings }, async ({ relay, server, api }) => {
    const people = Array.from({ length: 64 }, (_, i) => `person${i}@example.net`);
    const sessions = await Promise.all(people.map((address) => issue(api, address)));
    await relay.await(people.length);
    await server.awaitEvent('otp.sent', people.length);
    const mails = new Map(relay.mails.map((mail) => [mail.to[0], mail]));
    assert.equal(mails.size, people.length);
    for (const { who, sessionId } of sessions) {
      const code = codeOf(server, mails.get(who.identifierValue));
      assert.equal((await api.validate(who, sessionId, code)).code, 200);
    }
    assert.ok(relay.connections <= 4, `${relay.connections} connections`);
    assert.equal(relay.mails.length, people.length);
  });
});

test('a number cannot be sent to: 1503', () =>
  withShop({}, async ({ api }) => {
    const who = mobile('919999999993', { brand: 'Shop' });
    assert.equal((await api.generate(who, await api.open(who))).code, 1503);
  }));

describe('a relay that cannot be trusted is told nothing', () => {
  async function assertNothingTold(shop, words) {
    await withShop(shop, async ({ relay, server, api }) => {
      await issue(api, SOMEONE);
      const event = await server.awaitEvent('otp.retry');
      assert.equal(event.why, 'the provider cannot be reached or failed');
      assert.match(event.words, words);
      assert.deepEqual([relay.logins, relay.mails], [[], []]);
    });
  }

  test('a certificate of somebody else', () => {
    const other = new Authority(folder, 'other').sign('IP:127.0.0.1');
    const shop = { relay: { login: LOGIN, ...other }, settings: withLogin() };
    return assertNothingTold(shop, /certificate/);
  });

  test('a certificate for another name', () => {
    const other = authority.sign('DNS:mail.example.com');
    const shop = { relay: { login: LOGIN, ...other }, settings: withLogin() };
    return assertNothingTold(shop, /127\.0\.0\.1/);
  });

  test('no STARTTLS', () => {
    const shop = { relay: { login: LOGIN, hideSTARTTLS: true }, settings: withLogin() };
    return assertNothingTold(shop, /STARTTLS/);
  });
});

test('without TLS only where the configuration says so', () => {
  const shop = { relay: { hideSTARTTLS: true }, settings: { tls: 'none' } };
  return withShop(shop, async ({ relay, api }) => {
    await issue(api, SOMEONE);
    assert.equal((await relay.await()).secure, false);
  });
});

describe('what the relay answers', () => {
  test('535: failed, the operator is told', () => {
    const relay = { login: { ...LOGIN, pass: 'another' } };
    return withShop({ relay, settings: withLogin() }, async ({ relay, server, api }) => {
      await issue(api, SOMEONE);
      const event = await server.awaitEvent('otp.failed');
      assert.equal(event.why, 'the provider refused the credentials');
      assert.match(event.words, /^535 5\.7\.8 Authentication credentials invalid$/);
      assert.equal(relay.mails.length, 0);
      assert.equal(await outboxLength(api), 0);
    });
  });

  for (const at of ['rcpt', 'body']) {
    test(`451 to ${at}: sent by the second try, and once`, () => {
      const plan = [{ at, reply: '451 4.3.0 Try again later' }];
      return withShop({ relay: { plan } }, async ({ relay, server, api }) => {
        const { who, sessionId } = await issue(api, SOMEONE);
        const retry = await server.awaitEvent('otp.retry');
        const sent = await server.awaitEvent('otp.sent');
        assert.deepEqual([retry.tries, sent.tries, relay.mails.length], [1, 2, 1]);
        assert.match(retry.words, /^451 4\.3\.0 Try again later$/);
        const code = codeOf(server, relay.mails[0]);
        assert.equal((await api.validate(who, sessionId, code)).code, 200);
      });
    });
  }

  test('550 to the recipient: failed after one try, and the log does not name them', () => {
    const plan = [{ at: 'rcpt', reply: `550 5.1.1 <${SOMEONE}>: unknown` }];
    return withShop({ relay: { plan } }, async ({ relay, server, api }) => {
      await issue(api, SOMEONE);
      const event = await server.awaitEvent('otp.failed');
      assert.equal(event.why, 'there is no such address');
      assert.equal(event.words, '550 5.1.1 (address) unknown');
      assert.deepEqual([event.tries, relay.mails.length, await outboxLength(api)], [1, 0, 0]);
    });
  });
});

describe('a connection that fails', () => {
  test('before the message: tried again', () => {
    const plan = [{ at: 'rcpt', cut: true }];
    return withShop({ relay: { plan } }, async ({ relay, server, api }) => {
      await issue(api, SOMEONE);
      const sent = await server.awaitEvent('otp.sent');
      assert.deepEqual([sent.tries, relay.mails.length], [2, 1]);
    });
  });

  test('after the message: unknown, and never sent again', () => {
    const plan = [{ at: 'body', cut: true }];
    return withShop({ relay: { plan } }, async ({ relay, server, api }) => {
      await issue(api, SOMEONE);
      const event = await server.awaitEvent('otp.unknown');
      assert.equal(event.tries, 1);
      assert.equal(await outboxLength(api), 0);
      assert.equal(relay.connections, 1);
    });
  });

  test('a relay that does not greet: given up after the time, tried again', () => {
    const shop = { relay: { plan: [{ at: 'connect', hang: true }] }, settings: { timeoutMs: 300 } };
    return withShop(shop, async ({ relay, server, api }) => {
      await issue(api, SOMEONE);
      const retry = await server.awaitEvent('otp.retry');
      assert.match(retry.words, /timed? ?out/i);
      assert.ok(retry.ms >= 300 && retry.ms < 3000, retry.ms);
      await server.awaitEvent('otp.sent');
      assert.equal(relay.mails.length, 1);
    });
  });

  test('a relay that does not answer to the message: unknown after the time', () => {
    const shop = { relay: { plan: [{ at: 'body', hang: true }] }, settings: { timeoutMs: 300 } };
    return withShop(shop, async ({ relay, server, api }) => {
      await issue(api, SOMEONE);
      assert.equal((await server.awaitEvent('otp.unknown')).tries, 1);
      assert.deepEqual([relay.mails.length, await outboxLength(api)], [0, 0]);
    });
  });

  test('one slow mail does not hold up the others', () => {
    const plan = [{ at: 'body', hang: true }];
    return withShop({ relay: { plan }, settings: { timeoutMs: 1000 } }, async (shop) => {
      await issue(shop.api, 'slow@example.net');
      await until(5000, 'the slow one', () => plan.length === 0);
      await issue(shop.api, SOMEONE);
      await shop.relay.await();
      assert.equal(shop.server.events('otp.unknown').length, 0);
      await shop.server.awaitEvent('otp.unknown');
    });
  });

  test('what is under way when the server stops is finished', async () => {
    const relay = await Relay.start(right);
    const server = await Server.start({ isDev: false, config: production(relay) });
    const api = new Api(server);
    const people = Array.from({ length: 32 }, (_, i) => `person${i}@example.net`);
    await Promise.all(people.map((address) => issue(api, address)));
    api.close();
    try {
      await until(5000, 'a mail', () => relay.mails.length > 0);
      const { stderr } = await server.stop();
      const count = (event) => stderr.split(`"event":"${event}"`).length - 1;
      assert.equal(count('otp.sent'), relay.mails.length);
      assert.ok(count('otp.sent') + count('otp.retry') <= people.length);
      assert.ok(count('otp.sent') > 0);
    } finally {
      await relay.stop();
    }
  });
});

describe('a mailbox that is not ASCII', () => {
  const ADDRESS = 'jürgen@example.net';

  test('is written to if the relay can', () =>
    withShop({}, async ({ relay, api }) => {
      await issue(api, ADDRESS);
      const mail = await relay.await();
      assert.deepEqual(mail.to, [ADDRESS]);
    }));

  test('and else fails without being sent', () =>
    withShop({ relay: { hideSMTPUTF8: true } }, async ({ relay, server, api }) => {
      await issue(api, ADDRESS);
      const event = await server.awaitEvent('otp.failed');
      assert.equal(event.why, 'there is no such address');
      assert.deepEqual([relay.connections, relay.mails.length], [1, 0]);
    }));
});
