// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What the contract says that a body is answered, worked out from the text of its members alone and
// without a look at the server's own tables. A body is a list of [name, JSON text].
'use strict';

const DEVICE_BYTES_MAX = 128;
const NAME_BYTES_MAX = 128;
const KNOWN_TYPES = new Set(['MOBILE', 'EMAIL', 'USERNAME', 'EXTERNALID']);

// Which calls use a member, whether they need it, and what it may be.
const ALL = ['token/generate', 'otp/generate', 'otp/validate'];
const SESSION = ALL.slice(1);
const VALIDATE = ALL.slice(2);
const MEMBERS = {
  identifierType: { used: ALL, needed: [], isNumberToo: false },
  identifierValue: { used: ALL, needed: [], isNumberToo: false },
  brand: { used: ALL, needed: ALL, isNumberToo: false },
  deviceId: { used: ALL, needed: [], isNumberToo: true, isMobileOnly: true },
  sessionId: { used: SESSION, needed: SESSION, isNumberToo: false },
  mobile: { used: ALL, needed: [], isNumberToo: false },
  email: { used: ALL, needed: [], isNumberToo: false },
  otp: { used: VALIDATE, needed: VALIDATE, isNumberToo: true },
};

const refused = (code) => ({ status: 200, code });
const malformed = { status: 400, code: 1519 };
const badType = { status: 400, code: 1546 };

/** The member as a text; undefined: as if absent; null: of a wrong type. */
function read(json, { isNumberToo }) {
  const value = JSON.parse(json);
  if (value === null) {
    return undefined;
  }
  if (typeof value === 'string') {
    return value.includes('\0') ? null : value;
  }
  // A whole number counts as its digits, "-0" as 0.
  return isNumberToo && /^(?:\d+|-0)$/.test(json) ? String(BigInt(json)) : null;
}

function readAll(body, { call, isWeb }) {
  const told = { values: {}, wrong: new Set(), twice: new Set() };
  const seen = new Set();
  for (const [name, json] of body) {
    const member = MEMBERS[name];
    if (member && seen.has(name)) {
      told.twice.add(name);
    } else if (member) {
      seen.add(name);
      const isUsed = member.used.includes(call) && !(isWeb && member.isMobileOnly);
      const value = isUsed ? read(json, member) : undefined;
      if (value === null) {
        told.wrong.add(name);
      } else if (value !== undefined) {
        told.values[name] = value;
      }
    }
  }
  return told;
}

const isMissing = ({ values }, call) =>
  Object.entries(MEMBERS).some(([name, { needed }]) => needed.includes(call) && !(name in values));

/** Section 2: a bad identifierType is 1546, anything else that is wrong with the shape 1519. */
function shapeFault(told, call) {
  const { values } = told;
  const { identifierType: type } = values;
  const isTypeBad = type !== undefined && !KNOWN_TYPES.has(type);
  if (isTypeBad || told.wrong.has('identifierType')) {
    return badType;
  }
  const hasIdentifier = type !== undefined
    ? values.identifierValue !== undefined
    : Boolean(values.mobile || values.email);
  const isFine = told.wrong.size + told.twice.size === 0 && hasIdentifier;
  return isFine && !isMissing(told, call) ? null : malformed;
}

const hasControl = (text) => /\p{Cc}/u.test(text);

/** Section 4: ASCII is folded, and there is neither a control character nor "|" in it. */
function nameOf(text) {
  const folded = text.normalize('NFC').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const isName = folded !== '' && !hasControl(folded) && !folded.includes('|');
  return isName && Buffer.byteLength(folded) <= NAME_BYTES_MAX ? `USERNAME ${folded}` : undefined;
}

/** {kind, value} of whom the body is about. A body without a type is a legacy one. */
function identifierOf({ identifierType: type, identifierValue: value, mobile, email }) {
  if (type !== undefined) {
    return { kind: type, value };
  }
  return mobile ? { kind: 'MOBILE', value: mobile } : { kind: 'EMAIL', value: email };
}

class Model {
  /**
   * `brands` in capitals. `people`: canonical address → its spellings. What is in neither list is
   * unknown to the test: a brand that does not exist, an address that cannot be one.
   */
  constructor({ brands, people }) {
    this.brands = new Set(brands);
    this.canonical = { MOBILE: new Map(), EMAIL: new Map() };
    for (const [value, spellings] of Object.entries(people)) {
      const kind = value.includes('@') ? 'EMAIL' : 'MOBILE';
      [value, ...spellings].forEach((each) => this.canonical[kind].set(each, `${kind} ${value}`));
    }
  }

  /**
   * Canonical addresses of the body, or the refusal of their form. The codes of a username go to
   * the number that is named, or else to the e-mail address; one of them opens the session.
   */
  form(values, { call, isWeb }) {
    const { kind, value } = identifierOf(values);
    if (kind === 'EXTERNALID') {
      return { refusal: refused(3005) };
    }
    const isName = kind === 'USERNAME';
    const own = isName ? nameOf(value) : this.canonical[kind].get(value);
    const others = [['MOBILE', values.mobile], ['EMAIL', values.email]]
      .filter(([, text]) => text)
      .map(([each, text]) => this.canonical[each].get(text));
    const isNowhere = isName && others.length === 0 && call === 'token/generate';
    if (own !== undefined && isNowhere) {
      return { refusal: refused(1540) };
    }
    const device = isWeb ? '' : (values.deviceId ?? '');
    const isDevice = Buffer.byteLength(device) <= DEVICE_BYTES_MAX && !hasControl(device);
    if (own === undefined || others.includes(undefined) || !isDevice) {
      return { refusal: refused(1519) };
    }
    const named = isName ? others.slice(0, 1) : others;
    return { kind, own, others: named.filter((each) => each !== own), device };
  }

  /** What differs from the session that the person has: {id, own, to, device}. */
  difference(values, { kind, own, others, device }, session, isWeb) {
    if (values.sessionId !== session.id) {
      return refused(1505);
    }
    if (!isWeb && device === '') {
      return malformed;
    }
    if (!isWeb && device !== session.device) {
      return refused(1508);
    }
    if (own !== session.own) {
      return refused(kind === 'MOBILE' ? 1507 : 1541);
    }
    return others.some((each) => each !== session.to) ? refused(1541) : null;
  }

  /**
   * {status, code}. No code was issued in the session, or it does not matter; it is known where
   * the codes of its username go, unless its call is to validate before that.
   */
  answer(body, { call, isWeb, session }) {
    const told = readAll(body, { call, isWeb });
    const fault = shapeFault(told, call);
    if (fault) {
      return fault;
    }
    if (!this.brands.has(told.values.brand.toUpperCase())) {
      return refused(1504);
    }
    const form = this.form(told.values, { call, isWeb });
    if (form.refusal) {
      return form.refusal;
    }
    if (call === 'token/generate') {
      return refused(200);
    }
    const difference = this.difference(told.values, form, session, isWeb);
    return difference ?? refused(call === 'otp/validate' ? 1537 : 200);
  }
}

module.exports = { MEMBERS: Object.keys(MEMBERS), Model };
