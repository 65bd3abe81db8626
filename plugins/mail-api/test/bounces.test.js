// Bounces by polling and by webhook.

import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { host } from 'remitd-plugin-sdk/mock';
import { mailProvider } from '../src/main.js';
import { PASSWORD_OF } from '../src/webhook.js';

const context = { job: 'j', idempotencyKey: 'k', deadlineMs: 60_000n };
const at = (ms) => new Date(ms).toISOString();
const bounced = (ID, atMs, changes = {}) => ({
  ID,
  Type: 'HardBounce',
  MessageID: `p-${ID}`,
  Email: `payer${ID}@example.com`,
  BouncedAt: at(atMs),
  Description: 'The server was unable to deliver your message.',
  ...changes,
});

/** A provider's list, newest first, read by offset. */
function listing(all) {
  const asked = [];
  host.http.send = ({ url }) => {
    const query = new URL(url).searchParams;
    const [count, offset] = [Number(query.get('count')), Number(query.get('offset'))];
    asked.push(Object.fromEntries(query));
    const Bounces = all.slice(offset, offset + count);
    return { status: 200, headers: [], body: new TextEncoder().encode(JSON.stringify({ TotalCount: all.length, Bounces })) };
  };
  return asked;
}

/** As the daemon polls: until a page is empty or the cursor stands still. */
function poll(cursor) {
  const found = [];
  for (let pages = 0; pages < 200; pages += 1) {
    const page = mailProvider.bouncesSince(context, cursor);
    found.push(...page.bounces.map(({ messageId }) => messageId));
    const still = page.next === cursor;
    cursor = page.next;
    if (page.bounces.length === 0 || still) return { found, cursor };
  }
  throw new Error('the poll does not end');
}

beforeEach(() => host.reset({ api: 'https://mail.example', 'token-secret': 't', 'webhook-secret': 'hook' }));

test('a walk gives everything once, over pages, and the next one only what is new', () => {
  const all = Array.from({ length: 250 }, (_, index) => bounced(1_000 - index, 9_000_000 - index * 1_000));
  listing(all);
  const first = poll(undefined);
  assert.deepEqual(first.found, all.map(({ MessageID }) => MessageID));
  assert.deepEqual(poll(first.cursor).found, []);
  all.unshift(bounced(1_002, 9_500_000), bounced(1_001, 9_500_000));
  assert.deepEqual(poll(first.cursor).found, ['p-1002', 'p-1001']);
});

test('what comes in during a walk pushes nothing out of it', () => {
  const all = Array.from({ length: 150 }, (_, index) => bounced(500 - index, 5_000_000 - index * 1_000));
  listing(all);
  const one = mailProvider.bouncesSince(context, undefined);
  all.unshift(...Array.from({ length: 30 }, (_, index) => bounced(530 - index, 6_000_000 - index * 1_000)));
  const rest = poll(one.next);
  const seen = new Set([...one.bounces.map(({ messageId }) => messageId), ...rest.found]);
  assert.equal(seen.size, 180);
});

test('no bounces leave the cursor where it was', () => {
  listing([]);
  assert.deepEqual(mailProvider.bouncesSince(context, '5:1'), { bounces: [], next: '5:1' });
  assert.equal(code(() => mailProvider.bouncesSince(context, 'x')), 'invalid bad-cursor');
});

test('the stream is asked for, and the provider\'s reach is kept', () => {
  host.settings.stream = 'a b';
  const asked = listing(Array.from({ length: 10_500 }, (_, index) => bounced(20_000 - index, 90_000_000 - index)));
  const { found } = poll(undefined);
  assert.deepEqual([found.length, asked.every(({ messagestream }) => messagestream === 'a b')], [10_000, true]);
  assert.ok(asked.every(({ count, offset }) => Number(count) + Number(offset) <= 10_000));
  assert.match(host.lines[0], /^warn: .*10000/);
});

test('a failing list is asked again', () => {
  const failure = (status, text) => {
    host.http.send = () => ({ status, headers: [], body: new TextEncoder().encode(text) });
    try {
      mailProvider.bouncesSince(context, undefined);
    } catch (error) {
      return [error.payload.class, error.payload.code];
    }
    return [];
  };
  assert.deepEqual(failure(502, ''), ['unavailable', 'provider-fails']);
  assert.deepEqual(failure(200, 'no json'), ['unavailable', 'answer-unreadable']);
  assert.deepEqual(failure(200, '{}'), ['invalid', 'bad-answer']);
  assert.deepEqual(failure(200, '{"Bounces":[{"Type":"HardBounce"}]}'), ['invalid', 'bad-answer']);
  assert.deepEqual(failure(401, ''), ['denied', 'token-refused']);
});

const password = (key = 'key') => createHmac('sha256', key).update(PASSWORD_OF).digest('hex');
const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`;

function hooked(headers, told) {
  host.signature.verifyHmacSha256 = (secret, message, mac) => {
    assert.equal(secret, 'hook');
    return timingSafeEqual(createHmac('sha256', 'key').update(message).digest(), mac);
  };
  const body = new TextEncoder().encode(typeof told === 'string' ? told : JSON.stringify(told));
  return mailProvider.readWebhook(context, { headers, body });
}

const code = (call) => {
  try {
    return call();
  } catch (error) {
    return `${error.payload?.class} ${error.payload?.code}`;
  }
};
const genuine = [{ name: 'authorization', value: basic(`remitd:${password()}`) }];

test('each type of bounce has its kind, and what is no bounce is left out', () => {
  const kind = (Type, changes) => hooked(genuine, { RecordType: 'Bounce', ...bounced(1, 0, { Type }), ...changes })[0]?.kind;
  for (const type of ['HardBounce', 'BadEmailAddress', 'ManuallyDeactivated']) assert.equal(kind(type), 'hard', type);
  for (const type of ['SoftBounce', 'Transient', 'DnsError', 'Blocked', 'DMARCPolicy', 'Unknown', 'SomethingNew']) {
    assert.equal(kind(type), 'soft', type);
  }
  assert.equal(kind('Blocked', { Inactive: true }), 'hard');
  assert.equal(kind('SpamComplaint', { RecordType: 'SpamComplaint', Inactive: true }), 'complaint');
  for (const type of ['AutoResponder', 'Subscribe', 'AddressChange']) assert.equal(kind(type), undefined, type);
  assert.deepEqual(hooked(genuine, { RecordType: 'Delivery', Recipient: 'a@x.example' }), []);
});

test('a bounce carries our own id where it came back, else the provider\'s', () => {
  const told = { RecordType: 'Bounce', ...bounced(7, 0, { Details: 'smtp;550\n 5.1.1 unknown' }) };
  assert.deepEqual(hooked(genuine, { ...told, Metadata: { 'Remitd-Message-ID': 'm-1@firm.example' } }), [{
    messageId: 'm-1@firm.example',
    address: 'payer7@example.com',
    kind: 'hard',
    reason: 'HardBounce: The server was unable to deliver your message.: smtp;550 5.1.1 unknown',
  }]);
  assert.equal(hooked(genuine, { ...told, Details: 'x'.repeat(9_000) })[0].reason.length, 1_000);
  assert.equal(hooked(genuine, told)[0].messageId, 'p-7');
});

test('a webhook without the password is forged', () => {
  const told = { RecordType: 'Bounce', ...bounced(1, 0) };
  const forgeries = [
    [],
    [{ name: 'Authorization', value: `Bearer ${password()}` }],
    [{ name: 'Authorization', value: 'Basic !!!' }],
    [{ name: 'Authorization', value: basic('no-colon') }],
    [{ name: 'Authorization', value: basic(`remitd:${password('other')}`) }],
    [{ name: 'Authorization', value: basic(`remitd:${password().slice(2)}`) }],
    [genuine[0], { name: 'AUTHORIZATION', value: basic('x:y') }],
  ];
  for (const headers of forgeries) assert.equal(code(() => hooked(headers, told)), 'invalid bad-signature');
  assert.equal(hooked([{ name: 'AUTHORIZATION', value: basic(`any:${password().toUpperCase()}`) }], told).length, 1);
});

test('the password may come in a header of its own, and no secret means no webhooks', () => {
  host.settings['webhook-header'] = 'X-Remitd-Webhook';
  assert.equal(hooked([{ name: 'x-remitd-webhook', value: password() }], { RecordType: 'Open' }).length, 0);
  assert.equal(code(() => hooked(genuine, { RecordType: 'Open' })), 'invalid bad-signature');
  delete host.settings['webhook-secret'];
  assert.equal(code(() => hooked(genuine, { RecordType: 'Open' })), 'invalid not-supported');
});

test('a body that is not JSON is refused only after the password', () => {
  assert.equal(code(() => hooked([], 'x')), 'invalid bad-signature');
  for (const text of ['', 'x', '[]', '7']) assert.equal(code(() => hooked(genuine, text)), 'invalid bad-body', text);
});
