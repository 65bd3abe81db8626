// A mail provider behind a JSON API in the style of Postmark. Owns what the component exports, and keeps nothing between calls.

// First: it makes `Date` and the random numbers live.
import { guarded, invalid, notSupported, settings } from 'remitd-plugin-sdk';
import schema from '../settings.schema.json' with { type: 'json' };
import { version } from './version.js';
import { bouncesSince } from './bounces.js';
import { posted } from './message.js';
import { Provider } from './provider.js';
import { checkWebhook, bouncesOf } from './webhook.js';

export const mailProvider = {
  describe: () => ({ name: 'Mail API', version, settingsSchema: JSON.stringify(schema) }),

  /** The API has no idempotency key: the same message posted twice is two mails. */
  repeatsSafely: () => false,

  ...guarded({
    send(context, message) {
      const own = checked();
      const answer = new Provider(own, context).post('/email', posted(message, own.stream));
      return { providerRef: answer.MessageID };
    },

    bouncesSince(context, cursor) {
      const own = checked();
      return bouncesSince(new Provider(own, context), own.stream, cursor);
    },

    readWebhook(_context, webhook) {
      const own = checked();
      if (!own['webhook-secret']) throw notSupported('read webhooks: its setting `webhook-secret` is not set');
      checkWebhook(webhook, own['webhook-secret'], own['webhook-header']);
      return bouncesOf(webhook.body);
    },
  }),
};

/** The daemon holds settings against their schema; what reaches the plugin in another way is refused by name all the same. */
function checked() {
  const own = settings();
  for (const [name, { type }] of Object.entries(schema.properties)) {
    const missing = own[name] === undefined;
    if (missing ? schema.required.includes(name) : typeof own[name] !== type) {
      throw invalid('settings', `the setting \`${name}\` ${missing ? 'is missing' : `is no ${type}`}`);
    }
  }
  return own;
}
