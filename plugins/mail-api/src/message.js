// A message as the provider takes it. The wire form is not used: the provider makes its own.

import { invalid } from 'remitd-plugin-sdk';

/** Comes back with a bounce, which otherwise knows only the provider's own id. */
export const OUR_ID = 'remitd-message-id';
/** The provider's limit of a metadata value. */
const METADATA_MOST_CHARACTERS = 80;
/** Of a wrong address: enough to know it by. */
const SHOWN_CHARACTERS = 100;

export function posted(message, stream) {
  const fits = message.messageId.length <= METADATA_MOST_CHARACTERS;
  return {
    From: mailbox(message.sender),
    To: mailbox(message.recipient),
    ReplyTo: message.replyTo ? mailbox(message.replyTo) : undefined,
    Subject: message.subject,
    TextBody: message.text || undefined,
    HtmlBody: message.html || undefined,
    MessageStream: stream,
    Metadata: fits ? { [OUR_ID]: message.messageId } : undefined,
    // A payer's link is the firm's own: it is neither rewritten nor watched.
    TrackOpens: false,
    TrackLinks: 'None',
    Headers: [
      ...message.headers.map(({ name, value }) => ({ Name: name, Value: value })),
      { Name: 'Message-ID', Value: `<${message.messageId}>` },
      // Without it the provider puts an id of its own in place of ours.
      { Name: 'X-PM-KeepID', Value: 'true' },
    ],
  };
}

/** The engine knows no Unicode classes such as `\p{Cc}`. */
const CONTROL = '\\s\\x00-\\x1f\\x7f-\\x9f';
const ADDRESS = new RegExp(`^[^${CONTROL},;:<>()[\\]"\\\\@]+@[^${CONTROL},;:<>()"\\\\@]+$`);
const BLANKS = new RegExp(`[${CONTROL}]+`, 'g');

/** The provider reads lists where an address stands: what could be one is refused. */
function mailbox({ name, address }) {
  if (!ADDRESS.test(address)) {
    throw invalid('bad-address', `${JSON.stringify(address.slice(0, SHOWN_CHARACTERS))} is not an address that the provider takes`);
  }
  const plain = name.replace(BLANKS, ' ').trim();
  return plain ? `"${plain.replace(/["\\]/g, '\\$&')}" <${address}>` : address;
}
