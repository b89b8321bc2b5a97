/**
 * Two colours for two signs, told apart by every kind of sight: orange below 0, blue above.
 *
 * Pictures are painted with a table of 256 colours, dark or light as the page is.
 */

import { dark } from "./scheme";

type Rgb = readonly [number, number, number];

interface Scheme {
  readonly below: Rgb;
  readonly middle: Rgb;
  readonly above: Rgb;
}

const LIGHT: Scheme = { below: [224, 117, 17], middle: [248, 248, 246], above: [24, 100, 171] };
const DARK: Scheme = { below: [245, 146, 58], middle: [30, 32, 38], above: [92, 164, 238] };

export function isDark(): boolean {
  return dark.peek();
}

const mixed = (a: Rgb, b: Rgb, share: number): Rgb =>
  a.map((value, index) => value + share * (b[index] - value)) as unknown as Rgb;

/** The colour of a value in −1 … 1. */
export function colorOf(value: number, inDark = isDark()): string {
  const [r, g, b] = mixedOf(value, inDark ? DARK : LIGHT);
  return `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)})`;
}

function mixedOf(value: number, scheme: Scheme): Rgb {
  const share = Math.min(Math.abs(value), 1);
  return mixed(scheme.middle, value < 0 ? scheme.below : scheme.above, share);
}

const palettes = new Map<boolean, Uint32Array>();

/** 256 colours from below to above, as pixels of an ImageData. */
export function palette(inDark = isDark()): Uint32Array {
  let found = palettes.get(inDark);
  if (!found) {
    const bytes = new Uint8ClampedArray(4 * 256);
    for (let level = 0; level < 256; level += 1)
      bytes.set([...mixedOf(level / 127.5 - 1, inDark ? DARK : LIGHT), 255], 4 * level);
    found = new Uint32Array(bytes.buffer);
    palettes.set(inDark, found);
  }
  return found;
}
