// What a plugin in JavaScript imports first. Owns the globals that would lie inside the sandbox, and the words for failures.
//
// A component starts from a picture of the engine's memory, taken while it was built. The engine's own clock stands still in that
// picture and its random numbers come again in each fresh instance, both without a word. So `Date`, `performance.now`,
// `Math.random` and `crypto` are routed to the daemon here, and what cannot work (timers, `fetch`) says so instead of trapping.
// Modules run once, while the component is built: none of these may be asked at a module's top level, and the build stops there.

import { write } from 'remitd:plugin/log@1.0.0';
import { nowMs, today as firmsToday } from 'remitd:plugin/clock@1.0.0';
import { bytes as hostBytes } from 'remitd:plugin/random@1.0.0';
import { json } from 'remitd:plugin/settings@1.0.0';

/** What the host gives in one call. */
const RANDOM_MOST_BYTES = 1024;
/** What the Web's `getRandomValues` gives in one call. */
const GET_RANDOM_VALUES_MOST_BYTES = 65_536;
const LINE_MOST_CHARACTERS = 2_000;

/** A failure of the contract, to be thrown. `class` says what the daemon does next. */
export class Failure extends Error {
  constructor(failureClass, code, message, retryAfterS) {
    super(message);
    this.name = 'Failure';
    // This is the property that the component's bindings hand over.
    this.payload = { class: failureClass, code, message, retryAfterS };
  }
}

/** The input is wrong: never tried again as it is. */
export const invalid = (code, message) => new Failure('invalid', code, message);
/** A grant or a right is missing: waits for the operator. */
export const denied = (code, message) => new Failure('denied', code, message);
/** It may pass: tried again, not before `retryAfterS` seconds where that is given. */
export const unavailable = (code, message, retryAfterS) => new Failure('unavailable', code, message, retryAfterS);
/** It may have happened: never repeated blindly. */
export const unknownOutcome = (code, message) => new Failure('unknown-outcome', code, message);
/** The plugin itself is wrong. */
export const bug = (code, message) => new Failure('bug', code, message);
/** For what this plugin's kind may do and this plugin cannot. */
export const notSupported = (what) => invalid('not-supported', `this plugin cannot ${what}`);

/** The instance's own settings; the daemon has checked them against the plugin's schema. */
export const settings = () => JSON.parse(json());

const line = (level, message) => write(level, String(message).slice(0, LINE_MOST_CHARACTERS));

/** Lines in the daemon's log; at most 200 of 2,000 bytes a call. */
export const log = {
  debug: (message) => line('debug', message),
  info: (message) => line('info', message),
  warn: (message) => line('warn', message),
  error: (message) => line('error', message),
};

export const clock = {
  /** Unix time in milliseconds. */
  nowMs: () => Number(nowMs()),
  /** Today in the firm's time zone. `Date` itself knows no zone here but UTC. */
  today() {
    const [year, month, day] = firmsToday();
    return { year, month, day };
  },
};

export const random = {
  /** So many bytes from the system's secure generator. */
  bytes(length) {
    const all = new Uint8Array(length);
    for (let at = 0; at < length; at += RANDOM_MOST_BYTES) {
      all.set(hostBytes(Math.min(RANDOM_MOST_BYTES, length - at)), at);
    }
    return all;
  },
};

/**
 * Wraps an export of the component. What is thrown and is neither a failure nor the host's own would end as a trap without words:
 * it goes to the log with its stack, and to the daemon as a `bug`.
 */
export function guarded(functions) {
  const guard = (call) => (...args) => {
    try {
      return call(...args);
    } catch (error) {
      if (typeof error?.payload?.class === 'string') throw error;
      log.error(`${error}\n${error?.stack ?? ''}`);
      throw bug('uncaught', `the plugin failed: ${error}`);
    }
  };
  return Object.fromEntries(Object.entries(functions).map(([name, call]) => [name, guard(call)]));
}

/** The value of a header, whatever the case of its name; `undefined` where it is missing or not alone. */
export function header(headers, name) {
  const found = headers.filter((one) => one.name.toLowerCase() === name.toLowerCase());
  return found.length === 1 ? found[0].value : undefined;
}

/** Also where the engine says that it cannot be assigned. */
const replace = (object, name, value) => Object.defineProperty(object, name, { value, configurable: true, writable: true });

function liveDate() {
  const Frozen = Date;
  Frozen.now = clock.nowMs;
  const Live = new Proxy(Frozen, {
    construct: (target, args, asked) =>
      Reflect.construct(target, args.length ? args : [clock.nowMs()], asked === Live ? target : asked),
    apply: () => new Frozen(clock.nowMs()).toString(),
  });
  Frozen.prototype.constructor = Live;
  globalThis.Date = Live;
}

function liveRandom() {
  /** 53 bits, as many as a number holds. */
  Math.random = () => {
    const view = new DataView(random.bytes(8).buffer);
    return Number(view.getBigUint64(0) >> 11n) / 2 ** 53;
  };
  const source = {
    getRandomValues(array) {
      if (array.byteLength > GET_RANDOM_VALUES_MOST_BYTES) {
        throw new RangeError(`getRandomValues gives at most ${GET_RANDOM_VALUES_MOST_BYTES} bytes at once`);
      }
      const bytes = random.bytes(array.byteLength);
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes);
      return array;
    },
    randomUUID() {
      const bytes = random.bytes(16);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    },
  };
  globalThis.crypto ??= {};
  for (const [name, value] of Object.entries(source)) {
    replace(globalThis.crypto, name, value);
  }
}

function liveConsole() {
  const words = (value) => {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : String(value);
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const at = (level) => (...values) => line(level, values.map(words).join(' '));
  const levels = { debug: 'debug', trace: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' };
  globalThis.console = Object.fromEntries(Object.entries(levels).map(([name, level]) => [name, at(level)]));
}

/** What needs an event loop or a socket: said, where the engine would trap. */
function refuse(name, instead) {
  globalThis[name] = () => {
    throw bug('not-in-the-sandbox', `${name} does not work inside a plugin: ${instead}`);
  };
}

liveDate();
liveRandom();
liveConsole();
replace(globalThis, 'performance', { now: clock.nowMs });
for (const name of ['setTimeout', 'setInterval']) refuse(name, 'a call runs to its end, and the daemon calls again');
refuse('fetch', 'use send of remitd:plugin/http');
