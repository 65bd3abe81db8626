// One request to the provider and what its answer means. Never sees the token: the daemon puts it in.

import { denied, header, invalid, unavailable, unknownOutcome } from 'remitd-plugin-sdk';
import { send } from 'remitd:plugin/http@1.0.0';

const TOKEN_HEADER = 'X-Postmark-Server-Token';
const TIMEOUT_MOST_MS = 20_000;
/** With less time left a message is not begun: an answer that comes too late is a mail that nobody is sure of. */
const TIMEOUT_LEAST_MS = 1_000;
const RETRY_AFTER_MOST_S = 86_400;
const WORDS_MOST_CHARACTERS = 300;

/**
 * The provider's codes that say more than the status 422 does. Those of the account hold up every message alike: the operator
 * mends them, and the messages then go out.
 */
const CODES = new Map([
  [10, [denied, 'token-refused']],
  [100, [unavailable, 'maintenance']],
  [400, [denied, 'sender-unknown']],
  [401, [denied, 'sender-unconfirmed']],
  [405, [denied, 'account-may-not-send']],
  [406, [invalid, 'recipient-inactive']],
  [412, [denied, 'account-pending']],
  [413, [denied, 'account-may-not-send']],
  [429, [unavailable, 'too-many-requests']],
]);

export class Provider {
  constructor(settings, context) {
    this.origin = settings.api.replace(/\/$/, '');
    this.secretHeaders = [{ name: settings.header ?? TOKEN_HEADER, prefix: '', secret: settings['token-secret'] }];
    this.tokenSecret = settings['token-secret'];
    this.deadlineMs = Number(context.deadlineMs);
  }

  get(path) {
    return this.#ask('GET', path, [], new Uint8Array());
  }

  post(path, value) {
    const headers = [{ name: 'Content-Type', value: 'application/json; charset=utf-8' }];
    return this.#ask('POST', path, headers, new TextEncoder().encode(JSON.stringify(value)));
  }

  #ask(method, path, headers, body) {
    const leftMs = this.deadlineMs - Date.now();
    if (leftMs < TIMEOUT_LEAST_MS) throw unavailable('no-time-left', 'there was no time left to ask the provider');
    // The host's own failures pass through: it knows whether anything was sent.
    const answer = send({
      method,
      url: this.origin + path,
      headers: [{ name: 'Accept', value: 'application/json' }, ...headers],
      secretHeaders: this.secretHeaders,
      body,
      timeoutMs: Math.min(TIMEOUT_MOST_MS, leftMs),
    });
    return this.#read(answer, method === 'GET');
  }

  #read(answer, reads) {
    const text = new TextDecoder().decode(answer.body);
    const value = object(text);
    const taken = answer.status >= 200 && answer.status < 300;
    if (taken && value && (value.ErrorCode ?? 0) === 0 && (reads || typeof value.MessageID === 'string')) return value;
    const words = `${answer.status}: ${value?.Message ?? text}`.replace(/\s+/g, ' ').slice(0, WORDS_MOST_CHARACTERS);
    if (taken && !value?.ErrorCode) {
      const [failure, end] = reads ? [unavailable, 'is asked again'] : [unknownOutcome, 'may have taken the message'];
      throw failure('answer-unreadable', `the provider answered well, but not as expected, and ${end}: ${words}`);
    }
    throw this.#refused(answer, value, words, reads);
  }

  /** The one table of failures. */
  #refused({ status, headers }, value, words, reads) {
    const later = (code) => unavailable(code, `the provider cannot answer now: ${words}`, retryAfterS(headers));
    if (status === 401 || status === 403) {
      const mend = `look at the token in the secret "${this.tokenSecret}"`;
      return denied('token-refused', `the provider refused the token (${mend}): ${words}`);
    }
    if (status === 408 || status === 429) return later(status === 429 ? 'too-many-requests' : 'timeout');
    // Said after the work may have been done, or by a proxy in front: what became of the message is not known. A provider that
    // says when to come back has not begun.
    const busy = status === 503 && retryAfterS(headers) !== undefined;
    const unsure = status >= 500 && status !== 501 && !busy;
    if (unsure && !reads) return unknownOutcome('answer-lost', `the provider may have taken the message: ${words}`);
    if (status >= 500) return later('provider-fails');
    if (status === 404 || status === 405 || (status >= 300 && status < 400)) {
      return denied('not-the-api', `there is no such API at ${this.origin} (look at the setting \`api\`): ${words}`);
    }
    if (status === 413) return invalid('too-large', `the message is too large for the provider: ${words}`);
    const [failure, code] = CODES.get(value?.ErrorCode) ?? [invalid, 'refused'];
    return failure(code, `the provider refused: ${words}`, failure === unavailable ? retryAfterS(headers) : undefined);
  }
}

/** The JSON object in a text; none where it is anything else. */
export function object(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterS(headers) {
  const text = header(headers, 'Retry-After')?.trim();
  if (!text) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1_000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.min(RETRY_AFTER_MOST_S, seconds));
}
