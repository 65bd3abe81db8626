// Makes a component of a plugin: bundles it, narrows its world to what it imports, and has componentize-js put the engine
// around it. The tools are the plugin's own dependencies and are handed in, so that each plugin pins its versions.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONTRACT = fileURLToPath(new URL('../wit/v1', import.meta.url));
const PACKAGE = 'remitd:plugin/';
/** Everything that would ask the system: the daemon refuses a component that imports any of it. */
const NO_WASI = ['random', 'stdio', 'clocks', 'http', 'fetch-event'];

/**
 * `componentize` of @bytecodealliance/componentize-js; `bundle`: `build` of esbuild; `entry`: the module that exports the
 * plugin; `world`: as in the contract, for example `mail-provider-plugin`; `out`: where the component goes.
 */
export async function build({ componentize, bundle, entry, world, out }) {
  if (!out) throw new Error('say where the component goes: npm run build -- FILE.wasm');
  const work = await mkdtemp(join(tmpdir(), 'remitd-plugin-'));
  try {
    const sourcePath = join(work, 'plugin.js');
    const services = await bundled(bundle, entry, sourcePath);
    const witPath = join(work, 'wit');
    await narrowed(witPath, world, services);
    const { component } = await componentize({ sourcePath, witPath, worldName: world, disableFeatures: NO_WASI });
    await writeFile(resolve(out), component);
    console.log(`${out}: ${component.length} bytes, imports ${services.join(', ')}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** One file of the plugin and all its modules; gives the daemon's services that they import. */
async function bundled(bundle, entryPoint, outfile) {
  const { metafile } = await bundle({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    external: [`${PACKAGE}*`],
    metafile: true,
  });
  const outside = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  const services = outside.map((path) => path.slice(PACKAGE.length).replace(/@.*$/, ''));
  return [...new Set(services)].sort();
}

/**
 * The contract with this world's unused imports left out: componentize-js imports a whole world, and a component is to ask for no
 * more than it uses.
 */
async function narrowed(witPath, world, services) {
  await cp(CONTRACT, witPath, { recursive: true });
  const kept = new Set([...services, 'types']);
  const file = join(witPath, `${await fileOf(world)}.wit`);
  const text = await readFile(file, 'utf8');
  const block = new RegExp(`world ${world} \\{[^}]*\\}`).exec(text)[0];
  const known = [...block.matchAll(/^\s*import ([a-z-]+);/gm)].map(([, name]) => name);
  const strange = services.filter((service) => !known.includes(service));
  if (strange.length) throw new Error(`the world ${world} has no ${strange.join(', ')}: it has ${known.join(', ')}`);
  const smaller = block.replace(/^\s*import ([a-z-]+);\n/gm, (line, name) => (kept.has(name) ? line : ''));
  await writeFile(file, text.replace(block, smaller));
}

async function fileOf(world) {
  for (const file of ['connector', 'gateway', 'importer', 'mail']) {
    const text = await readFile(join(CONTRACT, `${file}.wit`), 'utf8');
    if (text.includes(`world ${world} {`)) return file;
  }
  throw new Error(`the contract has no world ${world}`);
}
