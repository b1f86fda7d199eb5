// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The admin API of one server, on its control socket.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');

const { Client } = require('./http');

const CONNECTIONS_MAX = 4; // the server takes few there

class Control extends Client {
  static async of(server) {
    return new Control(await server.controlSocket());
  }

  constructor(socketPath) {
    super(null);
    this.agent.destroy();
    this.agent = new http.Agent({ keepAlive: true, socketPath, maxSockets: CONNECTIONS_MAX });
  }

  put(path, body) {
    const bytes = Buffer.from(JSON.stringify(body));
    const headers = { 'Content-Type': 'application/json', 'Content-Length': bytes.length };
    return this.request({ method: 'PUT', path, headers, body: bytes });
  }

  remove(path) {
    return this.request({ method: 'DELETE', path });
  }

  /** Changes settings of a brand; answers it as it then is. */
  async change(settings, unset = [], brand = 'DocDemo') {
    const path = `/admin/v1/brand?name=${encodeURIComponent(brand)}`;
    const reply = await this.put(path, { settings, unset });
    assert.equal(reply.status, 200, reply.text);
    return reply.json;
  }
}

module.exports = { Control };
