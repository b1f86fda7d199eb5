// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Every code that the API knows, its text, and for each endpoint how to get it or why it cannot be
// had there. A way is a function of a Caller (lib/caller.js) that answers what was received.
'use strict';

const { wrong } = require('./api');

const TRIES_MAX = 5;
const OTHER_NUMBER = '918888899999';
const FORGED = 'P-7df5e433-17bb-4f02-9ce0-7420ba69c7b4';

const MESSAGES = {
  200: 'SUCCESS',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
  1502: 'Unable to validate OTP',
  1503: 'Unable to generate OTP',
  1504: 'Unsupported brand',
  1505: 'Invalid session',
  1506: 'Invalid OTP',
  1507: 'Mobile is different from the session',
  1508: 'Device is different from the session',
  1509: 'Brand is different from the session',
  1515: 'User does not exist',
  1518: 'Reached the maximum allowed OTP retry attempts, Authenticate from the start',
  1519: 'Invalid details for respective API',
  1520: 'Password must not be empty',
  1521: 'Password and confirm password do not match',
  1523: null, // null: its text is not known from the wire
  1524: null,
  1525: 'Unable to regenerate token, authenticate again',
  1526: null,
  1527: null,
  1528: null,
  1529: 'Token expired',
  1530: null,
  1531: 'Unable to expire token',
  1532: null,
  1534: 'Reached the maximum number of OTPs allowed per customer',
  1537: 'No OTP generated for these details',
  1540: 'Mobile or email is required',
  1541: 'Identifier is different from the session',
  1542: null,
  1543: 'Username already exists',
  1546: 'Invalid identifierType',
  1597: 'Key expired or not valid',
  1601: 'Fallback Channel needs identifier mobile',
  1602: 'Fallback Channel needs identifier email',
  1603: 'Channel is not configured properly, please check and try again',
  3005: 'External ID login must be enabled.',
  5004: 'Response tampered',
};

// Reasons.
const NO_SESSION_YET = 'this call presents no session';
const NO_CODE_HERE = 'this call types no code';
const SENDS_NOTHING = 'this call sends nothing';
const OF_PASSWORDS = 'of brands and calls with passwords, which do not exist';
const OF_OTHER_CALLS = 'of the calls that regenerate, expire or change, which do not exist';
const LOOKS_AT_NO_RECORD = 'this call looks at nothing that is stored';
const KNOWN_BY_THEN = 'a code was sent by then, so that it is known where to, or 1537';
const OF_SENDING = 'of otp/generate';
const OF_VALIDATING = 'of otp/validate';
const OF_BROKEN_STORES = 'needs a full disk: src/api/test_api_flow.c';

/** The same for all calls. */
const everywhere = (way) => ({ 'token/generate': way, 'otp/generate': way, 'otp/validate': way });

/** For calls with a session. */
const inSession = (way) => ({ ...everywhere(way), 'token/generate': NO_SESSION_YET });

const only = (call, way, reason) => ({ ...everywhere(reason), [call]: way });

async function sendOther(at, opened, presented) {
  const sessionId = await at.open(opened);
  return at.send({ ...opened, ...presented, sessionId });
}

async function sendExhausted(at) {
  const { who, sessionId, code } = await at.begin();
  for (let i = 1; i <= TRIES_MAX; i++) {
    await at.validate({ ...who, sessionId, otp: wrong(code, i) });
  }
  return at.send({ ...who, sessionId, otp: code });
}

async function sendOverLimit(at) {
  const { who, sessionId } = await at.begin({ brand: 'Once' });
  return at.send({ ...who, sessionId });
}

async function sendWithoutHash(at) {
  const who = at.mobile({ brand: 'Sealed' });
  return at.send({ ...who, sessionId: await at.open(who) });
}

async function sendByChannel(at, who, channel) {
  const sessionId = await at.open(who);
  return at.send({ ...who, sessionId }, { suffix: `?fallbackChannel=${channel}` });
}

async function sendRight(at) {
  const { who, sessionId, code } = await at.begin();
  return at.send({ ...who, sessionId, otp: code });
}

async function sendWrong(at) {
  const { who, sessionId, code } = await at.begin();
  return at.send({ ...who, sessionId, otp: wrong(code) });
}

async function sendWithoutCode(at) {
  const who = at.mobile();
  return at.send({ ...who, sessionId: await at.open(who) });
}

// A tag of ten bits tells brands apart (docs/adr/0003): one other brand of 1,024 passes it.
async function sendOtherBrand(at) {
  const opened = at.mobile();
  const sessionId = await at.open(opened);
  for (const brand of ['Other1', 'Other2', 'Other3']) {
    const reply = await at.send({ ...opened, brand, sessionId });
    if (reply.code === 1509 || brand === 'Other3') {
      return reply;
    }
  }
}

const otherDevice = (at) =>
  at.isWeb
    ? at.mobileUri.open(at.mobileUri.mobile()).then((sessionId) =>
        at.send({ ...at.mobile(), sessionId }))
    : sendOther(at, at.mobile(), { deviceId: 'another' });

/** A stranger's number for a username whose owner logs in once the stranger's session has begun. */
async function sendTaken(at, begin) {
  const owner = await at.beginAs(at.username());
  const stranger = at.username(owner.who.identifierValue);
  const { sessionId, code } = await begin(stranger);
  await at.validate({ ...owner.who, sessionId: owner.sessionId, otp: owner.code });
  return at.send({ ...stranger, sessionId, otp: code });
}

// code → {call → way, or the reason why there is none}; `status` is that of HTTP, 200 where none is
// given; `fault` is what follows the text; `headers` have to be there.
const ROWS = [
  { code: 200, ways: everywhere(sendRight) },
  { code: 400, status: 400, ways: everywhere((at) => at.raw({ 'Content-Length': 'x' })) },
  {
    code: 403,
    status: 403,
    ways: only('otp/generate', (at) => at.send(at.mobile({ brand: 'Guarded' })), OF_SENDING),
  },
  { code: 404, status: 404, ways: everywhere((at) => at.send(at.mobile(), { suffix: '/' })) },
  {
    code: 405,
    status: 405,
    headers: { allow: /^POST, OPTIONS$/ },
    ways: everywhere((at) => at.get()),
  },
  { code: 408, status: 408, ways: everywhere((at) => at.hurried.raw({ 'Content-Length': 2 })) },
  { code: 413, status: 413, ways: everywhere((at) => at.send(' '.repeat(65537))) },
  { code: 415, status: 415, ways: everywhere((at) => at.send({}, { type: 'text/plain' })) },
  { code: 431, status: 431, ways: everywhere((at) => at.raw({ 'X-Long': 'x'.repeat(9000) })) },
  {
    code: 503,
    status: 503,
    headers: { 'retry-after': /^1$/ },
    ways: everywhere((at) => at.crowded.raw({ 'Content-Length': 0 })),
  },
  { code: 1502, ways: only('otp/validate', OF_BROKEN_STORES, OF_VALIDATING) },
  { code: 1503, ways: only('otp/generate', (at) => sendWithoutCode(at.silent), OF_SENDING) },
  { code: 1504, ways: everywhere((at) => at.send({ ...at.mobile(), brand: 'Nobody' })) },
  { code: 1505, ways: inSession((at) => at.send({ ...at.mobile(), sessionId: FORGED })) },
  { code: 1506, ways: only('otp/validate', sendWrong, NO_CODE_HERE) },
  { code: 1507, ways: inSession((at) => sendOther(at, at.mobile(), at.mobile())) },
  { code: 1508, ways: inSession(otherDevice) },
  { code: 1509, ways: inSession(sendOtherBrand) },
  { code: 1515, ways: everywhere(OF_OTHER_CALLS) },
  { code: 1518, ways: inSession(sendExhausted) },
  { code: 1519, ways: everywhere((at) => at.send({ ...at.mobile(), identifierValue: '12' })) },
  {
    code: 1519,
    status: 400,
    fault: 'brand is missing',
    ways: everywhere((at) => at.send({ ...at.mobile(), brand: undefined })),
  },
  { code: 1519, status: 400, fault: 'not valid JSON', ways: everywhere((at) => at.send('{')) },
  { code: 1519, status: 400, fault: 'not an object', ways: everywhere((at) => at.send('"x"')) },
  {
    code: 1519,
    status: 400,
    fault: 'an array must have 1 to 100 items',
    ways: everywhere((at) => at.send('[]')),
  },
  { code: 1520, ways: everywhere(OF_PASSWORDS) },
  { code: 1521, ways: everywhere(OF_PASSWORDS) },
  { code: 1523, ways: everywhere(OF_PASSWORDS) },
  { code: 1524, ways: everywhere(OF_PASSWORDS) },
  { code: 1525, ways: everywhere(OF_OTHER_CALLS) },
  { code: 1526, ways: everywhere(OF_PASSWORDS) },
  { code: 1527, ways: everywhere(OF_PASSWORDS) },
  { code: 1528, ways: everywhere(OF_PASSWORDS) },
  { code: 1529, ways: everywhere(OF_OTHER_CALLS) },
  { code: 1530, ways: everywhere(OF_PASSWORDS) },
  { code: 1531, ways: everywhere(OF_OTHER_CALLS) },
  { code: 1532, ways: everywhere(OF_PASSWORDS) },
  {
    code: 1534,
    headers: { 'retry-after': /^(?:59|60)$/ },
    ways: only('otp/generate', sendOverLimit, SENDS_NOTHING),
  },
  { code: 1537, ways: only('otp/validate', sendWithoutCode, NO_CODE_HERE) },
  {
    code: 1540,
    ways: {
      'token/generate': (at) => at.send({ ...at.username(), mobile: undefined }),
      'otp/generate': (at) => sendOther(at, at.username(), { mobile: '' }),
      'otp/validate': KNOWN_BY_THEN,
    },
  },
  { code: 1541, ways: inSession((at) => sendOther(at, at.email(), at.email())) },
  { code: 1542, ways: everywhere(OF_PASSWORDS) },
  { code: 1541, ways: inSession((at) => sendOther(at, at.username(), { mobile: OTHER_NUMBER })) },
  {
    code: 1543,
    ways: {
      'token/generate': LOOKS_AT_NO_RECORD,
      'otp/generate': (at) => sendTaken(at, async (late) => ({ sessionId: await at.open(late) })),
      'otp/validate': (at) => sendTaken(at, (late) => at.beginAs(late)),
    },
  },
  {
    code: 1546,
    status: 400,
    ways: everywhere((at) => at.send({ ...at.mobile(), identifierType: 'FAX' })),
  },
  { code: 1546, status: 400, ways: everywhere((at) => at.send(at.mobile({ brand: 'ByMail' }))) },
  {
    code: 1546,
    status: 400,
    ways: everywhere((at) => {
      const { identifierType, identifierValue, ...rest } = at.mobile({ brand: 'ByMail' });
      return at.send({ ...rest, mobile: identifierValue });
    }),
  },
  { code: 1597, ways: everywhere(OF_OTHER_CALLS) },
  {
    code: 1601,
    ways: only('otp/generate', (at) => sendByChannel(at, at.email(), 'SMS'), OF_SENDING),
  },
  {
    code: 1602,
    ways: only('otp/generate', (at) => sendByChannel(at, at.mobile(), 'EMAIL'), OF_SENDING),
  },
  {
    code: 1603,
    ways: only(
      'otp/generate', (at) => sendByChannel(at.silent, at.mobile(), 'ZALO'), OF_SENDING),
  },
  {
    code: 1603,
    ways: only(
      'otp/generate', (at) => sendByChannel(at, at.mobile({ brand: 'NoZalo' }), 'ZALO'),
      OF_SENDING),
  },
  {
    code: 3005,
    ways: everywhere((at) => at.send({ ...at.mobile(), identifierType: 'EXTERNALID' })),
  },
  { code: 5004, ways: only('otp/generate', sendWithoutHash, OF_SENDING) },
];

module.exports = { MESSAGES, ROWS };
