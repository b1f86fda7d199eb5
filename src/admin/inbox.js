// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The inbox page: one request is always waiting for what is newer than the newest message shown.
// Whatever comes from a message goes into the page as text, never as HTML.
'use strict';

const SHOWN_MAX = 500;
const WAIT = '25s';
const RETRY_MS_MAX = 10000;

const byId = (id) => document.getElementById(id);
const list = byId('messages');
const filter = byId('filter');
const timeFormat = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

let newestId = 0;
let isLoaded = false;

function showState(text, isLive) {
  const state = byId('state');
  state.textContent = text;
  state.toggleAttribute('data-live', isLive);
}

function updatePlaceholders() {
  const isAnyShown = Array.from(list.children).some((row) => !row.hidden);
  byId('empty').hidden = !isLoaded || list.children.length > 0;
  byId('nothing').hidden = list.children.length === 0 || isAnyShown;
}

function applyFilter(row) {
  row.hidden = !row.dataset.search.includes(filter.value.trim().toLowerCase());
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return;
  }
  button.textContent = 'Copied';
  button.classList.add('done');
  setTimeout(() => {
    button.textContent = 'Copy';
    button.classList.remove('done');
  }, 1200);
}

function showTime(element, sentAt) {
  const date = new Date(sentAt);
  const isToday = date.toDateString() === new Date().toDateString();
  element.dateTime = date.toISOString();
  element.title = date.toISOString();
  element.textContent = (isToday ? '' : `${dayFormat.format(date)}, `) + timeFormat.format(date);
}

function makeRow(message) {
  const row = byId('row').content.firstElementChild.cloneNode(true);
  const isNumber = /^[0-9]+$/.test(message.to);
  const to = (isNumber ? '+' : '') + message.to;
  const put = (name, text) => {
    row.querySelector(name).textContent = text;
  };
  put('.channel', message.channel);
  put('.to', to);
  put('.brand', message.brand);
  put('.otp', message.otp);
  put('.text', message.text);
  showTime(row.querySelector('time'), message.sentAt);
  row.dataset.search = [message.channel, to, message.brand, message.text].join('\n').toLowerCase();
  const button = row.querySelector('.copy');
  button.setAttribute('aria-label', `Copy the code for ${to}`);
  button.addEventListener('click', () => copy(message.otp, button));
  return row;
}

function show(messages) {
  for (const message of messages.slice().reverse()) {
    const row = makeRow(message);
    if (isLoaded) {
      row.classList.add('new');
    }
    applyFilter(row);
    list.prepend(row);
    newestId = Math.max(newestId, Number(message.id));
  }
  while (list.children.length > SHOWN_MAX) {
    list.lastElementChild.remove();
  }
  isLoaded = true;
  updatePlaceholders();
}

async function load() {
  const wait = isLoaded ? `&wait=${WAIT}` : '';
  const response = await fetch(`/dev/inbox?limit=${SHOWN_MAX}&after=${newestId}${wait}`, {
    headers: { Accept: 'application/json' },
    cache: 'no-store',
  });
  if (!response.ok) {
    throw new Error(`HTTP ${response.status}`);
  }
  const { messages } = await response.json();
  if (!isLoaded) {
    list.replaceChildren();
  }
  show(messages);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function run() {
  let failures = 0;
  for (;;) {
    try {
      await load();
      failures = 0;
      showState('Live', true);
    } catch {
      // The server may be another one when it answers again, with ids from 1: start over.
      isLoaded = false;
      newestId = 0;
      failures += 1;
      showState('No answer from the server, trying again', false);
      await pause(Math.min(500 * 2 ** failures, RETRY_MS_MAX));
    }
  }
}

async function clear() {
  const response = await fetch('/dev/inbox', { method: 'DELETE' });
  if (!response.ok) {
    return;
  }
  list.replaceChildren();
  updatePlaceholders();
}

// A session, and the code for it: two requests that a shell takes as they stand.
function exampleCommands() {
  const who = [
    '"identifierType":"MOBILE"',
    '"identifierValue":"919999999993"',
    '"brand":"DocDemo"',
    '"deviceId":"my-phone"',
  ].join(',');
  const post = (path, body) => [
    `curl -s ${location.origin}/auth/v1/${path}`,
    "  -H 'Content-Type: application/json'",
    `  -d ${body}`,
  ].join(' \\\n');
  return [
    `S=$(${post('token/generate', `'{${who}}'`)} \\`,
    `  | sed 's/.*"sessionId":"\\([^"]*\\)".*/\\1/')`,
    post('otp/generate', `'{${who},"sessionId":"'$S'"}'`),
  ].join('\n');
}

byId('try').textContent = exampleCommands();
byId('copy-try').addEventListener('click', (event) => copy(exampleCommands(), event.currentTarget));
byId('clear').addEventListener('click', clear);
byId('tools').addEventListener('submit', (event) => event.preventDefault());
filter.value = new URLSearchParams(location.search).get('to') ?? '';
filter.addEventListener('input', () => {
  Array.from(list.children).forEach(applyFilter);
  updatePlaceholders();
});
run();
