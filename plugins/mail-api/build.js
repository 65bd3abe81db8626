// npm run build -- FILE.wasm

import { componentize } from '@bytecodealliance/componentize-js';
import { build as bundle } from 'esbuild';
import { build } from 'remitd-plugin-sdk/build';

await build({ componentize, bundle, entry: 'src/main.js', world: 'mail-provider-plugin', out: process.argv[2] });
