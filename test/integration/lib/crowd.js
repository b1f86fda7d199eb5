// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Logins of many people at once, for tests that need thousands.
'use strict';

const { until } = require('./wait');
const { mobile } = require('./api');
const { postBytes, spread } = require('./lane');

const INBOX_MS = 20000;

/** Valid Indian mobile numbers, a hundred thousand of them. */
function numbers(count, start = 0) {
  return Array.from({ length: count }, (_, i) => `9199999${String(start + i).padStart(5, '0')}`);
}

/** Opens a session for each, on the mobile URI; their ids. */
function openSessions(lanes, people) {
  return spread(lanes, people, async (lane, who) => {
    const body = await lane.send(postBytes('token/generate', who));
    return JSON.parse(body).user.sessionId;
  });
}

/** Issues a code in each session, and answers the codes of that reply's status objects. */
function issueCodes(lanes, people, sessions) {
  return spread(lanes, people, (lane, who, i) =>
    lane.code(postBytes('otp/generate', { ...who, sessionId: sessions[i] })),
  );
}

/** The newest code of each address, once there are as many newer than `after` as wanted. */
async function readCodes(api, count, after = '0') {
  const messages = await until(INBOX_MS, `${count} messages`, async () => {
    const reply = await api.client.get(`/dev/inbox?limit=10000&after=${after}`);
    return reply.json.messages.length >= count && reply.json.messages;
  });
  api.server.secrets.addAnswer({ messages });
  return new Map(messages.reverse().map((message) => [message.to, message.otp]));
}

/** People with a live code each: {who, sessionId, code}. */
async function beginMany(api, lanes, count, { start = 0, brand } = {}) {
  const people = numbers(count, start).map((number) => mobile(number, { brand }));
  const after = await api.lastId();
  const sessions = await openSessions(lanes, people);
  await issueCodes(lanes, people, sessions);
  const codes = await readCodes(api, count, after);
  return people.map((who, i) => ({
    who,
    sessionId: sessions[i],
    code: codes.get(who.identifierValue),
  }));
}

module.exports = { beginMany, issueCodes, numbers, openSessions, readCodes };
