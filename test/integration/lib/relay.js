// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A mail relay (npm's smtp-server) that does as the test says and writes down what it was told.
//
// Its plan is a list of faults, each for the next mail that comes to its point:
//   {at: 'rcpt' | 'body', reply: '451 4.3.0 Later'}   refuses; or a function of the address, or
//                                                      of the mail, that is refused
//   {at: …, cut: true}                                 ends the connection instead of answering
//   {at: …, hang: true}                                never answers
'use strict';

const { SMTPServer } = require('smtp-server');

const { until } = require('./wait');

const ARRIVES_MS = 10000;

function refusal(line) {
  const error = new Error(line.slice(4));
  error.responseCode = Number(line.slice(0, 3));
  return error;
}

class Relay {
  /** `options` are smtp-server's; `login` is {user, pass}, null for a relay that wants none. */
  static async start({ login = null, plan = [], ...options } = {}) {
    const relay = new Relay();
    relay.login = login;
    relay.plan = plan;
    relay.connections = 0;
    relay.logins = [];
    relay.mails = [];
    relay.named = new Set(); // addresses in RCPT, also of mails that did not come
    relay.arrivedAt = new Map(); // of each of them
    relay.server = new SMTPServer({
      authOptional: login === null,
      disabledCommands: login === null ? ['AUTH'] : [],
      disableReverseLookup: true,
      logger: false,
      onConnect: (session, done) => relay.onConnect(session, done),
      onAuth: (auth, session, done) => relay.onAuth(auth, session, done),
      onRcptTo: (address, session, done) => relay.onRcptTo(address, session, done),
      onData: (stream, session, done) => relay.onData(stream, session, done),
      ...options,
    });
    relay.server.on('error', () => {}); // a client that ends in the middle of TLS
    await new Promise((resolve) => relay.server.listen(0, '127.0.0.1', resolve));
    relay.port = relay.server.server.address().port;
    return relay;
  }

  stop() {
    for (const connection of this.server.connections) {
      connection._socket.destroy();
    }
    return new Promise((resolve) => this.server.close(resolve));
  }

  onConnect(session, done) {
    this.connections++;
    return this.fault('connect', session, done) || done();
  }

  onAuth(auth, session, done) {
    const { method, username, password } = auth;
    this.logins.push({ method, username, password, secure: session.secure });
    const isRight = username === this.login?.user && password === this.login?.pass;
    done(isRight ? null : refusal('535 5.7.8 Authentication credentials invalid'), { user: 1 });
  }

  onRcptTo({ address }, session, done) {
    this.named.add(address);
    return this.fault('rcpt', session, done, address) || done();
  }

  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const raw = Buffer.concat(chunks);
      if (this.fault('body', session, done, raw)) {
        return;
      }
      const { mailFrom, rcptTo } = session.envelope;
      const to = rcptTo.map(({ address }) => address);
      const { secure, hostNameAppearsAs } = session;
      const mail = { from: mailFrom.address, to, secure, hello: hostNameAppearsAs, raw };
      this.mails.push(mail);
      this.arrivedAt.set(mail, Date.now());
      done(null, 'Ok: queued as 4F2A1');
    });
  }

  /** Carries out the plan's first fault if it is for this point; says whether it did. */
  fault(at, session, done, refused) {
    if (this.plan[0]?.at !== at) {
      return false;
    }
    const { reply, cut } = this.plan.shift();
    if (reply) {
      done(refusal(typeof reply === 'function' ? reply(refused) : reply));
    }
    if (cut) {
      [...this.server.connections].find(({ id }) => id === session.id)._socket.destroy();
    }
    return true;
  }

  /** The mail number `count`, as soon as it has arrived. */
  async await(count = 1) {
    await until(ARRIVES_MS, `mail ${count}`, () => this.mails.length >= count);
    return this.mails[count - 1];
  }
}

function unquote(text) {
  const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) =>
    String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

function parseHeaders(text) {
  const lines = text.replace(/\r\n[ \t]/g, ' ').split('\r\n');
  return Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  }));
}

/** {headers, text, html} of a mail as otpd writes it. */
function parseMail(raw) {
  const whole = raw.toString('latin1');
  const end = whole.indexOf('\r\n\r\n');
  const headers = parseHeaders(whole.slice(0, end));
  const boundary = /boundary="(.*)"$/.exec(headers['Content-Type'])[1];
  const parts = whole.slice(end + 2).split(`\r\n--${boundary}`).slice(1, 3);
  const [text, html] = parts.map((part) => {
    const body = part.indexOf('\r\n\r\n');
    return { headers: parseHeaders(part.slice(2, body)), body: unquote(part.slice(body + 4)) };
  });
  return { headers, text, html };
}

module.exports = { Relay, parseMail };
