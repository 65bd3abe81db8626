// Whether a webhook comes from the provider, and what it says. The provider signs nothing: it sends a password with each
// webhook, by HTTP Basic authentication or in a header. The plugin may not see the secret, so the password is made from it:
// HMAC-SHA-256 of PASSWORD_OF under the secret, in hex, which the daemon checks in constant time. It shows who sends, not
// that the body is whole: that is left to TLS.

import { header, invalid } from 'remitd-plugin-sdk';
import { verifyHmacSha256 } from 'remitd:plugin/signature@1.0.0';
import { bounce } from './bounces.js';
import { object } from './provider.js';

export const PASSWORD_OF = 'remitd mail-api webhook';

export function checkWebhook(webhook, secret, headerName) {
  const password = headerName ? header(webhook.headers, headerName)?.trim() : basicPassword(webhook.headers);
  if (!password) throw forged(headerName ? `it has no header ${headerName}` : 'it has no HTTP Basic authentication');
  if (!/^[0-9a-f]{64}$/i.test(password)) throw forged('its password is not 64 hex digits');
  const mac = Uint8Array.from(password.match(/../g), (pair) => Number.parseInt(pair, 16));
  if (!verifyHmacSha256(secret, new TextEncoder().encode(PASSWORD_OF), mac)) throw forged('its password does not fit');
}

/** The bounces in a webhook's body; none where it tells of a delivery, a click or the like. */
export function bouncesOf(body) {
  const told = object(new TextDecoder().decode(body));
  if (!told) throw invalid('bad-body', 'the webhook is not a JSON object');
  if (told.RecordType !== 'Bounce' && told.RecordType !== 'SpamComplaint') return [];
  return [bounce(told)].filter(Boolean);
}

function basicPassword(headers) {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(header(headers, 'Authorization')?.trim() ?? '')?.[1];
  if (!encoded) return undefined;
  try {
    const credentials = atob(encoded);
    return credentials.slice(credentials.indexOf(':') + 1);
  } catch {
    return undefined;
  }
}

const forged = (why) => invalid('bad-signature', `this webhook is not from the mail provider: ${why}`);
