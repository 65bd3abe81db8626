// `node --import remitd-plugin-sdk/register --test`: what a plugin imports from the daemon comes from `mock.js`.

import { register } from 'node:module';
import './mock.js';

const hooks = `
  const CONTRACT = /^remitd:plugin\\/([a-z]+)@/;
  const NAMES = ${JSON.stringify(
    Object.fromEntries(
      Object.entries(globalThis[Symbol.for('remitd.mock')]).map(([service, calls]) => [service, Object.keys(calls)]),
    ),
  )};
  export function resolve(specifier, context, next) {
    const service = CONTRACT.exec(specifier)?.[1];
    if (!service) return next(specifier, context);
    const names = NAMES[service];
    if (!names) throw new Error('the mock has no service ' + service);
    const from = 'globalThis[Symbol.for("remitd.mock")].' + service;
    const source = names.map((name) => 'export const ' + name + ' = ' + from + '.' + name + ';').join('');
    return { url: 'data:text/javascript,' + encodeURIComponent(source), shortCircuit: true };
  }
`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
