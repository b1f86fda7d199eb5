// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The inbox page in a real browser. Whatever the page complains about, a breach of its own security
// policy included, fails the test that made it.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, afterEach, before, beforeEach, describe, test } = require('node:test');

const { Api, email, mobile } = require('./lib/api');
const { configText } = require('./lib/config');
const { Server } = require('./lib/server');
const { bash } = require('./lib/shell');

const CHROMIUM = '/usr/bin/chromium';
const SHOWN_MS = 15000;
const LAUNCH_MS = 60000;
const PHONE = { width: 320, height: 640 };
const LONGEST_LOCAL_PART = 64;
const MARKUP = '<b>{otp}</b> & <img src=x onerror=alert(1)> "{minutes}"';
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

const skip = fs.existsSync(CHROMIUM) ? false : `${CHROMIUM} is not installed`;

describe('the inbox page', { skip }, () => {
  let browser;
  let server;
  let api;
  let page;
  let complaints;

  before(async () => {
    const { chromium } = require('playwright-core');
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: LAUNCH_MS });
    server = await Server.start({ config: configText({ Markup: { smsTemplate: MARKUP } }) });
    api = new Api(server);
  });

  after(async () => {
    await browser?.close();
    api?.close();
    await server?.stop();
  });

  beforeEach(async () => {
    await api.client.request({ method: 'DELETE', path: '/dev/inbox' });
    const context = await browser.newContext();
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
    page = await context.newPage();
    page.setDefaultTimeout(SHOWN_MS);
    complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() !== 'log') {
        complaints.push(message.text());
      }
    });
    await page.goto(`${server.url}/dev/inbox`);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  afterEach(async () => {
    await page.context().close();
    assert.deepEqual(complaints, []);
  });

  const rows = () => page.locator('#messages > li');
  const shown = () => page.locator('#messages > li:visible');

  /** The row of a message that is sent now, while the page is open. */
  async function arrival(who) {
    const { code } = await api.begin(who);
    const row = rows().filter({ has: page.getByText(code, { exact: true }) }).first();
    await row.waitFor();
    return { row, code };
  }

  test('says what to do while there is nothing, and that works', async () => {
    await page.getByRole('heading', { name: 'No messages yet' }).waitFor();
    const commands = await page.locator('#try').innerText();
    assert.match(await bash(commands), /"code":200/);
    await rows().first().waitFor();
    await api.messages('919999999993');
    assert.equal(await rows().count(), 1);
    assert.equal(await page.getByRole('heading', { name: 'No messages yet' }).isVisible(), false);
  });

  test('shows a message that comes while it is open, the newest on top', async () => {
    const first = await arrival(mobile('919999999993'));
    const second = await arrival(email('captest@example.com'));
    assert.deepEqual(await page.locator('.otp').allInnerTexts(), [second.code, first.code]);
    const addresses = await page.locator('.to').allInnerTexts();
    assert.deepEqual(addresses, ['captest@example.com', '+919999999993']);
    const text = await first.row.locator('.text').innerText();
    assert.match(text, new RegExp(`^${first.code} is your`));
    await page.reload();
    await rows().nth(1).waitFor();
    assert.deepEqual(await page.locator('.otp').allInnerTexts(), [second.code, first.code]);
  });

  test('copies the code', async () => {
    const { row, code } = await arrival(mobile('919999999993'));
    await row.getByRole('button', { name: 'Copy the code for +919999999993' }).click();
    await row.getByText('Copied').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), code);
  });

  test('filters, also what comes later', async () => {
    const { row } = await arrival(mobile('12025550147'));
    await arrival(email('captest@example.com'));
    const filter = page.getByLabel('Filter');
    await filter.fill('555 0147');
    await page.getByText('No message matches the filter.').waitFor();
    await filter.fill('2025550147');
    assert.deepEqual([await shown().count(), await row.isVisible()], [1, true]);
    await api.begin(email('other@example.com'));
    await rows().nth(2).waitFor({ state: 'attached' });
    assert.equal(await shown().count(), 1);
    await filter.fill('');
    assert.equal(await shown().count(), 3);
  });

  test('clears', async () => {
    await arrival(mobile('919999999993'));
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByRole('heading', { name: 'No messages yet' }).waitFor();
    assert.equal(await rows().count(), 0);
    assert.equal(await api.lastId(), '0');
    await arrival(mobile('919999999993'));
    assert.equal(await rows().count(), 1);
  });

  test('shows markup in a message as text', async () => {
    const { row, code } = await arrival(mobile('12025550148', { brand: 'Markup' }));
    const wanted = MARKUP.replace('{otp}', code).replace('{minutes}', '20');
    assert.equal(await row.locator('.text').innerText(), wanted);
    assert.equal(await row.locator('b, img').count(), 0);
  });

  test('fits a narrow phone', async () => {
    await page.setViewportSize(PHONE);
    const root = page.locator('html');
    const widths = () => root.evaluate((html) => [html.scrollWidth, html.clientWidth]);
    assert.deepEqual(await widths(), [PHONE.width, PHONE.width]);
    await arrival(email(`${'x'.repeat(LONGEST_LOCAL_PART)}@example.com`));
    await arrival(mobile('12025550148', { brand: 'Markup' }));
    assert.deepEqual(await widths(), [PHONE.width, PHONE.width]);
  });

  test('loads nothing from elsewhere', async () => {
    const urls = [];
    page.on('request', (request) => urls.push(new URL(request.url())));
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    const fetched = urls.filter(({ protocol }) => protocol !== 'data:');
    assert.ok(fetched.length >= 4);
    assert.deepEqual([...new Set(fetched.map(({ host }) => host))], [server.address]);
  });

  test('says so when the server is gone, and goes on with the next one', async () => {
    await arrival(mobile('919999999993'));
    const { address } = server;
    api.close();
    await server.stop();
    await page.getByText('No answer from the server, trying again').waitFor();
    complaints.length = 0; // the browser's own words about refused connections
    server = await Server.start({ args: ['--listen', address] });
    api = new Api(server);
    await page.getByText('Live', { exact: true }).waitFor();
    complaints.length = 0;
    await arrival(email('captest@example.com'));
    assert.deepEqual(await page.locator('.to').allInnerTexts(), ['captest@example.com']);
  });
});
