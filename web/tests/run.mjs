// Answers one message: `node run.mjs BUNDLE WASM`, the message on standard input, the answer on
// standard output, both as web/src/engines/wire.ts has them. BUNDLE exports `answer`.
import { readFileSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [bundle, wasm] = process.argv.slice(2);
const { answer } = await import(pathToFileURL(bundle).href);
const message = readFileSync(0);
const bytes = await answer(new Uint8Array(message).buffer, readFileSync(wasm));
for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
