// Sending, and what the provider's answers mean.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { fail, host } from 'remitd-plugin-sdk/mock';
import { mailProvider } from '../src/main.js';

const NOW_MS = Date.UTC(2026, 0, 5, 12, 0, 0);
const settings = { api: 'https://mail.example/', 'token-secret': 'mail-token' };
const context = (leftMs = 60_000) => ({ job: 'j', idempotencyKey: 'k', deadlineMs: BigInt(NOW_MS + leftMs) });
const message = (changes = {}) => ({
  messageId: 'remitd.1.abc@firm.example',
  sender: { name: 'Roe & Partners, "LLP"', address: 'billing@firm.example' },
  recipient: { name: 'Zoë\r\nBcc: all@example.com', address: 'zoe@example.com' },
  replyTo: { name: '', address: 'partner@firm.example' },
  subject: 'Your invoice 00042',
  text: 'Please pay.',
  html: '<p>Please pay.</p>',
  headers: [{ name: 'Auto-Submitted', value: 'auto-generated' }],
  wire: new Uint8Array(),
  ...changes,
});
const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const accepted = { status: 200, headers: [], body: json({ ErrorCode: 0, Message: 'OK', MessageID: 'p-1' }) };

function answered(answer) {
  const requests = [];
  host.http.send = (request) => {
    requests.push(request);
    return answer;
  };
  return requests;
}

function failureOf(call) {
  try {
    call();
  } catch (error) {
    return error.payload;
  }
  throw new assert.AssertionError({ message: 'it should have failed' });
}

const sent = (changes, left) => mailProvider.send(context(left), message(changes));

beforeEach(() => {
  host.reset(settings);
  host.nowMs = NOW_MS;
});

test('a message is posted whole, with the token named and not seen', () => {
  const requests = answered(accepted);
  assert.deepEqual(sent(), { providerRef: 'p-1' });
  const [request] = requests;
  assert.equal(`${request.method} ${request.url}`, 'POST https://mail.example/email');
  assert.deepEqual(request.secretHeaders, [{ name: 'X-Postmark-Server-Token', prefix: '', secret: 'mail-token' }]);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(request.body)), {
    From: '"Roe & Partners, \\"LLP\\"" <billing@firm.example>',
    To: '"Zoë Bcc: all@example.com" <zoe@example.com>',
    ReplyTo: 'partner@firm.example',
    Subject: 'Your invoice 00042',
    TextBody: 'Please pay.',
    HtmlBody: '<p>Please pay.</p>',
    Metadata: { 'remitd-message-id': 'remitd.1.abc@firm.example' },
    TrackOpens: false,
    TrackLinks: 'None',
    Headers: [
      { Name: 'Auto-Submitted', Value: 'auto-generated' },
      { Name: 'Message-ID', Value: '<remitd.1.abc@firm.example>' },
      { Name: 'X-PM-KeepID', Value: 'true' },
    ],
  });
});

test('header and stream are settings; an empty part is left out; a long id does not go into the metadata', () => {
  Object.assign(host.settings, { header: 'X-Api-Key', stream: 'invoices' });
  const requests = answered(accepted);
  sent({ html: '', replyTo: undefined, messageId: `${'a'.repeat(80)}@firm.example` });
  const body = JSON.parse(new TextDecoder().decode(requests[0].body));
  assert.equal(requests[0].secretHeaders[0].name, 'X-Api-Key');
  assert.equal(body.MessageStream, 'invoices');
  for (const absent of ['HtmlBody', 'ReplyTo', 'Metadata']) assert.ok(!(absent in body), absent);
});

test('a large message goes out as it is', () => {
  const requests = answered(accepted);
  sent({ html: 'ü'.repeat(1_500_000) });
  assert.ok(requests[0].body.length > 3_000_000);
});

test('an address that could be a list is refused before anything is sent', () => {
  const requests = answered(accepted);
  for (const address of ['a@x.example,b@y.example', 'a@x.example;b@y.example', 'A <a@x.example>', 'a@x\r\n', 'nobody', '']) {
    const failure = failureOf(() => sent({ recipient: { name: '', address } }));
    assert.deepEqual([failure.class, failure.code], ['invalid', 'bad-address'], address);
  }
  assert.equal(requests.length, 0);
});

test('each refusal has its class, its code, and the words of the provider', () => {
  const body = (ErrorCode) => json({ ErrorCode, Message: 'their words' });
  const cases = [
    [401, body(10), 'denied', 'token-refused'],
    [403, json({ Message: 'their words' }), 'denied', 'token-refused'],
    [422, body(300), 'invalid', 'refused'],
    [422, body(406), 'invalid', 'recipient-inactive'],
    [422, body(400), 'denied', 'sender-unknown'],
    [422, body(401), 'denied', 'sender-unconfirmed'],
    [422, body(405), 'denied', 'account-may-not-send'],
    [422, body(100), 'unavailable', 'maintenance'],
    [200, body(406), 'invalid', 'recipient-inactive'],
    [400, new TextEncoder().encode('<p>their words</p>'), 'invalid', 'refused'],
    [404, body(0), 'denied', 'not-the-api'],
    [307, body(0), 'denied', 'not-the-api'],
    [413, body(0), 'invalid', 'too-large'],
    [429, body(429), 'unavailable', 'too-many-requests'],
    [500, body(0), 'unknown-outcome', 'answer-lost'],
    [503, body(0), 'unknown-outcome', 'answer-lost'],
    [502, body(0), 'unknown-outcome', 'answer-lost'],
    [504, body(0), 'unknown-outcome', 'answer-lost'],
  ];
  for (const [status, bytes, failureClass, code] of cases) {
    answered({ status, headers: [], body: bytes });
    const failure = failureOf(() => sent());
    assert.deepEqual([failure.class, failure.code], [failureClass, code], `${status}`);
    assert.match(failure.message, new RegExp(`${status}.*their words`));
  }
});

test('a provider that says when to come back has not begun', () => {
  answered({ status: 503, headers: [{ name: 'Retry-After', value: '30' }], body: json({ Message: 'busy' }) });
  const failure = failureOf(() => sent());
  assert.deepEqual([failure.class, failure.code, failure.retryAfterS], ['unavailable', 'provider-fails', 30]);
});

test('Retry-After is heard in seconds and as a date, in any case, and within a day', () => {
  const after = (name, value) => {
    answered({ status: 429, headers: [{ name, value }], body: new Uint8Array() });
    return failureOf(() => sent()).retryAfterS;
  };
  assert.equal(after('retry-after', '120'), 120);
  assert.equal(after('RETRY-AFTER', ' 7 '), 7);
  assert.equal(after('Retry-After', new Date(NOW_MS + 90_000).toUTCString()), 90);
  assert.equal(after('Retry-After', new Date(NOW_MS - 90_000).toUTCString()), 0);
  assert.equal(after('Retry-After', '99999999999'), 86_400);
  assert.equal(after('Retry-After', 'soon'), undefined);
  assert.equal(after('X-Other', '5'), undefined);
});

test('a good status with an answer that cannot be read may have been a mail', () => {
  for (const text of ['', '<html>', '[]', 'null', '{"ErrorCode":0}', '{"MessageID":7}']) {
    answered({ status: 200, headers: [], body: new TextEncoder().encode(text) });
    const failure = failureOf(() => sent());
    assert.deepEqual([failure.class, failure.code], ['unknown-outcome', 'answer-unreadable'], text);
  }
});

test('what the host says of a lost answer or a missing grant passes through', () => {
  const failures = [['unknown-outcome', 'answer-lost'], ['denied', 'grant-missing'], ['unavailable', 'connect']];
  for (const [failureClass, code] of failures) {
    host.http.send = () => fail(failureClass, code, 'the host says', 9);
    assert.deepEqual(failureOf(() => sent()), { class: failureClass, code, message: 'the host says', retryAfterS: 9 });
  }
});

test('the time that is left is the time that is asked for, and none is no mail', () => {
  const requests = answered(accepted);
  sent({}, 5_000);
  sent({}, 600_000);
  assert.deepEqual(requests.map(({ timeoutMs }) => timeoutMs), [5_000, 20_000]);
  assert.deepEqual([failureOf(() => sent({}, 999)).code, requests.length], ['no-time-left', 2]);
});

test('a fault of the plugin is a bug with words, in the log too', () => {
  answered(undefined);
  assert.deepEqual([failureOf(() => sent()).class, host.lines.length], ['bug', 1]);
  assert.match(host.lines[0], /^error: TypeError/);
});

test('it says what it is, and that a repeat is a second mail', async () => {
  const text = (name) => readFile(new URL(`../${name}`, import.meta.url), 'utf8');
  const about = mailProvider.describe();
  assert.equal(about.version, JSON.parse(await text('package.json')).version);
  assert.match(await text('../../Cargo.toml'), new RegExp(`\\[workspace.package\\]\\s+version = "${about.version}"`));
  assert.deepEqual(JSON.parse(about.settingsSchema), JSON.parse(await text('settings.schema.json')));
  assert.equal(mailProvider.repeatsSafely(), false);
});
