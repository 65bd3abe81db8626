// Builds components and runs them here, each instance fresh, against the mock of the daemon: what `node --test` on the sources
// cannot see, which is the engine's own clock and chance.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentize } from '@bytecodealliance/componentize-js';
import { componentWit, transpile } from '@bytecodealliance/jco';
import { build as bundle } from 'esbuild';
import { build } from 'remitd-plugin-sdk/build';

/** Gives the component's imports as WIT, and a function that makes a fresh instance. */
export async function built(entry) {
  const folder = await mkdtemp(join(tmpdir(), 'remitd-component-'));
  try {
    const out = join(folder, 'plugin.wasm');
    await build({ componentize, bundle, entry, world: 'mail-provider-plugin', out });
    const component = await readFile(out);
    const { files } = await transpile(component, { name: 'plugin', instantiation: 'async', noTypescript: true });
    const script = join(folder, 'plugin.mjs');
    await writeFile(script, files['plugin.js']);
    const { instantiate } = await import(script);
    const compiled = new Map();
    const core = async (name) => {
      if (!compiled.has(name)) compiled.set(name, await WebAssembly.compile(files[name]));
      return compiled.get(name);
    };
    const services = globalThis[Symbol.for('remitd.mock')];
    const imports = Object.fromEntries(Object.entries(services).map(([name, calls]) => [`remitd:plugin/${name}`, calls]));
    const fresh = async () => (await instantiate(core, imports)).mailProvider;
    return { wit: await componentWit(component), fresh };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
