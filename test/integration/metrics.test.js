// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Health and metrics of a running server: on its listener or on one of their own, and while it
// drains.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Api, email, mobile, wrong } = require('./lib/api');
const { configText } = require('./lib/config');
const { parseExposition, valueOf } = require('./lib/exposition');
const { Client } = require('./lib/http');
const { postBytes } = require('./lib/lane');
const { RawConnection } = require('./lib/raw');
const { Server } = require('./lib/server');
const { until } = require('./lib/wait');

const SOON_MS = 10000;
const SENDS_MAX = 3;
const PAGE_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const DOCUMENT = path.join(__dirname, '../../docs/metrics.md');
const API = '/auth/v1';
const DURATION = 'otpd_http_request_duration_seconds';

// As tools/install-deps puts it there, or the machine's own.
const promtool = [path.join(__dirname, 'node_modules/.bin/promtool'), 'promtool'].find(
  (command) => spawnSync(command, ['--version']).status === 0);

async function scrape(client) {
  const reply = await client.get('/metrics');
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], PAGE_TYPE);
  return parseExposition(reply.text);
}

const requests = (route, code = '200', method = 'POST') => [
  'otpd_http_requests_total', { route, method, code },
];

describe('on the main listener', () => {
  let server;
  let api;

  before(async () => {
    server = await Server.start({
      config: configText({ Shop: { otpMaxCount: SENDS_MAX, otpTimeOut: 60 } }),
    });
    api = new Api(server);
  });

  after(async () => {
    api.close();
    await server.stop();
  });

  const skip = promtool ? false : 'tools/install-deps could not get promtool';
  test('promtool takes the page', { skip }, async () => {
    await api.begin(mobile('12025550139'));
    const input = (await api.client.get('/metrics')).text;
    const { status, stderr } = spawnSync(promtool, ['check', 'metrics'], { input });
    assert.equal(status, 0, String(stderr));
  });

  /** What `job` adds to each of the series. */
  async function grown(series, job) {
    const start = await scrape(api.client);
    await job();
    const end = await scrape(api.client);
    return series.map((each) => valueOf(end, ...each) - valueOf(start, ...each));
  }

  for (const [url, body] of [
    ['/livez', 'ok\n'],
    ['/readyz', 'ok\n'],
    ['/healthz', 'ok\n'],
    ['/readyz?verbose', '[+]serving ok\n[+]store ok\n[+]outbox ok\nready\n'],
  ]) {
    test(`${url} of a healthy server`, async () => {
      const reply = await api.client.get(url);
      assert.deepEqual([reply.status, reply.text], [200, body]);
      assert.equal(reply.headers['cache-control'], 'no-store');
    });
  }

  test('a login moves its counters, each by what happened', async () => {
    const series = [
      ['otpd_sessions_total'],
      ['otpd_otp_issued_total', { channel: 'SMS' }],
      ['otpd_otp_issued_total', { channel: 'EMAIL' }],
      ['otpd_otp_validated_total', { result: 'wrong' }],
      ['otpd_otp_validated_total', { result: 'ok' }],
      ['otpd_otp_validated_total', { result: 'session' }],
      ['otpd_delivery_attempts_total', { channel: 'SMS', result: 'accepted' }],
      ['otpd_deliveries_ended_total', { state: 'accepted' }],
      requests(`${API}/otp/validate`),
      [`${DURATION}_count`, { route: `${API}/otp/validate`, method: 'POST' }],
      ['otpd_otp_time_to_validate_seconds_count', { channel: 'SMS' }],
      ['otpd_store_errors_total', { outcome: 'failed' }],
    ];
    const changes = await grown(series, async () => {
      const who = mobile('12025550160');
      const { sessionId, code } = await api.begin(who);
      assert.equal((await api.validate(who, sessionId, wrong(code))).code, 1506);
      assert.equal((await api.validate(who, sessionId, code)).code, 200);
      assert.equal((await api.validate(who, sessionId, code)).code, 1505);
      await until(SOON_MS, 'the message to be settled', async () =>
        valueOf(await scrape(api.client), 'otpd_outbox_messages', { state: 'queued' }) === 0);
    });
    assert.deepEqual(changes, [1, 1, 0, 1, 1, 1, 1, 1, 3, 3, 1, 0]);
  });

  test('a limit that is reached is counted', async () => {
    const series = [['otpd_rate_limited_total', { policy: 'sends' }],
      ['otpd_otp_issued_total', { channel: 'EMAIL' }]];
    const changes = await grown(series, async () => {
      const who = email('limits@example.com', { brand: 'Shop' });
      const sessionId = await api.open(who);
      for (let sent = 0; sent < SENDS_MAX; sent++) {
        assert.equal((await api.generate(who, sessionId)).code, 200);
      }
      assert.equal((await api.generate(who, sessionId)).code, 1534);
    });
    assert.deepEqual(changes, [1, SENDS_MAX]);
  });

  test('answers that no handler made are counted too', async () => {
    const other = (code) => ['otpd_http_requests_total', { route: 'other', method: 'other', code }];
    const changes = await grown([other('404'), other('405')], async () => {
      await api.client.get('/nowhere');
      await api.client.request({ method: 'DELETE', path: '/livez' });
    });
    assert.deepEqual(changes, [1, 1]);
  });

  test('the process and the times of start and configuration', async () => {
    const page = await scrape(api.client);
    const descriptors = fs.readdirSync(`/proc/${server.pid}/fd`).length;
    assert.ok(Math.abs(valueOf(page, 'process_open_fds') - descriptors) <= 1);
    assert.ok(valueOf(page, 'process_resident_memory_bytes') > 1e6);
    assert.ok(valueOf(page, 'process_cpu_seconds_total') > 0);
    const began = valueOf(page, 'process_start_time_seconds') * 1000;
    assert.ok(Math.abs(began - Date.now()) < 300000, `${began}`);
    const version = page.get('otpd_build_info').samples[0].labels.version;
    assert.match(server.program.stdout(), new RegExp(`^otpd ${version},`));
  });

  test('a reload is noted when it has succeeded, and only then', async () => {
    const name = 'otpd_config_reload_success_timestamp_seconds';
    const own = await Server.start({ config: configText({ Shop: {} }) });
    const client = new Client(own.port);
    const start = valueOf(await scrape(client), name);
    own.configure('brands: [\n');
    own.program.signal('SIGHUP');
    await own.awaitEvent('config.not_reloaded');
    assert.equal(valueOf(await scrape(client), name), start);
    own.configure(configText({ Shop: {} }));
    own.program.signal('SIGHUP');
    await own.awaitEvent('config.reloaded');
    assert.ok(valueOf(await scrape(client), name) > start);
    client.close();
    await own.stop();
  });

  test('no person, session or code is on the page', async () => {
    await api.begin(mobile('12025550161'));
    const { text } = await api.client.get('/metrics');
    server.secrets.assertNoneIn(text);
  });

  test('the document names what is on the page, and nothing else', async () => {
    const named = fs.readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `((?:otpd|process)_[a-z_]+)/gm);
    const shown = [...(await scrape(api.client)).values()].map(({ name }) => name);
    assert.deepEqual([...named].map(([, name]) => name).sort(), shown.sort());
  });
});

describe('on a listener of their own', () => {
  let server;
  let main;
  let own;

  before(async () => {
    const config = configText({}, { metricsListen: '127.0.0.1:0', drainTimeoutSeconds: 20 });
    server = await Server.start({ config });
    const [{ listen }] = server.events('metrics.ready');
    main = new Client(server.port);
    own = new Client(Number(listen.split(':').pop()));
  });

  after(async () => {
    main.close();
    own.close();
    server.program.signal('SIGKILL');
    await server.program.ended;
  });

  test('they are there, and not on the main one', async () => {
    for (const url of ['/livez', '/readyz', '/healthz', '/metrics']) {
      assert.equal((await own.get(url)).status, 200, url);
      assert.equal((await main.get(url)).status, 404, url);
    }
    assert.equal((await own.get('/dev/inbox')).status, 404);
    assert.equal((await own.post(`${API}/token/generate`, mobile('12025550162'))).status, 404);
  });

  test('what is asked there is not counted as requests to the API', async () => {
    await main.get('/nowhere');
    const page = await scrape(own);
    const routes = page.get('otpd_http_requests_total').samples.map(({ labels }) => labels.route);
    assert.ok(routes.includes('other') && !routes.includes('/metrics'), routes.join(' '));
  });

  test('while the server drains it is alive and not ready; then it ends', async () => {
    const descriptors = async () => valueOf(await scrape(own), 'process_open_fds');
    const idle = await descriptors();
    const slow = await RawConnection.open(server.port);
    const bytes = postBytes('token/generate', mobile('12025550163'));
    await slow.write(bytes.subarray(0, -1));
    await until(SOON_MS, 'the connection', async () => (await descriptors()) > idle);
    server.program.signal('SIGTERM');
    await server.awaitEvent('server.stopping');
    await until(SOON_MS, 'not ready', async () => (await own.get('/readyz')).status === 503);
    assert.equal((await own.get('/readyz?verbose')).text,
      '[-]serving failed\n[+]store ok\n[+]outbox ok\nnot ready\n');
    assert.equal((await own.get('/livez')).status, 200);
    await slow.write(bytes.subarray(-1));
    await slow.when(SOON_MS, 'the answer', () => slow.answers.length === 1);
    assert.equal(slow.answers[0].status, 200);
    slow.close();
    await server.awaitStop();
  });
});

test('a listener that cannot be had ends the start', async () => {
  const other = await Server.start();
  try {
    const args = ['--metrics-listen', other.address];
    await assert.rejects(Server.start({ args }), new RegExp(`${other.address} is in use`));
  } finally {
    await other.stop();
  }
});

describe('the reader of the page refuses', () => {
  const family = (name, type, ...samples) =>
    [`# HELP ${name} Help`, `# TYPE ${name} ${type}`, ...samples, ''].join('\n');
  const bucket = (count, i) => `h_bucket{le="${['1', '2', '+Inf'][i]}"} ${count}`;
  const buckets = (...counts) =>
    family('h', 'histogram', ...counts.map(bucket), 'h_sum 1', 'h_count 3');
  const good = family('a_total', 'counter', 'a_total{b="\\"c\\\\",d=""} 1', 'a_total 2.5');

  test('nothing that is right', () => {
    assert.equal(valueOf(parseExposition(good), 'a_total', { b: '"c\\', d: '' }), 1);
    assert.equal(valueOf(parseExposition(buckets(1, 1, 3)), 'h_count'), 3);
  });

  for (const [what, text] of [
    ['a cut last line', good.slice(0, -1)],
    ['a counter without _total', family('a', 'counter', 'a 1')],
    ['a gauge with _total', family('a_total', 'gauge', 'a_total 1')],
    ['milliseconds', family('a_ms', 'gauge', 'a_ms 1')],
    ['a sample of another family', family('a', 'gauge', 'b 1')],
    ['a series twice', family('a', 'gauge', 'a{b="c",d="e"} 1', 'a{d="e",b="c"} 1')],
    ['a family twice', family('a', 'gauge', 'a 1') + family('a', 'gauge', 'a{b="c"} 1')],
    ['a label twice', family('a', 'gauge', 'a{b="c",b="d"} 1')],
    ['an open label', family('a', 'gauge', 'a{b="c} 1')],
    ['a comma at the end', family('a', 'gauge', 'a{b="c",} 1')],
    ['a bare quote', family('a', 'gauge', 'a{b="c"d"} 1')],
    ['no number', family('a', 'gauge', 'a one')],
    ['no type', '# HELP a Help\na 1\n'],
    ['buckets that fall', buckets(2, 1, 3)],
    ['a last bucket that is not the count', buckets(1, 1, 2)],
    ['no last bucket', buckets(1, 3)],
  ]) {
    test(what, () => assert.throws(() => parseExposition(text), assert.AssertionError));
  }
});
