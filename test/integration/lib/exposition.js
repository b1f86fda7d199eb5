// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A strict reader of Prometheus' text format 0.0.4, with the naming rules that promtool has: what
// it takes, any scraper takes.
'use strict';

const assert = require('node:assert/strict');

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const HELP = /^# HELP (\S+) (.+)$/;
const TYPE = /^# TYPE (\S+) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const VALUE = /^(?:\d+(?:\.\d+)?)$/; // all of ours are positive and decimal
const NOT_BASE_UNIT = /_(?:ms|millis|milliseconds|us|ns|minutes|hours|kb|kilobytes|percent)(?:_|$)/;
const SUFFIXES = { histogram: ['_bucket', '_sum', '_count'], counter: [''], gauge: [''] };

function parseLabels(text) {
  const labels = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const match = LABEL.exec(text);
    assert.ok(match, `labels ${text} from ${at}`);
    const [, name, value, end] = match;
    assert.ok(!(name in labels), `${name} twice in ${text}`);
    assert.ok(end === '' || LABEL.lastIndex < text.length, `a comma at the end of ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function parseSample(line) {
  const match = SAMPLE.exec(line);
  assert.ok(match, `sample: ${line}`);
  const [, name, labels = '', value] = match;
  assert.match(value, VALUE, line);
  return { name, labels: parseLabels(labels), value: Number(value) };
}

function checkName({ name, type }) {
  assert.match(name, NAME);
  assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
  assert.doesNotMatch(name, NOT_BASE_UNIT);
  assert.doesNotMatch(name, /_(?:bucket|sum|count)$/);
}

const keyOf = ({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]);

function checkSeries(family, upTo) {
  const bounds = family.samples.filter(({ name }) => name.endsWith('_bucket'));
  const series = ({ labels }) => keyOf({ name: '', labels: { ...labels, le: '' } });
  const own = bounds.filter((bound) => series(bound) === upTo);
  const les = own.map(({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le)));
  const counts = own.map(({ value }) => value);
  assert.equal(les.at(-1), Infinity, upTo);
  for (let i = 1; i < own.length; i++) {
    assert.ok(les[i] > les[i - 1] && counts[i] >= counts[i - 1], `${upTo}: ${les[i]}`);
  }
  return counts.at(-1);
}

/** Buckets rise up to +Inf, which is the count; each series has a sum. */
function checkHistogram(family) {
  for (const count of family.samples.filter(({ name }) => name.endsWith('_count'))) {
    const series = keyOf({ name: '', labels: { ...count.labels, le: '' } });
    assert.equal(checkSeries(family, series), count.value, series);
    const sum = keyOf({ name: `${family.name}_sum`, labels: count.labels });
    assert.equal(family.samples.filter((sample) => keyOf(sample) === sum).length, 1, sum);
  }
}

function beginFamily(lines, families) {
  const [, name, help] = HELP.exec(lines.shift()) ?? assert.fail('a family begins with # HELP');
  const typed = TYPE.exec(lines.shift());
  assert.ok(typed && typed[1] === name, `# TYPE follows # HELP ${name}`);
  assert.ok(!families.has(name), `${name} twice`);
  assert.doesNotMatch(help, /\\(?![\\n])/);
  return { name, help, type: typed[2], samples: [] };
}

/** Families by name: {name, help, type, samples: [{name, labels, value}]}. */
function parseExposition(text) {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const lines = text.slice(0, -1).split('\n');
  const families = new Map();
  const seen = new Set();
  while (lines.length > 0) {
    const family = beginFamily(lines, families);
    checkName(family);
    families.set(family.name, family);
    const names = SUFFIXES[family.type].map((suffix) => family.name + suffix);
    while (lines.length > 0 && !lines[0].startsWith('#')) {
      const sample = parseSample(lines.shift());
      assert.ok(names.includes(sample.name), `${sample.name} within ${family.name}`);
      assert.ok(!seen.has(keyOf(sample)), `${keyOf(sample)} twice`);
      seen.add(keyOf(sample));
      family.samples.push(sample);
    }
    if (family.type === 'histogram') {
      checkHistogram(family);
    }
  }
  return families;
}

/** The value of one sample; 0 for a series that is not there. */
function valueOf(families, name, labels = {}) {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  assert.ok(family, `no metric ${name}`);
  const key = keyOf({ name, labels });
  return family.samples.find((sample) => keyOf(sample) === key)?.value ?? 0;
}

module.exports = { parseExposition, valueOf };
