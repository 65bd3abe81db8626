// The daemon's services for `node --test`, answered by the test's functions. A service that the test did not set answers
// `denied`, as the daemon does where a grant is missing. Never part of a component.

/** What an import gives as its error, in the form that the component's bindings throw. */
export function fail(failureClass, code, message = code, retryAfterS = undefined) {
  throw Object.assign(new Error(message), { payload: { class: failureClass, code, message, retryAfterS } });
}

const unset = (service) => () => fail('denied', 'grant-missing', `the test has set no answer for ${service}`);

/** One object for all tests of a file; `reset` it before each. Times are Unix milliseconds, the firm's zone is UTC. */
export const host = {
  reset(settings = {}) {
    Object.assign(host, {
      settings,
      nowMs: 0,
      /** `level: message`, in order. */
      lines: [],
      randomBytes: (length) => new Uint8Array(length).fill(7),
      sql: { query: unset('sql.query'), transact: unset('sql.transact') },
      http: { send: unset('http.send') },
      signature: { verifyHmacSha256: unset('signature.verify-hmac-sha256') },
      smtp: { send: unset('smtp.send') },
      maildir: { put: unset('maildir.put') },
      state: { get: unset('state.get'), scan: unset('state.scan'), apply: unset('state.apply') },
    });
  },
};

host.reset();

// `register.js` resolves the imports of a plugin to these.
globalThis[Symbol.for('remitd.mock')] = {
  log: { write: (level, message) => host.lines.push(`${level}: ${message}`) },
  clock: {
    nowMs: () => BigInt(host.nowMs),
    today() {
      const days = new Date(host.nowMs).toISOString().slice(0, 10);
      return days.split('-').map(Number);
    },
  },
  random: { bytes: (length) => host.randomBytes(length) },
  settings: { json: () => JSON.stringify(host.settings) },
  sql: { query: (...args) => host.sql.query(...args), transact: (...args) => host.sql.transact(...args) },
  http: { send: (request) => host.http.send(request) },
  signature: { verifyHmacSha256: (...args) => host.signature.verifyHmacSha256(...args) },
  smtp: { send: (...args) => host.smtp.send(...args) },
  maildir: { put: (...args) => host.maildir.put(...args) },
  state: {
    get: (key) => host.state.get(key),
    scan: (...args) => host.state.scan(...args),
    apply: (changes) => host.state.apply(changes),
  },
};
