// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otpd brand and otpd brands: what they ask a server, what they print, and how they end. First
// against a control socket with nothing behind it, so that every answer can be had; then against a
// server.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, afterEach, before, beforeEach, describe, test } = require('node:test');

const { Api, mobile } = require('./lib/api');
const { FakeControl, startRaw } = require('./lib/fake_control');
const { ROOT } = require('./lib/data');
const { Folder } = require('./lib/folder');
const { OTPD, Program, runOtpd } = require('./lib/program');
const { Server } = require('./lib/server');
const { bash } = require('./lib/shell');

const EXIT = {
  ok: 0, usage: 64, data: 65, noInput: 66, unavailable: 69, software: 70, cannotCreate: 73,
  tryAgain: 75, permission: 77,
};
const SECRET = 'x4Ks9vQ2mZ7wB1nT6rY3cF8hJ5gD0pLaEuIoRiWq';
const TIMEOUT_MS = 10000;

const SETTINGS = { otpMaxCount: null, otpTimeOut: 5, issuer: 'otpd', resend: 'same' };
const brand = (settings = SETTINGS, more = {}) => ({
  name: 'DocDemo', settings, changed: [], ruledByFile: [],
  tokenKeys: [{ number: 1, isSigning: true, createdAt: '2026-11-23T01:02:03Z' }], ...more,
});
const KEY_LINE = 'token key 1  signs  since 2026-11-23T01:02:03Z\n';
const problem = (status, detail, title = status === 404 ? 'No such brand' : 'No') => ({
  status,
  json: { title, status, detail },
});

/** Answers as a server that has DocDemo and does all that it is told. */
function agree({ method, url, body }) {
  if (url === '/admin/v1/brands') {
    return { status: 200, json: { brands: [{ name: 'DocDemo', changed: 1 }] } };
  }
  if (url === '/admin/v1/export') {
    return { status: 200, json: { format: 1, brands: [{ name: 'DocDemo', settings: {} }] } };
  }
  if (url === '/admin/v1/import') {
    return { status: 200, json: { added: ['A'], changed: ['B'], unchanged: [] } };
  }
  const json = brand({ ...SETTINGS, ...(method === 'PUT' ? body.settings : {}) });
  return { status: method === 'POST' && url.includes('brand?') ? 201 : 200, json };
}

let fake = null;
let folder = null;

function clear() {
  fake?.stop();
  folder?.remove();
  fake = folder = null;
}

// Some versions of Node call the first of these for a suite too, and then not the second.
beforeEach(async () => {
  clear();
  folder = new Folder();
  fake = await FakeControl.start(agree);
});

afterEach(clear);
after(clear);

/** Runs a command against the fake; a word is a run of what is no space. */
function run(words, options) {
  const [command, ...rest] = Array.isArray(words) ? words : words.split(' ');
  return runOtpd([command, '--socket', fake.path, ...rest], options);
}

async function assertDone(words, printed, options) {
  const { status, stdout, stderr } = await run(words, options);
  assert.deepEqual([status, stderr], [EXIT.ok, ''], String(words));
  if (printed instanceof RegExp) {
    assert.match(stdout, printed);
  } else {
    assert.equal(stdout, printed);
  }
}

async function assertRefused(words, status, pattern, options) {
  const end = await run(words, options);
  assert.deepEqual([end.status, end.stdout], [status, ''], `${words}: ${end.stderr}`);
  assert.match(end.stderr, pattern);
  assert.match(end.stderr, /^otpd: .*\n$/);
  return end;
}

const bodies = () => fake.requests.map(({ body }) => body);

describe('what is asked', () => {
  test('list', async () => {
    await assertDone('brand list', 'DocDemo             1 setting changed\n');
    const [{ method, url, headers, body }] = fake.requests;
    assert.deepEqual([method, url, body], ['GET', '/admin/v1/brands', null]);
    assert.deepEqual([headers.host, headers.accept], ['localhost', 'application/json']);
    assert.equal(headers.expect, undefined);
  });

  test('show', async () => {
    const shown = 'DocDemo\n\n  otpMaxCount         null\n' +
      '  otpTimeOut          5             minutes\n  resend              same\n' +
      `  issuer              otpd\n\n${KEY_LINE}`;
    await assertDone('brand show DocDemo', shown);
    assert.deepEqual(fake.calls(), ['GET /admin/v1/brand?name=DocDemo']);
  });

  test('set: looks, changes only what is named, tells the difference', async () => {
    await assertDone('brand set DocDemo otpMaxCount=3 otpTimeOut=null resend=same',
      'otpMaxCount         null → 3\notpTimeOut          5 → null\n' +
      'resend              same (as before)\n');
    assert.deepEqual(fake.calls(),
      ['GET /admin/v1/brand?name=DocDemo', 'PUT /admin/v1/brand?name=DocDemo']);
    const settings = { otpMaxCount: 3, otpTimeOut: null, resend: 'same' };
    assert.deepEqual(bodies(), [null, { settings }]);
    assert.equal(fake.requests[1].headers['content-type'], 'application/json');
  });

  test('unset', async () => {
    await assertDone('brand unset DocDemo issuer otpTimeOut',
      'issuer              otpd (as before)\notpTimeOut          5 (as before)\n');
    assert.deepEqual(bodies(), [null, { unset: ['issuer', 'otpTimeOut'] }]);
  });

  test('add', async () => {
    await assertDone('brand add Shop otpLength=8', /^DocDemo\n/);
    assert.deepEqual(fake.calls(), ['POST /admin/v1/brand?name=Shop']);
    assert.deepEqual(bodies(), [{ settings: { otpLength: 8 } }]);
  });

  test('remove, with --yes', async () => {
    await assertDone('brand remove DocDemo --yes', 'removed DocDemo\n');
    assert.deepEqual(fake.calls(), ['DELETE /admin/v1/brand?name=DocDemo']);
  });

  test('keys', async () => {
    await assertDone('brand keys list DocDemo', KEY_LINE);
    await assertDone('brand keys rotate DocDemo', KEY_LINE);
    await assertDone('brand keys retire DocDemo 1', KEY_LINE);
    assert.deepEqual(fake.calls(), [
      'GET /admin/v1/brand?name=DocDemo', 'POST /admin/v1/brand/keys?name=DocDemo',
      'DELETE /admin/v1/brand/keys?name=DocDemo&number=1',
    ]);
    assert.deepEqual(bodies()[1], {});
  });

  test('a name is percent-encoded whole', async () => {
    const name = 'A&B=C/é +%?#';
    await assertDone(['brand', 'show', name], /^DocDemo/);
    assert.equal(fake.requests[0].url, `/admin/v1/brand?name=${encodeURIComponent(name)}`);
    await assertDone(['brand', 'show', '--', '--json'], /^DocDemo/);
    assert.equal(fake.requests[1].url, '/admin/v1/brand?name=--json');
  });

  test('--json: as it came, whatever it is', async () => {
    const text = '{"name" : "DocDemo", "settings":{}, "later":[1]}';
    fake.answer = () => ({ status: 200, text });
    for (const words of ['show DocDemo', 'set DocDemo otpLength=6', 'unset DocDemo otpLength',
      'add DocDemo', 'remove DocDemo --yes', 'list', 'keys list DocDemo',
      'keys rotate DocDemo']) {
      await assertDone(`brand ${words} --json`, `${text}\n`);
    }
  });

  test('options: from the program itself, nobody is asked', async () => {
    const { status, stdout } = await runOtpd(['brand', 'options']);
    assert.equal(status, 0);
    assert.match(stdout, /^otpMaxCount\n.*\n {2}Value {4}1 to 64, or null\n {2}Default {2}null$/m);
    const one = await runOtpd(['brand', 'options', 'resend']);
    assert.match(one.stdout, /^resend\n.*\n {2}Value {4}same or new\n {2}Default {2}same\n$/);
  });
});

describe('export and import', () => {
  test('a round trip through a file, laid out in lines', async () => {
    const file = folder.join('brands.json');
    await assertDone(['brands', 'export', file], '');
    const text = fs.readFileSync(file, 'utf8');
    assert.deepEqual(JSON.parse(text), agree({ url: '/admin/v1/export' }).json);
    assert.ok(text.endsWith('}\n') && text.split('\n').length > 5);
    await assertDone(['brands', 'import', file], 'added      A\nchanged    B\n');
    assert.deepEqual(fake.calls(), ['GET /admin/v1/export', 'POST /admin/v1/import']);
    assert.deepEqual(bodies()[1], JSON.parse(text));
  });

  test('through standard output and input', async () => {
    const { stdout } = await run('brands export');
    await assertDone('brands import -', /^added/, { input: stdout });
    assert.deepEqual(bodies()[1], JSON.parse(stdout));
    const cwd = folder.path;
    assert.deepEqual(await run('brands export -', { cwd }), await run('brands export', { cwd }));
    assert.ok(!fs.existsSync(folder.join('-')));
    await assertDone('brands export --json', `${JSON.stringify(JSON.parse(stdout))}\n`);
  });

  test('what is no export is not sent', async () => {
    const file = folder.write('brands.json', '{"format":1,\n  "brands":[}');
    await assertRefused(['brands', 'import', file], EXIT.data, /brands\.json:2:\d+: /);
    await assertRefused('brands import -', EXIT.data, /-:1:\d+: /, { input: '' });
    await assertRefused('brands import -', EXIT.data, /an object is wanted/, { input: '[]' });
    const much = 'x'.repeat(1024 * 1024 + 1);
    await assertRefused('brands import -', EXIT.data, /more than 1 MiB/, { input: much });
    const none = folder.join('none.json');
    await assertRefused(['brands', 'import', none], EXIT.noInput, /none\.json: cannot open it/);
    assert.deepEqual(fake.calls(), []);
  });

  test('a file that cannot be written, a disk that is full', async () => {
    const file = path.join(folder.path, 'no', 'brands.json');
    await assertRefused(['brands', 'export', file], EXIT.cannotCreate, /cannot write it/);
    await assertRefused('brands export /dev/full', EXIT.cannotCreate, /not all of it/);
    const script = `'${OTPD}' brand list --socket '${fake.path}' 2>&1 >/dev/full || echo "= $?"`;
    assert.match(await bash(script), /cannot write to standard output\n= 73\n/);
  });
});

describe('what is refused before anybody is asked', () => {
  const cases = [
    ['brand set DocDemo otpMaxCount=65', EXIT.data, /otpMaxCount: "65" is not 1 to 64, or null/],
    ['brand set DocDemo otpMaxCuont=3', EXIT.data, /"otpMaxCuont"; did you mean otpMaxCount\?/],
    ['brand set DocDemo colour=3', EXIT.data, /"colour"; otpd brand options lists them/],
    ['brand set DocDemo otpLength=6 otpLength=7', EXIT.data, /otpLength is given twice/],
    ['brand set DocDemo otpLength', EXIT.data, /give it as otpLength=VALUE/],
    ['brand set DocDemo resend=maybe', EXIT.data, /"maybe" is not same or new/],
    ['brand add Shop otpLength=11', EXIT.data, /is not 4 to 10 digits/],
    ['brand unset DocDemo isuer', EXIT.data, /did you mean issuer\?/],
    ['brand set DocDemo', EXIT.usage, /usage: otpd brand set NAME KEY=VALUE\.\.\./],
    ['brand show', EXIT.usage, /usage: otpd brand show NAME$/m],
    ['brand show A B', EXIT.usage, /usage: otpd brand show NAME$/m],
    ['brand show DocDemo --yes', EXIT.usage, /usage: otpd brand show NAME$/m],
    ['brand options', EXIT.usage, /usage: otpd brand options/],
    ['brand sett DocDemo', EXIT.usage, /no "otpd brand sett"; did you mean otpd brand set\?/],
    ['brand keys rotat X', EXIT.usage, /did you mean otpd brand keys rotate\?/],
    ['brand keys', EXIT.usage, /there is no "otpd brand keys"; otpd help brand/],
    ['brand frobnicate', EXIT.usage, /there is no "otpd brand frobnicate"; otpd help brand/],
    ['brand', EXIT.usage, /brand: do what\? otpd help brand/],
    ['brand list --jsno', EXIT.usage, /no option "--jsno"; did you mean --json\?/],
    ['brand keys retire DocDemo 0', EXIT.usage, /"0" is no number of a key/],
    ['brand keys retire DocDemo one', EXIT.usage, /otpd brand keys list DocDemo/],
    ['brand remove DocDemo', EXIT.usage, /to remove DocDemo, give --yes/],
    ['brands', EXIT.usage, /brands: do what\? otpd help brands/],
    ['brands import', EXIT.usage, /usage: otpd brands import FILE/],
  ];
  for (const [words, status, pattern] of cases) {
    test(words, async () => {
      await assertRefused(words, status, pattern);
      assert.deepEqual(fake.calls(), []);
    });
  }

  test('a name that no brand can have', async () => {
    for (const name of ['', ' DocDemo', 'x'.repeat(65), 'a\nb']) {
      await assertRefused(['brand', 'show', name], EXIT.data, /name/);
    }
    assert.deepEqual(fake.calls(), []);
  });

  test('no server is named at all', async () => {
    const { status, stderr } = await runOtpd(['brand', 'list']);
    assert.equal(status, EXIT.usage);
    assert.match(stderr, /which server\? .*--data-dir DIR.*--socket PATH/);
  });

  test('an option without its value', async () => {
    for (const words of ['brand list --socket', 'brand list --socket=', 'brand list --data-dir=']) {
      assert.equal((await runOtpd(words.split(' '))).status, EXIT.usage, words);
    }
  });
});

describe('which server', () => {
  test('--socket, --data-dir, OTPD_CONTROL_SOCKET, OTPD_DATA_DIR', async () => {
    const directory = fake.folder.path;
    const ways = [
      [['--socket', fake.path], {}],
      [[`--socket=${fake.path}`, '--data-dir', '/nowhere'], { OTPD_CONTROL_SOCKET: '/nowhere' }],
      [[], { OTPD_CONTROL_SOCKET: fake.path, OTPD_DATA_DIR: '/nowhere' }],
      [['--data-dir', directory], { OTPD_CONTROL_SOCKET: '/nowhere', OTPD_DATA_DIR: '/nowhere' }],
      [[], { OTPD_DATA_DIR: directory }],
    ];
    for (const [args, env] of ways) {
      const { status, stderr } = await runOtpd(['brand', 'list', ...args], { env });
      assert.deepEqual([status, stderr], [0, ''], String(args));
    }
    assert.equal(fake.requests.length, ways.length);
  });

  test('no proxy of the environment, no redirect', async () => {
    const env = { http_proxy: 'http://127.0.0.1:9', ALL_PROXY: 'socks5://127.0.0.1:9' };
    await assertDone('brand list', /^DocDemo/, { env });
    const headers = { Location: 'http://localhost/admin/v1/export' };
    fake.answer = () => ({ status: 302, json: {}, headers });
    await assertRefused('brand list', EXIT.unavailable, /is not otpd/);
    assert.equal(fake.requests.length, 2);
  });
});

describe('secrets', () => {
  const wrong = /seen by every user of this machine; put it into a file: /;

  test('rotate: from a file or from standard input, and nowhere else', async () => {
    const file = folder.write('secret', `${SECRET}\n`);
    await assertDone(['brand', 'keys', 'rotate', 'DocDemo', `secret=@${file}`], KEY_LINE);
    await assertDone('brand keys rotate DocDemo secret=-', KEY_LINE, { input: SECRET });
    assert.deepEqual(bodies(), [{ secret: SECRET }, { secret: SECRET }]);
  });

  test('add: the brand, then its key', async () => {
    const file = folder.write('secret', SECRET);
    await assertDone(['brand', 'add', 'Shop', `tokenSecret=@${file}`, 'otpLength=8'], /^DocDemo/);
    assert.deepEqual(fake.calls(),
      ['POST /admin/v1/brand?name=Shop', 'POST /admin/v1/brand/keys?name=Shop']);
    assert.deepEqual(bodies(), [{ settings: { otpLength: 8 } }, { secret: SECRET }]);
  });

  test('add: what there is when the key is refused', async () => {
    const file = folder.write('secret', SECRET);
    fake.answer = (asked, count) => (count === 1 ? agree(asked) : problem(503, 'store: full'));
    const { status, stderr } = await run(['brand', 'add', 'Shop', `tokenSecret=@${file}`]);
    assert.equal(status, EXIT.tryAgain);
    assert.match(stderr, /store: full.*\n.*otpd brand keys rotate Shop secret=@FILE\n$/);
  });

  test('given plainly: refused, not repeated, not sent', async () => {
    for (const words of [`brand keys rotate DocDemo secret=${SECRET}`,
      `brand add Shop tokenSecret=${SECRET}`]) {
      const { stderr } = await assertRefused(words, EXIT.data, wrong);
      assert.ok(!stderr.includes(SECRET));
    }
    assert.deepEqual(fake.calls(), []);
  });

  test('a file that others may read, or that holds no such secret', async () => {
    const refused = [
      [folder.write('open', SECRET, 0o644), /others may read or change it; chmod 600 \S+open$/m],
      [folder.write('short', SECRET.slice(0, 31)), /fewer than 32 bytes; make one: head -c 48/],
      [folder.write('long', `${SECRET}`.repeat(7)), /more than 254 bytes/],
      [folder.write('easy', 'changeme'.repeat(5)), /placeholder/],
      [folder.write('empty', ''), /nothing in it/],
      [folder.write('binary', Buffer.alloc(40, 0xff)), /no text; base64/],
      [folder.join('none'), /cannot open it/],
      [folder.path, /no regular file/],
    ];
    for (const [file, pattern] of refused) {
      const words = ['brand', 'keys', 'rotate', 'DocDemo', `secret=@${file}`];
      const { stderr } = await assertRefused(words, EXIT.data, pattern);
      assert.ok(!stderr.includes(SECRET.slice(0, 8)));
    }
    assert.deepEqual(fake.calls(), []);
  });

  test('is in no command line and no output, also while the server thinks', async () => {
    let args = '';
    fake.answer = (asked) => {
      args = fs.readFileSync(`/proc/${program.child.pid}/cmdline`, 'utf8');
      return asked.body.secret === SECRET ? agree(asked) : problem(422, 'another secret');
    };
    const words = ['brand', 'keys', 'rotate', 'DocDemo', 'secret=-', '--socket', fake.path];
    const program = new Program(words, { input: `${SECRET}\n` });
    const { status, stdout, stderr } = await program.end();
    assert.equal(status, EXIT.ok, stderr);
    assert.match(args, /rotate\0DocDemo\0secret=-/);
    assert.ok(![args, stdout, stderr].some((text) => text.includes(SECRET)));
  });
});

describe('what the server refuses', () => {
  const cases = [
    [400, EXIT.data, 'unknown member "x"', /^otpd: unknown member "x"$/m],
    [404, EXIT.data, 'there is no brand "X"', /no brand "X"; otpd brand list shows/],
    [409, EXIT.data, 'otpMaxCount of X is set in otpd.yaml:12', /is set in otpd\.yaml:12$/m],
    [422, EXIT.data, 'otpMaxCount: 65 is not 1 to 64, or null', /65 is not 1 to 64, or null$/m],
    [503, EXIT.tryAgain, 'the store is full', /the store is full; try again$/m],
    [500, EXIT.software, 'it broke', /the server failed \(500\): it broke$/m],
  ];
  for (const [status, exit, detail, pattern] of cases) {
    test(`${status}: ${exit}`, async () => {
      fake.answer = () => problem(status, detail);
      await assertRefused('brand show X', exit, pattern);
      fake.answer = (asked) => (asked.method === 'GET' ? agree(asked) : problem(status, detail));
      await assertRefused('brand set X otpMaxCount=3', exit, pattern);
    });
  }

  test('its words cannot command a terminal; without words its status has to do', async () => {
    fake.answer = () => problem(422, 'a\u001b[2Jb\nc');
    await assertRefused('brand show X', EXIT.data, /^otpd: a\?\[2Jb\?c$/m);
    fake.answer = () => ({ status: 422, json: { title: 'Out of range' } });
    await assertRefused('brand show X', EXIT.data, /^otpd: Out of range$/m);
    fake.answer = () => ({ status: 500, text: '<html>' });
    await assertRefused('brand show X', EXIT.software, /failed \(500\): it does not say why/);
  });
});

describe('what answers is no server', () => {
  test('nobody: the command that starts it is named', async () => {
    const folders = [folder.path, path.join(folder.path, 'none')];
    for (const directory of folders) {
      const end = await runOtpd(['brand', 'list', '--data-dir', directory]);
      assert.equal(end.status, EXIT.unavailable);
      assert.equal(end.stderr, `otpd: no server answers at ${directory}/control.sock; is it ` +
        `running? otpd serve --data-dir ${directory}\n`);
    }
    fs.writeFileSync(folder.join('control.sock'), '');
    const end = await runOtpd(['brand', 'list', '--socket', folder.join('control.sock')]);
    assert.equal(end.status, EXIT.unavailable);
    assert.match(end.stderr, /no server answers at .*control\.listening/);
  });

  test('this user may not connect', async () => {
    fs.chmodSync(fake.path, 0);
    const drop = process.getuid() === 0 ? 'setpriv --bounding-set=-all' : '';
    const script = `${drop} '${OTPD}' brand list --socket '${fake.path}' 2>&1 || echo "= $?"`;
    const said = await bash(script);
    assert.match(said, /permission denied; only the user that .*: sudo -u \S+ otpd \.\.\.\n/);
    assert.match(said, new RegExp(`\n= ${EXIT.permission}\n$`));
  });

  const answers = [
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /is not otpd; give the socket .*--socket PATH/],
    ['no JSON', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', /is not otpd/],
    ['no object', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]', /is not otpd/],
    ['a page', 'HTTP/1.1 204 No Content\r\n\r\n', /is not otpd/],
    ['the end', null, /ended the connection before it answered/],
    ['half', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"na', /otpd brand show tells/],
  ];
  for (const [what, reply, pattern] of answers) {
    test(what, async () => {
      const raw = await startRaw(reply);
      const end = await runOtpd(['brand', 'list', '--socket', raw.path]);
      raw.stop();
      assert.deepEqual([end.status, end.stdout], [EXIT.unavailable, ''], end.stderr);
      assert.match(end.stderr, pattern);
    });
  }

  test('without end: no more than 16 MiB are taken', async () => {
    fake.answer = () => ({ status: 200, text: `{"x":"${'x'.repeat(17 * 1024 * 1024)}"}` });
    await assertRefused('brand list', EXIT.unavailable, /is not otpd/);
  });
});

test(`a server that hangs is left after ${TIMEOUT_MS / 1000} seconds`, async () => {
  fake.answer = () => null;
  const began = performance.now();
  const program = new Program(['brand', 'list', '--socket', fake.path]);
  const { status, stderr } = await program.end(2 * TIMEOUT_MS);
  assert.ok(performance.now() - began > TIMEOUT_MS - 500);
  assert.equal(status, EXIT.tryAgain);
  assert.match(stderr, /does not answer within 10 seconds; a change may have been made or not/);
});

describe('remove asks on a terminal', () => {
  const remove = (typed) =>
    bash(`printf '${typed}\\n' | script -qec "'${OTPD}' brand remove DocDemo --socket ` +
      `'${fake.path}'" /dev/null || echo "= $?"`);

  test('the name typed again', async () => {
    assert.match(await remove('DocDemo'), /type its name: .*removed DocDemo/s);
    assert.deepEqual(fake.calls(), ['DELETE /admin/v1/brand?name=DocDemo']);
  });

  test('anything else', async () => {
    for (const typed of ['', 'yes', 'DocDem', 'DocDemo ']) {
      assert.match(await remove(typed), /DocDemo was not removed\r?\n= 65/, typed);
    }
    assert.deepEqual(fake.calls(), []);
  });
});

/** The commands of README.md between these markers. */
function readmeCommands() {
  const text = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const part = text.split('<!-- brands:begin -->')[1].split('<!-- brands:end -->')[0];
  return /^```sh\n(.*?)^```$/ms.exec(part)[1];
}

/** Runs them in an empty folder with otpd where README.md has it. */
async function runReadme(dataDirectory) {
  const build = folder.join('build');
  fs.mkdirSync(build);
  fs.symlinkSync(OTPD, path.join(build, 'otpd'));
  const commands = readmeCommands().replaceAll('./data', dataDirectory);
  assert.notEqual(commands, readmeCommands());
  return bash(`cd '${folder.path}'\n${commands}`);
}

test('the commands of README.md are used so', async () => {
  const printed = await runReadme(fake.folder.path);
  assert.match(printed, /otpMaxCount +null → 3/);
  assert.ok(fake.requests.length >= 5);
});

describe('a server', () => {
  const data = new Folder();
  let server;
  let api;

  before(async () => {
    server = await Server.start({ args: ['--data-dir', data.join('data')] });
    api = new Api(server);
  });

  after(async () => {
    api.close();
    await server.stop();
    data.remove();
  });

  const brands = (words, options) =>
    runOtpd([...words.split(' '), '--data-dir', data.join('data')], options);

  async function done(words, options) {
    const { status, stdout, stderr } = await brands(words, options);
    assert.deepEqual([status, stderr], [EXIT.ok, ''], words);
    return stdout;
  }

  async function refused(words, status, pattern) {
    const end = await brands(words);
    assert.deepEqual([end.status, end.stdout], [status, ''], words);
    assert.match(end.stderr, pattern);
  }

  test('the log and the banner name the socket', async () => {
    const [{ path: socket }] = server.events('control.listening');
    assert.ok(server.program.stdout().includes(socket));
    assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
    assert.equal((await runOtpd(['brand', 'list', '--socket', socket])).status, EXIT.ok);
  });

  test('a limit set takes effect at the next request, and unset it ends', async () => {
    const who = mobile('919999999993');
    const send = async () => (await api.generate(who, await api.open(who))).code;
    const printed = await done('brand set DocDemo otpMaxCount=2 otpTimeOut=10');
    assert.equal(printed, 'otpMaxCount         null → 2\notpTimeOut          null → 10\n');
    assert.deepEqual([await send(), await send()], [200, 200]);
    assert.notEqual(await send(), 200);
    assert.match(await done('brand show DocDemo'), /^\* otpMaxCount +2$/m);
    await done('brand unset DocDemo otpMaxCount otpTimeOut');
    assert.equal(await send(), 200);
  });

  test('what makes people others is changed by force alone', async () => {
    await done('brand add Border defaultCountry=IN');
    await refused('brand set Border defaultCountry=US', EXIT.data, /only by force \(--force\)/);
    await refused('brand unset Border defaultCountry', EXIT.data, /only by force \(--force\)/);
    await refused('brand set Border defaultCountry=XX --force', EXIT.data,
      /no country with numbers of its own is called "XX"/);
    const told = await done('brand set Border defaultCountry=US --force');
    assert.match(told, /defaultCountry +IN → US/);
    assert.match(await done('brand unset Border defaultCountry --force'), /US → null/);
    await done('brand remove Border --yes');
  });

  test('what only the server can see is refused with its reason', async () => {
    await refused('brand set DocDemo otpMaxAttempts=20 lockAfterFailures=5', EXIT.data,
      /otpMaxAttempts: 20 is more than lockAfterFailures/);
    await refused('brand show Nobody', EXIT.data, /Nobody|No such brand/);
    await refused('brand add DocDemo', EXIT.data, /of that name already|DocDemo/);
  });

  test('a brand added, its keys rotated, and removed', async () => {
    assert.match(await done('brand add Shop otpLength=8'), /^\* otpLength +8 +digits$/m);
    assert.match(await done('brand list'), /^Shop +1 setting changed$/m);
    const rotated = await done('brand keys rotate Shop secret=-', { input: SECRET });
    assert.match(rotated, /^token key 2 {2}signs /m);
    assert.match(rotated, /^token key 1 {2}older /m);
    await refused('brand keys retire Shop 2', EXIT.data, /./);
    assert.doesNotMatch(await done('brand keys retire Shop 1'), /token key 1/);
    assert.equal(await done('brand remove Shop --yes'), 'removed Shop\n');
    await refused('brand show Shop', EXIT.data, /Shop|No such brand/);
  });

  test('an export is taken back', async () => {
    await done('brand add Kept issuer=me');
    const text = await done('brands export');
    assert.deepEqual(JSON.parse(text).brands.find(({ name }) => name === 'Kept').settings,
      { issuer: 'me' });
    await done('brand set Kept issuer=you otpLength=7');
    assert.match(await done('brands import -', { input: text }), /^changed +Kept$/m);
    assert.match(await done('brands import -', { input: text }), /^unchanged +Kept$/m);
    assert.equal(await done('brands export'), text);
  });

  test('a setting that is a secret is seen by nobody, and changed like any other', async () => {
    const file = folder.write('header', `${SECRET}\n`);
    await refused(`brand set DocDemo rejectWithoutHeaderValue=${SECRET}`, EXIT.data, /=@FILE/);
    await refused(`brand set DocDemo rejectWithoutHeaderValue=@${file}`, EXIT.data,
      /rejectWithoutHeader has to say of which header/);
    const set = await done(
      `brand set DocDemo rejectWithoutHeader=X-Cdn rejectWithoutHeaderValue=@${file}`);
    assert.match(set, /rejectWithoutHeader +null → X-Cdn/);
    assert.match(set, /rejectWithoutHeaderValue +null → \*\*\*/);
    assert.match(await done('brand show DocDemo'), /^\* rejectWithoutHeaderValue +\*\*\*/m);
    assert.doesNotMatch(await done('brands export'), /rejectWithoutHeaderValue/);
    await done('brand unset DocDemo rejectWithoutHeader rejectWithoutHeaderValue');
  });

  test('a name with a | is refused', async () => {
    await refused('brand add Shop|2', EXIT.data, /"Shop\|2" has a \|, which separates parts/);
  });

  test('every setting that it has is known here, and the other way round', async () => {
    const { settings } = JSON.parse(await done('brand show DocDemo --json'));
    const { stdout } = await runOtpd(['brand', 'options']);
    const known = [...stdout.matchAll(/^([\w.]+)$/gm)].map(([, name]) => name);
    assert.deepEqual(Object.keys(settings).sort(), known.sort());
  });

  test('the commands of README.md work', async () => {
    assert.match(await runReadme(data.join('data')), /otpMaxCount +null → 3/);
  });
});
