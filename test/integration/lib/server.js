// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A running server on a free port. What it logs is searched, when it stops, for everything secret
// that went through it: no test can pass while its server leaks.
'use strict';

const assert = require('node:assert/strict');

const { Folder } = require('./folder');
const { Program } = require('./program');
const { Secrets } = require('./secrets');
const { until } = require('./wait');

// As JSON or as text.
const READY = /\bserver\.ready\b.*\blisten\W+([\d.:]+).*\breadyMs\W+(\d+)/;

const READY_MS = 10000;
const STOP_MS = 30000;

class Server {
  /**
   * `config`: text of the configuration file, null for none. `args`: further flags.
   * Without `isDev` the configuration has to name keys; the data is gone with the server, unless
   * `args` say where it lies. `wrapper`: a command that ends by becoming the server.
   */
  static async start({ config = null, args = [], isDev = true, env, wrapper } = {}) {
    const server = new Server();
    server.secrets = new Secrets();
    server.folder = new Folder();
    const flags = isDev ? ['--dev', ...args] : ['--data-dir', server.folder.join('data'), ...args];
    server.configFile = server.folder.join('otpd.yaml');
    if (config !== null) {
      server.configure(config);
      flags.push('--config', server.configFile);
    }
    server.startedAt = performance.now();
    // Its control socket goes with its folder, also when it is killed.
    const own = { XDG_RUNTIME_DIR: server.folder.path, ...env };
    const words = ['serve', '--listen', '127.0.0.1:0', ...flags];
    server.program = new Program(words, { env: own, wrapper });
    await server.awaitReady();
    return server;
  }

  async awaitReady() {
    let end = null;
    this.program.ended.then(({ stderr }) => (end = stderr), (error) => (end = error));
    const ready = await until(READY_MS, 'server.ready', () => {
      assert.ok(end === null, `otpd has ended: ${end}`);
      return READY.exec(this.program.stderr());
    });
    this.address = ready[1];
    this.readyMs = Number(ready[2]);
    this.port = Number(this.address.split(':').pop());
    this.url = `http://${this.address}`;
  }

  /** Path of the socket that administrators use. */
  async controlSocket() {
    return (await this.awaitEvent('control.listening')).path;
  }

  configure(text) {
    this.folder.write('otpd.yaml', text);
  }

  get pid() {
    return this.program.child.pid;
  }

  /** Whole lines of the log so far, parsed; the log is of JSON. */
  log() {
    const text = this.program.stderr();
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  }

  events(name) {
    return this.log().filter((event) => event.event === name);
  }

  awaitEvent(name, count = 1, ms = READY_MS) {
    return until(ms, `event ${name}`, () => {
      const events = this.events(name);
      return events.length >= count && events[count - 1];
    });
  }

  /** Asks for an orderly end, and checks that it is one and that nothing secret was logged. */
  stop() {
    this.program.signal('SIGTERM');
    return this.awaitStop();
  }

  /** As a power cut ends it, but for what the kernel keeps. */
  async kill() {
    this.program.signal('SIGKILL');
    const end = await this.program.end(STOP_MS);
    this.secrets.assertNoneIn(end.stderr);
    this.folder.remove();
  }

  async awaitStop() {
    try {
      const end = await this.program.end(STOP_MS);
      assert.deepEqual([end.status, end.signal], [0, null], end.stderr.slice(-2000));
      this.secrets.assertNoneIn(end.stderr);
      return end;
    } finally {
      this.program.signal('SIGKILL');
      this.folder.remove();
    }
  }
}

module.exports = { Server };
