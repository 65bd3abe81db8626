// A mail provider behind a JSON API in the style of Postmark. Owns what the component exports, and keeps nothing between calls.

// First: it makes `Date` and the random numbers live.
import { guarded, notSupported, settings } from 'remitd-plugin-sdk';
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
      const own = settings();
      const answer = new Provider(own, context).post('/email', posted(message, own.stream));
      return { providerRef: answer.MessageID };
    },

    bouncesSince(context, cursor) {
      const own = settings();
      return bouncesSince(new Provider(own, context), own.stream, cursor);
    },

    readWebhook(_context, webhook) {
      const own = settings();
      if (!own['webhook-secret']) throw notSupported('read webhooks: its setting `webhook-secret` is not set');
      checkWebhook(webhook, own['webhook-secret'], own['webhook-header']);
      return bouncesOf(webhook.body);
    },
  }),
};
