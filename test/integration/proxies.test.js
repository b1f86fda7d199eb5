// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The shipped configurations of nginx and HAProxy in front of a real server: the API over TLS by
// HTTP/1.1 and HTTP/2, what stays hidden, whose address counts, limits, and that no request is
// taken for two. What the server made of a request is told by its http.answer events.
'use strict';

const assert = require('node:assert/strict');
const tls = require('node:tls');
const { after, before, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { Client } = require('./lib/http');
const { NAME, Proxy } = require('./lib/proxy');
const { RawConnection } = require('./lib/raw');
const { Http2Client, SecureClient } = require('./lib/secure');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const KINDS = ['nginx', 'haproxy'];
const CALL = '/auth/v1/token/generate';
const BODY_BYTES_MAX = 65536;
// The shipped 10 s for a head, or for a body's next part.
const TIMEOUT_MS = { least: 9000, most: 30000 };
const EVENT_MS = 10000;
const PATIENCE_MS = 30000;
const LOAD = 200;
const LANES = 8; // requests under way
const LOAD_CONNECTIONS_MAX = LOAD / 4; // one a request where none is kept
const ELSEWHERE = '127.9.8.7'; // another address of this machine, not in the list
const PROXY_ARGS = ['--log-level', 'debug', '--trusted-proxies', '127.0.0.1'];

class Pair {
  static async start(kind) {
    const pair = new Pair();
    pair.server = await Server.start({ args: PROXY_ARGS });
    pair.proxy = await Proxy.start(kind, pair.server.address);
    return pair;
  }

  async stop() {
    await this.proxy.stop();
    await this.server.stop();
  }

  clients() {
    return [new SecureClient(this.proxy.peer), new Http2Client(this.proxy.peer)];
  }

  /** Runs the job with a client of each protocol. */
  async forEach(job) {
    for (const client of this.clients()) {
      try {
        await job(client);
      } finally {
        client.close();
      }
    }
  }

  /** How the server logged the answer to that request. */
  answered(requestId) {
    return until(EVENT_MS, `http.answer of ${requestId}`, () =>
      this.server.events('http.answer').find((event) => event.requestId === requestId),
    );
  }
}

function behindEach(title, job) {
  describe(title, { concurrency: KINDS.length }, () => {
    for (const kind of KINDS) {
      describe(kind, { concurrency: 1 }, () => {
        const pair = new Pair();
        before(async () => Object.assign(pair, await Pair.start(kind)));
        after(() => pair.stop());
        job(pair, kind);
      });
    }
  });
}

const padded = (bytes) => JSON.stringify(mobile('+12025550147')).padEnd(bytes);

function assertStatus(reply, ...statuses) {
  assert.ok(statuses.includes(reply.status), `${reply.status}: ${reply.text}`);
  assert.match(reply.headers['content-type'], /^application\/json/);
  assert.deepEqual([reply.json.status.success, reply.code], [false, reply.status]);
}

/** Resolves to the protocol, or to the code of the error. */
function handshake(peer, options) {
  return new Promise((resolve) => {
    const socket = tls.connect({ ...peer, ...options }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', (error) => resolve(error.code));
  });
}

async function sendMany(client, count, lanes) {
  let next = 0;
  const lane = async () => {
    while (next++ < count) {
      const reply = await client.post(CALL, mobile('+12025550147'));
      assert.equal(reply.code, 200);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

behindEach('the API behind', (pair) => {
  test('a login, by HTTP/1.1 and by HTTP/2', () =>
    pair.forEach(async (client) => {
      const api = new Api(pair.server, client);
      const who = mobile('+919999999993');
      const { sessionId, code } = await api.begin(who);
      const reply = await api.validate(who, sessionId, code);
      assert.equal(reply.code, 200);
      assert.match(reply.json.auth.token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.match(reply.headers['strict-transport-security'], /^max-age=\d+$/);
      assert.doesNotMatch(reply.headers.server ?? '', /\d/);
      api.close();
    }));

  test('nothing but the API is there', () =>
    pair.forEach(async (client) => {
      const others = ['/', '/metrics', '/livez', '/readyz', '/dev/inbox', '/auth/v1', '/auth/v2/x',
        '/auth/v1/../../metrics', '/auth/v1/..%2f..%2fdev/inbox', '//dev/inbox', '/auth/v1/%2e%2e',
        '/%64ev/inbox', '/auth/v1/..;/..;/metrics', '/auth/v1/no-such-call', '/receipts',
        '/receipts/../metrics', '/receipts/..%2fmetrics'];
      for (const path of others) {
        const host = { Host: 'localhost' };
        const headers = client instanceof Http2Client ? { ':authority': 'localhost' } : host;
        assertStatus(await client.get(path, headers), 404);
      }
    }));

  test('what providers report gets through as it came', () =>
    pair.forEach(async (client) => {
      for (const [i, path] of ['/receipts/texts/0?a=%2f', '/receipts/'].entries()) {
        const requestId = `receipt-${client.constructor.name}-${i}`;
        assertStatus(await client.get(path, { 'X-Request-Id': requestId }), 404);
        await pair.answered(requestId);
      }
    }));

  test('a request keeps its id; without one it gets one', () =>
    pair.forEach(async (client) => {
      const own = await client.post(CALL, mobile('+12025550147'), { 'X-Request-Id': 'an-id.1' });
      assert.equal(own.headers['x-request-id'], 'an-id.1');
      const given = await client.post(CALL, mobile('+12025550147'));
      await pair.answered(given.headers['x-request-id']);
    }));

  test("the client's address is the one that connects, whatever it says of itself", async () => {
    const peer = { ...pair.proxy.peer, localAddress: ELSEWHERE };
    const clients = [new SecureClient(peer), new Http2Client(peer)];
    for (const [i, client] of clients.entries()) {
      const requestId = `forged-${i}`;
      const list = '203.0.113.9, 127.0.0.1';
      const forwarded = { 'X-Forwarded-For': list, Forwarded: 'for=203.0.113.9' };
      const headers = { ...forwarded, 'X-Real-IP': '203.0.113.9' };
      await client.post(CALL, {}, { ...headers, 'X-Request-Id': requestId });
      assert.equal((await pair.answered(requestId)).client, '127.9.8.•••');
      client.close();
    }
  });

  test('the proxy alone is believed', async () => {
    const client = new Client(pair.server.port);
    const headers = { 'X-Forwarded-For': '203.0.113.9' };
    await client.get('/', { ...headers, 'X-Request-Id': 'direct' });
    assert.equal((await pair.answered('direct')).client, '203.0.113.•••');
    client.open = (options, onMessage) =>
      Client.prototype.open.call(client, { ...options, localAddress: ELSEWHERE }, onMessage);
    client.agent.destroy();
    await client.get('/', { ...headers, 'X-Request-Id': 'stranger' });
    assert.equal((await pair.answered('stranger')).client, '127.9.8.•••');
    client.close();
  });

  test("limits: the server's own answers pass, the proxy's have their form", () =>
    pair.forEach(async (client) => {
      assert.equal((await client.post(CALL, padded(BODY_BYTES_MAX))).code, 200);
      assertStatus(await client.post(CALL, padded(BODY_BYTES_MAX + 1)), 413);
      assertStatus(await client.post(CALL, '{}', { 'Content-Type': 'text/plain' }), 415);
      assert.equal((await client.post(CALL, '{')).code, 1519);
      const wrongMethod = await client.get(CALL);
      assertStatus(wrongMethod, 405);
      assert.match(wrongMethod.headers.allow, /POST/);
      const long = (bytes) => ({ 'X-Long': 'a'.repeat(bytes) });
      assert.equal((await client.post(CALL, padded(200), long(7000))).code, 200);
      assertStatus(await client.post(CALL, '{}', long(8100)), 400, 431);
    }));

  test('limits: a body in chunks', async () => {
    const client = new SecureClient(pair.proxy.peer);
    const headers = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
    const send = (body) => client.request({ method: 'POST', path: CALL, headers, body });
    assert.equal((await send(padded(20000))).code, 200);
    assertStatus(await send(padded(BODY_BYTES_MAX + 4096)), 413);
    client.close();
  });

  test('TLS 1.2 and 1.3 with good suites, and nothing older', async () => {
    const { peer } = pair.proxy;
    const old = { ciphers: 'ALL:@SECLEVEL=0' };
    const only = (version) => ({ minVersion: version, maxVersion: version });
    assert.equal(await handshake(peer, only('TLSv1.2')), 'TLSv1.2');
    assert.equal(await handshake(peer, only('TLSv1.3')), 'TLSv1.3');
    for (const version of ['TLSv1', 'TLSv1.1']) {
      const refusal = await handshake(peer, { ...only(version), ...old });
      assert.equal(refusal, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    }
    for (const ciphers of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256', 'AES128-SHA',
      'ECDHE-ECDSA-AES128-CCM8', 'ECDHE-ECDSA-ARIA128-GCM-SHA256']) {
      const one = { ...only('TLSv1.2'), ciphers: `${ciphers}:@SECLEVEL=0` };
      const refusal = await handshake(peer, one);
      assert.match(refusal, /HANDSHAKE_FAILURE/, ciphers);
    }
    const stranger = await handshake({ ...peer, servername: 'example.org' }, {});
    assert.equal(stranger, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('sessions have no tickets', async () => {
    const socket = tls.connect({ ...pair.proxy.peer, maxVersion: 'TLSv1.2' });
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    assert.equal(socket.getTLSTicket(), undefined);
    socket.destroy();
  });

  const loads = {
    'by HTTP/1.1 on 4 connections': (peer) => new SecureClient(peer, { maxSockets: 4 }),
    'by HTTP/1.1 on as many connections': (peer) => new SecureClient(peer, { keepAlive: false }),
    'by HTTP/2': (peer) => new Http2Client(peer),
  };
  for (const [title, connect] of Object.entries(loads)) {
    test(`${LOAD} requests ${title} take few connections of the server`, async () => {
      const answers = () => pair.server.events('http.answer');
      const earlier = answers().length;
      const client = connect(pair.proxy.peer);
      await sendMany(client, LOAD, LANES);
      client.close();
      await until(EVENT_MS, 'all events', () => answers().length === earlier + LOAD);
      const fresh = answers().slice(earlier).filter(({ nth }) => nth === 1).length;
      assert.ok(fresh <= LOAD_CONNECTIONS_MAX, `${fresh} connections`);
    });
  }
});

describe('without a server behind it', { concurrency: KINDS.length }, () => {
  for (const kind of KINDS) {
    test(`${kind} says so`, async () => {
      const proxy = await Proxy.start(kind, '127.0.0.1:1');
      const client = new SecureClient(proxy.peer);
      assertStatus(await client.post(CALL, mobile('+12025550147')), 502, 503);
      client.close();
      await proxy.stop();
    });
  }
});

// --- requests that might be taken for two ----------------------------------------------------

const head = (id, ...lines) =>
  [`POST ${CALL} HTTP/1.1`, `Host: ${NAME}`, `X-Request-Id: ${id}`, ...lines, '', ''].join('\r\n');
const inner = (id) => `GET /auth/v1/inner HTTP/1.1\r\nHost: ${NAME}\r\nX-Request-Id: ${id}\r\n\r\n`;
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked';
const END = '0\r\n\r\n';
const UPGRADE = [
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
].join('\r\n');
const chunked = (id) => chunk(inner(id)) + END;
const counted = (id, line, body) => head(id, `Content-Length: ${body.length}`, line) + body;

// Each has an inner request that is part of a body to a careful reader, or stands behind what a
// careful reader refuses.
const conversations = {
  'both lengths, the chunks end first': (a, b) => counted(a, CHUNKED, END + inner(b)),
  'both lengths, the count ends first': (a, b) =>
    head(a, CHUNKED, 'Content-Length: 4') + chunked(b),
  'two lengths that differ': (a, b) => counted(a, 'Content-Length: 0', inner(b)),
  'a list of lengths': (a, b) => head(a, `Content-Length: 0, ${inner(b).length}`) + inner(b),
  'a length with a sign': (a, b) => head(a, `Content-Length: +${inner(b).length}`) + inner(b),
  'a length in hexadecimal': (a, b) =>
    head(a, `Content-Length: 0x${inner(b).length.toString(16)}`) + inner(b),
  'a space before the colon': (a, b) => counted(a, 'Transfer-Encoding : chunked', chunked(b)),
  'a coding that is nearly chunked': (a, b) =>
    head(a, 'Transfer-Encoding: xchunked') + chunked(b),
  'a coding behind a fold': (a, b) => counted(a, 'Transfer-Encoding:\r\n chunked', chunked(b)),
  'a coding behind a vertical tab': (a, b) =>
    head(a, 'Transfer-Encoding: \x0bchunked') + chunked(b),
  'chunked twice': (a, b) => head(a, CHUNKED, CHUNKED) + chunked(b),
  'identity behind chunked': (a, b) =>
    head(a, 'Transfer-Encoding: chunked, identity') + chunked(b),
  'an underscore in the name': (a, b) =>
    counted(a, 'Transfer_Encoding: chunked', END + inner(b)),
  'a bare line feed in an extension': (a, b) =>
    head(a, CHUNKED) + `2;\nxx\r\n${inner(b).length.toString(16)}\r\n` + END + inner(b),
  'a chunk of more than 64 bits': (a, b) =>
    head(a, CHUNKED) + `1000000000000000${END}` + inner(b),
  'a NUL in a value': (a, b) => counted(a, 'X-A: b\0', inner(b)),
  'an upgrade to h2c': (a, b) => counted(a, UPGRADE, inner(b)),
  'a body of GET': (a, b) => counted(a, 'X-A: b', inner(b)).replace('POST', 'GET'),
  'Content-Length named in Connection': (a, b) =>
    counted(a, 'Connection: Content-Length', inner(b)),
};

/** Sends the bytes and, behind them, a request that ends the connection; the ids of the answers. */
async function converse(pair, bytes, lastId) {
  const last = head(lastId, 'Content-Length: 0', 'Connection: close');
  const socket = tls.connect({ ...pair.proxy.peer, ALPNProtocols: ['http/1.1'] });
  const connection = await RawConnection.over(socket);
  try {
    await connection.write(Buffer.from(bytes + last, 'latin1'));
    await connection.when(PATIENCE_MS, 'end of the connection', () => connection.hasEnded);
    assert.ok(connection.answers.length > 0);
    assert.equal(connection.rest, '');
    const final = connection.answers.filter(({ status }) => status >= 200);
    return final.map(({ headers }) => headers['x-request-id']).filter(Boolean);
  } finally {
    connection.close();
  }
}

behindEach('one request is one request behind', (pair) => {
  let number = 0;
  for (const [title, bytes] of Object.entries(conversations)) {
    test(title, async () => {
      const [a, b, last, probe] = ['a', 'b', 'last', 'probe'].map((part) => `${part}-${++number}`);
      const earlier = pair.server.events('http.answer').length;
      const answered = await converse(pair, bytes(a, b), last);
      const client = new SecureClient(pair.proxy.peer);
      const reply = await client.post(CALL, mobile('+12025550147'), { 'X-Request-Id': probe });
      client.close();
      assert.deepEqual([reply.code, reply.headers['x-request-id']], [200, probe]);
      await pair.answered(probe);
      const handled = pair.server.events('http.answer').slice(earlier);
      assert.deepEqual(handled.map((event) => event.requestId), [...answered, probe]);
      assert.ok(!answered.includes(b), 'the inner request was answered');
    });
  }
});

// --- those who take their time ---------------------------------------------------------------

const slow = {
  'a head that does not end': `POST ${CALL} HTTP/1.1\r\nHost: ${NAME}\r\n`,
  'a body that does not come': `${head('slow', 'Content-Length: 100')}{`,
};

behindEach('the slow do not reach the server behind', (pair) => {
  test('a head and a body', async () => {
    await Promise.all(Object.entries(slow).map(async ([title, bytes]) => {
      const connection = await RawConnection.over(tls.connect(pair.proxy.peer));
      const began = performance.now();
      await connection.write(Buffer.from(bytes));
      await connection.when(TIMEOUT_MS.most, title, () => connection.hasEnded);
      const tookMs = performance.now() - began;
      assert.ok(tookMs >= TIMEOUT_MS.least, `${title}: after ${tookMs} ms`);
      assert.ok(connection.answers.every(({ status }) => status === 408), connection.received);
      connection.close();
    }));
    assert.deepEqual(pair.server.events('http.answer'), []);
  });
});
