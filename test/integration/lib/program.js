// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The otpd program: runs that end by themselves, and runs that are watched.
'use strict';

const path = require('node:path');
const { spawn } = require('node:child_process');

const { within } = require('./wait');

const OTPD = path.resolve(process.env.OTPD ?? path.join(__dirname, '../../../build/otpd'));
const RUN_MS = 10000;

const children = new Set();

process.on('exit', () => {
  for (const child of children) {
    child.kill('SIGKILL');
  }
});

/** Only what the test says reaches the program, and no OTPD_… of whoever runs the tests. */
function environment(extra = {}) {
  const names = Object.keys(process.env).filter((name) => !name.startsWith('OTPD'));
  const own = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  return { ...own, ...extra };
}

class Program {
  /** `input`: what it reads from standard input, which otherwise has nothing. */
  /** `wrapper`: a command that ends by becoming the one that follows it. */
  constructor(args, { env, cwd, input, wrapper = [] } = {}) {
    this.out = [];
    this.errors = [];
    const [command, ...words] = [...wrapper, OTPD, ...args];
    this.child = spawn(command, words, {
      cwd,
      env: environment(env),
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.child.stdin?.on('error', () => {}); // it may end without having read all of it
    this.child.stdin?.end(input);
    children.add(this.child);
    this.child.stdout.on('data', (chunk) => this.out.push(chunk));
    this.child.stderr.on('data', (chunk) => this.errors.push(chunk));
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (status, signal) => {
        children.delete(this.child);
        resolve({ status, signal, stdout: this.stdout(), stderr: this.stderr() });
      });
    });
  }

  stdout() {
    return Buffer.concat(this.out).toString();
  }

  stderr() {
    return Buffer.concat(this.errors).toString();
  }

  signal(name) {
    this.child.kill(name);
  }

  end(ms = RUN_MS) {
    return within(ms, 'end of otpd', this.ended);
  }
}

/** Runs otpd to its end. */
async function runOtpd(args, options) {
  const program = new Program(args, options);
  try {
    return await program.end();
  } finally {
    program.signal('SIGKILL');
  }
}

module.exports = { OTPD, Program, runOtpd, environment };
