// Inside a component time goes on and chance is chance, instance by instance; and the plugin itself works there.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, test } from 'node:test';
import { host } from 'remitd-plugin-sdk/mock';
import { built } from './host.js';

const context = { job: 'j', idempotencyKey: 'k', deadlineMs: 9_000_000_000_000n };
const message = (subject) => ({
  messageId: 'm@firm.example',
  sender: { name: 'Firm', address: 'billing@firm.example' },
  recipient: { name: 'Zoë', address: 'zoe@example.com' },
  subject,
  text: 't',
  html: 'ü'.repeat(1_500_000),
  headers: [],
  wire: new Uint8Array(),
});
const thrown = (call) => {
  try {
    return call();
  } catch (error) {
    return error.payload;
  }
};

let probe;
let plugin;

before(async () => {
  probe = await built(new URL(import.meta.resolve('remitd-plugin-sdk')).pathname.replace('remitd.js', 'test/probe.js'));
  plugin = await built('src/main.js');
});

const NOW_MS = Date.UTC(2031, 4, 6, 7, 8, 9);

function reset() {
  host.reset({ api: 'https://mail.example', 'token-secret': 't' });
  host.nowMs = NOW_MS;
  host.randomBytes = (length) => new Uint8Array(randomBytes(length));
}

const readings = async () => JSON.parse((await probe.fresh()).describe().settingsSchema);

test('every clock is the daemon\'s, and goes on', async () => {
  reset();
  const instance = await probe.fresh();
  for (const now of [NOW_MS, NOW_MS + 61_000]) {
    host.nowMs = now;
    const seen = JSON.parse(instance.describe().settingsSchema);
    for (const name of ['Date.now', 'new Date', 'Date()', 'performance.now', 'clock.nowMs']) assert.equal(seen[name], now, name);
    assert.deepEqual(seen.today, { year: 2031, month: 5, day: 6 });
    assert.deepEqual([seen['fixed date'], seen['is a Date']], [2_000, true]);
  }
});

test('chance does not come again in a fresh instance', async () => {
  reset();
  const [one, other] = [await readings(), await readings()];
  for (const name of ['Math.random', 'getRandomValues', 'randomUUID']) assert.notEqual(one[name], other[name], name);
  assert.ok(one['Math.random'] >= 0 && one['Math.random'] < 1);
  assert.match(one.randomUUID, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(one['random.bytes'], 2_000);
});

test('failures keep their class, and the console is the daemon\'s log', async () => {
  reset();
  const instance = await probe.fresh();
  assert.equal(thrown(() => instance.send(context, message('typed'))).code, 'typed');
  assert.equal(thrown(() => instance.send(context, message('bug'))).class, 'bug');
  assert.match(instance.send(context, message('timer')).providerRef, /setTimeout does not work inside a plugin/);
  assert.match(instance.bouncesSince(context, undefined).next, /fetch does not work inside a plugin/);
  assert.equal(host.lines[0], 'info: sent {"subject":"typed"}');
  assert.match(host.lines.find((line) => line.startsWith('error')), /TypeError/);
});

test('the plugin asks for no more than it uses, and sends', async () => {
  reset();
  const imports = [...plugin.wit.matchAll(/import ([^;]+);/g)].map(([, name]) => name);
  assert.deepEqual(imports.filter((name) => !name.startsWith('remitd:plugin/')), []);
  for (const unused of ['smtp', 'maildir', 'state']) assert.ok(!plugin.wit.includes(`plugin/${unused}@`), unused);
  const instance = await plugin.fresh();
  let body;
  host.http.send = (request) => {
    body = JSON.parse(new TextDecoder().decode(request.body));
    return { status: 200, headers: [], body: new TextEncoder().encode('{"ErrorCode":0,"MessageID":"p-9"}') };
  };
  assert.deepEqual(instance.send(context, message('s')), { providerRef: 'p-9' });
  assert.deepEqual([body.To, body.HtmlBody.length], ['"Zoë" <zoe@example.com>', 1_500_000]);
  const later = new Date(NOW_MS + 30_000).toUTCString();
  host.http.send = () => ({ status: 503, headers: [{ name: 'retry-after', value: later }], body: new Uint8Array() });
  const { class: failureClass, retryAfterS } = thrown(() => instance.send(context, message('s')));
  assert.deepEqual([failureClass, retryAfterS], ['unavailable', 30]);
});
