// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The server is killed while providers take connections and do not get any further: no TLS, no
// greeting. Not a byte of a message has left, and each one is sent once after the restart, by the
// only provider that there is.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { after, before, test } = require('node:test');

const { Api, email, mobile } = require('./lib/api');
const { Authority } = require('./lib/certificate');
const { configText } = require('./lib/config');
const { Control } = require('./lib/control');
const { Folder } = require('./lib/folder');
const { runOtpd } = require('./lib/program');
const { Relay } = require('./lib/relay');
const { Server } = require('./lib/server');
const { Vendor } = require('./lib/vendor');
const { until } = require('./lib/wait');

const PEOPLE = 5;
const WAIT_MS = 15000;

const folder = new Folder();
let config;
let vendor;
let relay;
const doors = [];

/** Leads to `port`, or, while it is shut, takes connections and says nothing. */
class Door {
  static async open(port) {
    const door = new Door();
    doors.push(door);
    door.isShut = true;
    door.sockets = new Set();
    door.server = net.createServer((socket) => door.onConnection(socket, port));
    await new Promise((resolve) => door.server.listen(0, '127.0.0.1', resolve));
    door.port = door.server.address().port;
    return door;
  }

  onConnection(socket, port) {
    this.sockets.add(socket);
    socket.on('error', () => {});
    if (this.isShut) {
      return;
    }
    const inner = net.connect(port, '127.0.0.1');
    inner.on('error', () => socket.destroy());
    this.sockets.add(inner);
    socket.pipe(inner).pipe(socket);
  }

  close() {
    this.sockets.forEach((socket) => socket.destroy());
    return new Promise((resolve) => this.server.close(resolve));
  }
}

before(async () => {
  const authority = new Authority(folder);
  const right = authority.sign('IP:127.0.0.1');
  const secret = Buffer.alloc(32, 7).toString('base64');
  const signingSecretFile = folder.write('secret', `whsec_${secret}`);
  const keyFile = folder.join('keys');
  await runOtpd(['init', '--key-file', keyFile]);
  vendor = await Vendor.start(right);
  relay = await Relay.start(right);
  const [texts, mails] = [await Door.open(vendor.port), await Door.open(relay.port)];
  const common = { caFile: authority.file };
  config = configText({ Shop: {} }, {
    keyFile,
    logFormat: 'json',
    providers: [
      { name: 'texts', kind: 'webhook', url: `https://127.0.0.1:${texts.port}`, signingSecretFile,
        channels: 'SMS', allowPrivate: true, ...common },
      { name: 'mails', kind: 'smtp', host: '127.0.0.1', port: mails.port,
        from: 'codes@example.com', ...common },
    ],
  });
});

after(async () => {
  await Promise.all(doors.map((door) => door.close()));
  await vendor?.stop();
  await relay?.stop();
  folder.remove();
});

const start = () =>
  Server.start({ isDev: false, config, args: ['--data-dir', folder.join('kept')] });

async function messagesOf(server) {
  const control = await Control.of(server);
  const { json } = await control.get('/admin/v1/outbox?all=true&limit=100');
  control.close();
  return json.messages;
}

test('what had no connection at a kill is sent once after it', async () => {
  const brand = 'Shop';
  const people = Array.from({ length: PEOPLE }, (_, i) =>
    [mobile(`9199000000${i}`, { brand }), email(`p${i}@example.net`, { brand })]).flat();
  let server = await start();
  const api = new Api(server);
  for (const person of people) {
    const reply = await api.generate(person, await api.open(person));
    assert.equal(reply.code, 200, reply.text);
  }
  api.close();
  // Both providers have a connection for each message.
  await until(WAIT_MS, 'connections', () => doors.every(({ sockets }) => sockets.size >= PEOPLE));
  const states = (await messagesOf(server)).map(({ state }) => state);
  await server.kill();
  doors.forEach((door) => { door.isShut = false; });
  server = await start();
  try {
    const messages = await until(WAIT_MS, 'an empty outbox', async () => {
      const all = await messagesOf(server);
      return all.every(({ isOpen }) => !isOpen) && all;
    });
    assert.deepEqual(states, people.map(() => 'queued'));
    messages.forEach(({ state, attempts }) => {
      assert.equal(state, 'accepted');
      assert.equal(attempts.length, 1);
    });
    people.forEach(({ identifierValue }) => {
      const texts = vendor.requestsTo(identifierValue).length;
      const mails = relay.mails.filter(({ to }) => to[0] === identifierValue).length;
      assert.equal(texts + mails, 1, identifierValue);
    });
  } finally {
    await server.stop();
  }
});
