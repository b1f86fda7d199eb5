// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../../..');

/** A file of test/data. */
function dataFile(name) {
  return path.join(ROOT, 'test/data', name);
}

function readData(name) {
  return JSON.parse(fs.readFileSync(dataFile(name), 'utf8'));
}

/**
 * Bytes as the data files write them: a string with one character a byte, or
 * {"repeat":[string, count]}, or {"parts":[…]} of such.
 */
function bytesOf(value) {
  if (typeof value === 'string') {
    return Buffer.from(value, 'latin1');
  }
  if (value.repeat) {
    return Buffer.from(value.repeat[0].repeat(value.repeat[1]), 'latin1');
  }
  return Buffer.concat(value.parts.map(bytesOf));
}

module.exports = { ROOT, dataFile, readData, bytesOf };
