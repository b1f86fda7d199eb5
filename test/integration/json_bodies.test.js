// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Odd and hostile bodies of token/generate, each with the answer that it has to get. The connection
// stays in every case but that of a body that is too long.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { bytesOf, readData } = require('./lib/data');
const { Client } = require('./lib/http');
const { RawConnection } = require('./lib/raw');
const { Server } = require('./lib/server');

const samples = readData('json-bodies.json');
const SAMPLES_MIN = 60;
const PATH = '/auth/v1/token/generate';
const WITHIN_MS = 2000;
const TOO_LARGE = 413;

let server;

before(async () => (server = await Server.start()));
after(() => server.stop());

function requestBytes(body, closing) {
  const head = [
    `POST ${PATH} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...(closing ? ['Connection: close'] : []),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

async function answerTo(connection, bytes, count) {
  await connection.write(bytes);
  await connection.when(WITHIN_MS, 'answer', () => connection.answers.length >= count);
  return connection.answers[count - 1];
}

async function replay({ body, status, code }) {
  const connection = await RawConnection.open(server.port);
  try {
    const answer = await answerTo(connection, requestBytes(bytesOf(body)), 1);
    assert.deepEqual([answer.status, JSON.parse(answer.body).status.code], [status, code]);
    if (status === TOO_LARGE) {
      await connection.when(WITHIN_MS, 'end of the connection', () => connection.hasEnded);
      return;
    }
    const next = await answerTo(connection, requestBytes(Buffer.from('{}'), true), 2);
    assert.equal(next.status, 400);
  } finally {
    connection.close();
  }
}

describe('bodies', { concurrency: 8 }, () => {
  for (const sample of samples) {
    test(sample.name, () => replay(sample));
  }
});

test(`there are at least ${SAMPLES_MIN}, each with a name of its own`, () => {
  assert.ok(samples.length >= SAMPLES_MIN);
  assert.equal(new Set(samples.map(({ name }) => name)).size, samples.length);
});

test('a batch is answered item by item', async () => {
  const client = new Client(server.port);
  const person = { identifierType: 'MOBILE', identifierValue: '919999999993', brand: 'DocDemo' };
  const reply = await client.post(PATH, [person, 5, { ...person, identifierType: 'FAX' }, person]);
  assert.equal(reply.status, 200);
  const codes = JSON.parse(reply.text).map(({ status }) => status.code);
  assert.deepEqual(codes, [200, 1519, 1546, 200]);
  client.close();
});

test('no message of a refusal repeats what a client has sent', async () => {
  const client = new Client(server.port);
  const bodies = [{ brand: 1, secret: 'needle' }, { needle: 1 }, { identifierType: 'needle' }];
  for (const body of bodies) {
    const reply = await client.post(PATH, body);
    assert.equal(reply.status, 400);
    assert.ok(!reply.text.includes('needle'), reply.text);
  }
  client.close();
});
