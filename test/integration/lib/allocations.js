// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A server whose heap allocations are counted, by a library that is compiled here and preloaded.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const { Folder } = require('./folder');
const { Server } = require('./server');

const SOURCE = path.join(__dirname, 'count_allocations.c');
const CALLERS = 63;
const PAGE_BYTES = 8 * (1 + CALLERS);

class CountedServer {
  static async start(args) {
    const counted = new CountedServer();
    counted.folder = new Folder();
    const library = counted.folder.join('count_allocations.so');
    execFileSync('cc', ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, SOURCE]);
    counted.file = counted.folder.write('counts', Buffer.alloc(PAGE_BYTES));
    const env = { LD_PRELOAD: library, COUNT_ALLOCATIONS_IN: counted.file };
    counted.server = await Server.start({ args, env });
    return counted;
  }

  async stop() {
    await this.server.stop();
    this.folder.remove();
  }

  /** Allocations so far. */
  count() {
    return Number(fs.readFileSync(this.file).readBigUInt64LE(0));
  }

  /** Who made the last `wanted` allocations, as "libuv.so.1.0.0+0x1234". */
  callers(wanted) {
    const page = fs.readFileSync(this.file);
    const count = this.count();
    const first = Math.max(count - Math.min(wanted, CALLERS), 0);
    const found = new Set();
    for (let i = first; i < count; i++) {
      found.add(this.place(page.readBigUInt64LE(8 * (1 + (i % CALLERS)))));
    }
    return [...found];
  }

  place(address) {
    for (const line of fs.readFileSync(`/proc/${this.server.pid}/maps`, 'utf8').split('\n')) {
      const [, from, to, offset, file] =
        /^(\w+)-(\w+) \S+ (\w+) \S+ \d+ +(\S+)/.exec(line) ?? [];
      if (file && address >= BigInt(`0x${from}`) && address < BigInt(`0x${to}`)) {
        const inside = address - BigInt(`0x${from}`) + BigInt(`0x${offset}`);
        return `${path.basename(file)}+0x${inside.toString(16)}`;
      }
    }
    return `0x${address.toString(16)}`;
  }
}

module.exports = { CountedServer };
