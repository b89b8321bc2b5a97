/** What a page writes down for itself: its state as an address, and bytes as a storage takes them. */

import { decode, encode } from "../src/engines/wire";
import { readState, START, writeState } from "../src/model/address";
import { bytesOf, lettersOf } from "../src/model/letters";
import type { Settings } from "../src/model/settings";

interface Told {
  readonly states: readonly Partial<Settings>[];
  readonly addresses: readonly string[];
  readonly bytes: readonly Uint8Array[];
  readonly texts: readonly string[];
}

export async function answer(message: ArrayBuffer): Promise<Uint8Array> {
  const { states, addresses, bytes, texts } = decode(message) as Told;
  const table = { ...START.table } as never;
  return encode({
    states: states.map((changes) => {
      const settings = { ...START.settings, ...changes };
      const text = writeState({ ...START, settings }, START);
      const { state, problems } = readState(text, START, table);
      const read = Object.keys(changes).map((name) => [name, state.settings[name as keyof Settings]]);
      return { text, problems, read: Object.fromEntries(read) };
    }),
    addresses: addresses.map((text) => {
      const { state, problems } = readState(text, START, table);
      return { text: writeState(state, START), problems };
    }),
    letters: bytes.map((given) => {
      const text = lettersOf(given);
      return { text, back: bytesOf(text) };
    }),
    none: texts.map((text) => bytesOf(text)),
  });
}
