// A plugin that tells what time and chance look like from inside. Built and run by the tests only.

import { clock, guarded, invalid, random } from 'remitd-plugin-sdk';

const readings = () => ({
  'Date.now': Date.now(),
  'new Date': new Date().getTime(),
  'Date()': Date.parse(Date()),
  'performance.now': performance.now(),
  'clock.nowMs': clock.nowMs(),
  today: clock.today(),
  'fixed date': new Date(2_000).getTime(),
  'is a Date': new Date() instanceof Date && new Date().constructor === Date,
  'Math.random': Math.random(),
  getRandomValues: Array.from(crypto.getRandomValues(new Uint8Array(16))).join(),
  randomUUID: crypto.randomUUID(),
  'random.bytes': random.bytes(2_000).length,
});

const words = (call) => {
  try {
    return call();
  } catch (error) {
    return error.message;
  }
};

export const mailProvider = {
  describe: () => ({ name: 'probe', version: '0', settingsSchema: JSON.stringify(readings()) }),
  repeatsSafely: () => false,
  ...guarded({
    send(_context, { subject }) {
      console.log('sent', { subject });
      if (subject === 'typed') throw invalid('typed', 'a typed failure');
      if (subject === 'bug') null.missing();
      return { providerRef: words(() => setTimeout(() => {}, 1)) };
    },
    bouncesSince: () => ({ bounces: [], next: words(() => fetch('https://mail.example')) }),
    readWebhook: () => [],
  }),
};
