// What the provider tells of bounces. Its list begins with the newest and is read by offset, so that what comes in meanwhile
// pushes the rest further down: a walk goes from the newest back to where the last one began, a page a call, and then that
// newest is the new mark. Pushed down, a bounce is seen twice; none is missed.

import { invalid, log } from 'remitd-plugin-sdk';
import { OUR_ID } from './message.js';

const PAGE = 100;
/** The provider's limit of offset and count together. */
const REACH = 10_000;
const REASON_MOST_CHARACTERS = 1_000;

/** `mark` at rest, `mark/top/offset` in the middle of a walk; a place is `milliseconds:id`. */
const CURSOR = /^(\d+:\d+)(?:\/(\d+:\d+)\/(\d+))?$/;
const NOTHING_YET = '0:0';

/** Every bounce of the provider is one of these, or no bounce at all. */
const KINDS = new Map([
  ['HardBounce', 'hard'],
  ['BadEmailAddress', 'hard'],
  ['ManuallyDeactivated', 'hard'],
  ['SpamComplaint', 'complaint'],
  ['Unsubscribe', 'complaint'],
]);
const NO_BOUNCES = new Set([
  'AddressChange',
  'AutoResponder',
  'ChallengeVerification',
  'InboundError',
  'OpenRelayTest',
  'Subscribe',
  'Unconfirmed',
]);

/** One bounce from a list or a webhook; none where it tells of something else. */
export function bounce(one) {
  if (typeof one?.Type !== 'string' || typeof one.Email !== 'string' || NO_BOUNCES.has(one.Type)) return undefined;
  // What the provider no longer delivers to is as good as gone, whatever it was that led there.
  const kind = KINDS.get(one.Type) ?? (one.Inactive === true ? 'hard' : 'soft');
  const words = [one.Type, one.Description, one.Details].filter((part) => typeof part === 'string' && part);
  const reason = words.join(': ').replace(/\s+/g, ' ').slice(0, REASON_MOST_CHARACTERS);
  return { messageId: messageId(one), address: one.Email, kind, reason };
}

/** Ours where it came back, else the provider's, which `send` gave as its reference. */
function messageId(one) {
  const ours = Object.entries(one.Metadata ?? {}).find(([name]) => name.toLowerCase() === OUR_ID)?.[1];
  return String(ours ?? one.MessageID ?? '');
}

export function bouncesSince(provider, stream, cursor) {
  const walk = read(cursor ?? NOTHING_YET);
  const query = `count=${PAGE}&offset=${walk.offset}${stream ? `&messagestream=${encodeURIComponent(stream)}` : ''}`;
  const { Bounces: listed } = provider.get(`/bounces?${query}`);
  if (!Array.isArray(listed)) throw invalid('bad-answer', 'the answer to /bounces has no list `Bounces`');

  const fresh = listed.filter((one) => compare(place(one), walk.mark) > 0);
  const top = walk.top ?? listed.map(place).reduce(later, walk.mark);
  const offset = walk.offset + listed.length;
  const goesOn = listed.length === PAGE && fresh.length === PAGE;
  const reached = offset + PAGE > REACH;
  if (goesOn && reached) log.warn(`the provider lists no more than ${REACH} bounces: older ones are left out`);
  const next = goesOn && !reached ? `${walk.mark}/${top}/${offset}` : top;
  return { bounces: fresh.map(bounce).filter(Boolean), next };
}

function read(cursor) {
  const [, mark, top, offset] = CURSOR.exec(cursor) ?? [];
  if (!mark) throw invalid('bad-cursor', `${JSON.stringify(cursor.slice(0, 100))} is no cursor of this plugin`);
  return { mark, top, offset: Number(offset ?? 0) };
}

function place(one) {
  const atMs = Date.parse(one?.BouncedAt);
  if (Number.isNaN(atMs) || !Number.isSafeInteger(one.ID)) {
    throw invalid('bad-answer', 'a bounce in the answer to /bounces has no `ID` or no `BouncedAt`');
  }
  return `${Math.max(0, atMs)}:${one.ID}`;
}

/** By time; of two at the same millisecond the one with the higher id is the later. */
function compare(one, other) {
  const [[oneMs, oneId], [otherMs, otherId]] = [one.split(':').map(Number), other.split(':').map(Number)];
  return oneMs - otherMs || oneId - otherId;
}

const later = (one, other) => (compare(one, other) > 0 ? one : other);
