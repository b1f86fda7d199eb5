// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
//
// The regular expressions of numbering plans: digits, sets of digits, groups, "|", "?", "{n,m}"
// and "$". All of them are finite. A set of digits is a mask of ten bits.
'use strict';

const ALL_DIGITS = 0x3ff;

class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.groups = 0;
  }

  fail() {
    throw new Error(`cannot read ${this.text} at ${this.at}`);
  }

  take(token) {
    const has = this.text.startsWith(token, this.at);
    if (has) this.at += token.length;
    return has;
  }

  all() {
    const node = this.choice();
    if (this.at !== this.text.length) this.fail();
    return node;
  }

  choice() {
    const parts = [this.sequence()];
    while (this.take('|')) parts.push(this.sequence());
    return { kind: 'choice', parts };
  }

  sequence() {
    const parts = [];
    while (this.at < this.text.length && !'|)'.includes(this.text[this.at])) {
      parts.push(this.repeated());
    }
    return { kind: 'sequence', parts };
  }

  repeated() {
    const part = this.atom();
    if (this.take('?')) return { kind: 'repeat', part, least: 0, most: 1 };
    if (!this.take('{')) return part;
    const end = this.text.indexOf('}', this.at);
    const [least, most = least] = this.text.slice(this.at, end).split(',').map(Number);
    this.at = end + 1;
    return { kind: 'repeat', part, least, most };
  }

  atom() {
    if (this.take('(?:')) return this.closed(this.choice());
    if (this.take('(')) {
      const group = ++this.groups;
      return { kind: 'group', group, part: this.closed(this.choice()) };
    }
    if (this.take('[')) return { kind: 'set', mask: this.set() };
    if (this.take('\\d')) return { kind: 'set', mask: ALL_DIGITS };
    if (this.take('$')) return { kind: 'end' };
    return { kind: 'set', mask: 1 << this.digit() };
  }

  closed(node) {
    if (!this.take(')')) this.fail();
    return node;
  }

  set() {
    let mask = 0;
    while (!this.take(']')) {
      const first = this.digit();
      const last = this.take('-') ? this.digit() : first;
      for (let digit = first; digit <= last; digit++) mask |= 1 << digit;
    }
    return mask;
  }

  digit() {
    if (!/^\d$/.test(this.text[this.at] ?? '')) this.fail();
    return Number(this.text[this.at++]);
  }
}

// A nondeterministic automaton. A set of its states is an ascending list without those that only
// lead elsewhere.
class Automaton {
  constructor(text) {
    this.states = [];
    this.accepting = this.add();
    this.start = this.closure([this.build(new Parser(text).all(), this.accepting)]);
  }

  add() {
    return this.states.push({ empty: [], mask: 0, next: -1 }) - 1;
  }

  build(node, next) {
    const builders = { set: 'buildSet', sequence: 'buildSequence', choice: 'buildChoice',
      repeat: 'buildRepeat', group: 'buildGroup' };
    return this[builders[node.kind]](node, next);
  }

  buildSet(node, next) {
    const state = this.add();
    Object.assign(this.states[state], { mask: node.mask, next });
    return state;
  }

  buildSequence(node, next) {
    return node.parts.reduceRight((after, part) => this.build(part, after), next);
  }

  buildChoice(node, next) {
    const state = this.add();
    this.states[state].empty = node.parts.map((part) => this.build(part, next));
    return state;
  }

  buildRepeat(node, next) {
    let first = next;
    for (let n = node.least; n < node.most; n++) {
      const state = this.add();
      this.states[state].empty = [this.build(node.part, first), next];
      first = state;
    }
    for (let n = 0; n < node.least; n++) first = this.build(node.part, first);
    return first;
  }

  buildGroup(node, next) {
    return this.build(node.part, next);
  }

  closure(from) {
    const seen = new Set();
    const left = [...from];
    while (left.length > 0) {
      const state = left.pop();
      if (seen.has(state)) continue;
      seen.add(state);
      left.push(...this.states[state].empty);
    }
    const counts = (state) => this.states[state].mask !== 0 || state === this.accepting;
    return [...seen].filter(counts).sort((a, b) => a - b);
  }

  step(set, digit) {
    const moving = set.filter((state) => (this.states[state].mask >> digit) & 1);
    return this.closure(moving.map((state) => this.states[state].next));
  }

  accepts(set) {
    return set.includes(this.accepting);
  }
}

const unfolders = {
  set: (node, path) => [{ ...path, sets: [...path.sets, node.mask] }],
  end: (node, path) => [{ ...path, isWhole: true }],
  sequence: (node, path) =>
    node.parts.reduce((paths, part) => paths.flatMap((each) => unfold(part, each)), [path]),
  choice: (node, path) => node.parts.flatMap((part) => unfold(part, path)),
  group: (node, path) =>
    unfold(node.part, path).map((each) => {
      const bounds = [path.sets.length, each.sets.length];
      return { ...each, groups: { ...each.groups, [node.group]: bounds } };
    }),
  repeat: (node, path) => {
    const times = [[path]];
    for (let n = 0; n < node.most; n++) {
      times.push(times[n].flatMap((each) => unfold(node.part, each)));
    }
    return times.slice(node.least).reverse().flat();
  },
};

function unfold(node, path) {
  return unfolders[node.kind](node, path);
}

// All that an expression matches, as sequences of sets, in the order in which a matcher tries them.
function unfoldPattern(text) {
  const parser = new Parser(text);
  const paths = unfold(parser.all(), { sets: [], groups: {}, isWhole: false });
  return { paths, groups: parser.groups };
}

module.exports = { Automaton, unfoldPattern };
