// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Thousands of bodies, each right but for one or two members, which have every type and many
// values, come twice or not at all, in any order and among strangers. What each is answered is
// worked out by lib/model.js; and after each of them the right request works on that connection.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { Api } = require('./lib/api');
const { Lane, postBytes, spread } = require('./lib/lane');
const { MEMBERS, Model } = require('./lib/model');
const { Random } = require('./lib/random');
const { Server } = require('./lib/server');

const LANES = 4;
const PAIRS = 250; // bodies with two wrong members, of each call, family and form of body
const CASES_MIN = 20000;
const CALLS = ['otp/validate', 'token/generate', 'otp/generate']; // no code before the last
const FAMILIES = ['', 'web/'];
const DEVICE = '123456785';
const UNTOLD = new Set([1507, 1508, 1541]);

const people = {
  12025550133: ['+1 202 555 0133'],
  12025550147: ['+1 202 555 0147', '001-202-555-0147'],
  12025550199: [],
  'someone@example.com': ['Someone@EXAMPLE.com'],
  'other@example.com': [],
};
const NAME = 'walter-walk';
const model = new Model({ brands: ['DOCDEMO'], people });

const quoted = (text) => JSON.stringify(text);

const ofAnyKind = [
  'null', 'true', 'false', '0', '-0', '7', '-5', '1.5', '1e3', '1e300', '18446744073709551615',
  '""', '" "', '"x"', '"\\u0000"', '"a\\u0001"', '"\\u007f"', '"\\u0085"', '"\\u00e9"',
  '[]', '["x"]', '[[]]', '{}', '{"a":{"b":null}}',
  quoted('d'.repeat(129)), quoted('d'.repeat(128)),
];

const ofMember = {
  identifierType: [
    '"MOBILE"', '"EMAIL"', '"USERNAME"', '"EXTERNALID"', '"FAX"', '"mobile"', '"MOBILE "',
  ],
  identifierValue: [
    ...Object.entries(people).flat(2),
    NAME, 'Walter-WALK', 'walter|walk', '\u00c5', 'A\u030a',
  ].map(quoted),
  mobile: Object.entries(people).flat(2).map(quoted),
  email: Object.entries(people).flat(2).map(quoted),
  brand: ['"docDEMO"', '"Nobody"', '"DocDemo "'],
  deviceId: [DEVICE, quoted(DEVICE), quoted(`0${DEVICE}`), `${DEVICE}0`],
  sessionId: ['"P-00000000-0000-4000-8000-000000000999"', '"P-"'],
  otp: ['"abcdef"', '"1234567"', '12'],
};

const strangers = [
  ['hash', '"!"'], ['hash', '7'], ['timeStamp', '"x"'], ['timeStamp', '1700000000000'],
  ['password', '[]'], ['mobile_temp', '"+1 (202) 555-0147"'], ['mobileTemp', '{}'],
  ['fallbackChannel', '"FAX"'], ['Brand', '"Nobody"'], ['cap_brand', 'null'], ['', '0'],
];

// The forms of body that clients send, by whom they are about.
const TO = '"+1 202 555 0133"';
const forms = {
  '12025550147': [
    () => [['identifierType', '"MOBILE"'], ['identifierValue', '"12025550147"']],
    () => [['mobile', '"12025550147"']],
  ],
  'someone@example.com': [
    () => [['identifierType', '"EMAIL"'], ['identifierValue', '"someone@example.com"']],
    () => [['email', '"someone@example.com"']],
  ],
  [NAME]: [
    () => [['identifierType', '"USERNAME"'], ['identifierValue', quoted(NAME)], ['mobile', TO]],
  ],
};

/** The right body for a call; all of these are presented with the session of their person. */
function rightBody(form, { call, isWeb, session }) {
  return [
    ...form(),
    ['brand', '"DocDemo"'],
    ...(isWeb ? [] : [['deviceId', quoted(DEVICE)]]),
    ...(call === 'token/generate' ? [] : [['sessionId', quoted(session.id)]]),
    ...(call === 'otp/validate' ? [['otp', '"123456"']] : []),
  ];
}

const textOf = (body) => `{${body.map(([name, json]) => `${quoted(name)}:${json}`).join(',')}}`;

const without = (body, name) => body.filter(([each]) => each !== name);

const valuesOf = (name) => [...ofAnyKind, ...ofMember[name]];

/** One member absent, of every value, and twice. */
function* singles(body) {
  for (const name of MEMBERS) {
    const rest = without(body, name);
    const own = body.filter(([each]) => each === name);
    yield rest;
    for (const json of valuesOf(name)) {
      yield [...rest, [name, json]];
      yield [[name, json], ...rest, ...strangers];
    }
    for (const [, json] of own) {
      yield [...body, [name, json]];
      yield [[name, 'null'], ...body];
      yield [...body, [name, '{}']];
    }
  }
}

/** Two members changed, all of them shuffled, with strangers among them. */
function* pairs(body, random) {
  for (let i = 0; i < PAIRS; i++) {
    let changed = body;
    for (let n = 0; n < 2; n++) {
      const name = random.of(MEMBERS);
      const rest = without(changed, name);
      changed = random.below(4) === 0 ? rest : [...rest, [name, random.of(valuesOf(name))]];
    }
    yield random.shuffled([...changed, random.of(strangers), random.of(strangers)]);
  }
}

/** Everything to be sent by one call of a family. */
function casesOf(call, family, sessions, random) {
  const isWeb = family === 'web/';
  return Object.entries(forms).flatMap(([person, ways]) =>
    ways.flatMap((form) => {
      const context = { call, isWeb, session: sessions[family + person] };
      const right = rightBody(form, context);
      const next = {
        bytes: postBytes(family + call, textOf(right)),
        wanted: model.answer(right, context),
      };
      return [right, ...singles(right), ...pairs(right, random)].map((body) => ({
        path: family + call,
        text: textOf(body),
        wanted: model.answer(body, context),
        next,
      }));
    }));
}

async function send(lane, bytes) {
  const { status, body } = await lane.exchange(bytes);
  return { status, code: JSON.parse(body).status.code };
}

const isSame = (a, b) => a.status === b.status && a.code === b.code;

const shown = ({ path, text, wanted }, got, what) =>
  `${what} ${path} ${text}: ${got.status} ${got.code}, not ${wanted.status} ${wanted.code}`;

async function runCase(lane, each) {
  const got = await send(lane, postBytes(each.path, each.text));
  if (!isSame(got, each.wanted)) {
    return { wanted: each.wanted.code, text: shown(each, got, '') };
  }
  const after = await send(lane, each.next.bytes);
  const { wanted } = each.next;
  return isSame(after, wanted) ? null : { wanted: wanted.code, text: shown(each, after, 'after') };
}

function whoIs(person) {
  const who = { identifierValue: person, brand: 'DocDemo', deviceId: DEVICE };
  if (person === NAME) {
    return { ...who, identifierType: 'USERNAME', mobile: JSON.parse(TO) };
  }
  return { ...who, identifierType: person.includes('@') ? 'EMAIL' : 'MOBILE' };
}

async function openSessions(api) {
  const sessions = {};
  for (const family of FAMILIES) {
    for (const person of Object.keys(forms)) {
      const who = whoIs(person);
      const id = await api.open(who, family);
      const own = `${who.identifierType} ${person}`;
      const to = person === NAME ? 'MOBILE 12025550133' : own;
      sessions[family + person] = { id, own, to, device: DEVICE };
    }
  }
  return sessions;
}

/** All that came before has done no harm: a resend and the login still work. */
async function logIn(api, sessions) {
  for (const [key, { id }] of Object.entries(sessions)) {
    const family = key.startsWith('web/') ? 'web/' : '';
    const who = whoIs(key.slice(family.length));
    const newest = await api.lastId();
    assert.equal((await api.generate(who, id, family)).code, 200);
    const [{ otp }] = await api.messages(who.mobile ?? who.identifierValue, newest);
    assert.equal((await api.validate(who, id, otp, family)).code, 200, key);
  }
}

/** What was answered otherwise than the model says, or null, for each body. */
async function runCalls(api, lanes) {
  const random = new Random(1);
  const sessions = await openSessions(api);
  const found = [];
  for (const call of CALLS) {
    if (call === 'otp/generate') {
      await api.generate(whoIs(NAME), sessions[NAME].id); // so that its address is known
    }
    const cases = FAMILIES.flatMap((family) => casesOf(call, family, sessions, random));
    found.push(...(await spread(lanes, cases, runCase)));
  }
  await logIn(api, sessions);
  return found;
}

/** How many bodies there were, and what was answered otherwise than the model says. */
async function runAll() {
  const server = await Server.start();
  const api = new Api(server);
  const lanes = await Lane.openMany(server.port, LANES);
  try {
    const found = await runCalls(api, lanes);
    return { count: found.length, others: found.filter((each) => each !== null) };
  } finally {
    lanes.forEach((lane) => lane.close());
    api.close();
    await server.stop();
  }
}

test('bodies with one or two wrong members', async () => {
  let { count, others } = await runAll();
  // Of what differs from a session, short tags are compared (docs/adr/0003). A value that happens
  // to have the right tag has it on no other server.
  if (others.length > 0 && others.every(({ wanted }) => UNTOLD.has(wanted))) {
    ({ others } = await runAll());
  }
  assert.ok(count >= CASES_MIN, `${count} bodies`);
  assert.deepEqual(others.slice(0, 20).map(({ text }) => text), [], `${others.length} of ${count}`);
});
