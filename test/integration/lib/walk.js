// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Documentation that is tried out: commands between markers, each with what it prints.
'use strict';

const assert = require('node:assert/strict');

const { bash } = require('./shell');

const MARK = 'end-of-a-step';

/** The commands between the markers, each with what it prints, or null where nothing is told. */
function walkOf(text) {
  const part = text.split('<!-- walk:begin -->')[1].split('<!-- walk:end -->')[0];
  const steps = [];
  for (const [, kind, body] of part.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    if (kind === 'sh') {
      steps.push({ command: body, prints: null });
    } else {
      steps.at(-1).prints = body.trim();
    }
  }
  return steps;
}

/** Runs all in one shell; `here` adapts the script to where the test runs. What each printed. */
async function runWalk(steps, here) {
  const script = steps.map(({ command }) => `${command}\nprintf '\\n%s\\n' ${MARK}\n`).join('');
  const parts = (await bash(here(script))).split(`\n${MARK}\n`);
  assert.equal(parts.length, steps.length + 1);
  return parts.slice(0, -1);
}

function assertStepPrinted(step, printed) {
  if (step.prints === null) {
    assert.equal(printed, '', step.command);
    return;
  }
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const wanted = step.prints.split('…').map(literal).join('.+');
  assert.match(printed, new RegExp(`^${wanted}$`), step.command);
}

/** "…" in what a step prints stands for anything. */
function assertPrinted(steps, printed) {
  steps.forEach((step, i) => assertStepPrinted(step, printed[i].trim()));
}

module.exports = { assertPrinted, runWalk, walkOf };
