/**
 * Bytes as a text that a browser's storage takes: 15 bits in a letter.
 *
 * A storage counts letters of 16 bits. Letters from U+4000 to U+BFFF are whole by themselves, so
 * that the text survives wherever texts do; the first one says how many bits of the last are used.
 */

const FIRST = 0x4000;
const BITS = 15;

export function lettersOf(bytes: Uint8Array): string {
  const count = Math.ceil((8 * bytes.length) / BITS);
  const letters = new Uint16Array(1 + count);
  letters[0] = FIRST + (BITS * count - 8 * bytes.length);
  let [held, width, place] = [0, 0, 1];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    width += 8;
    if (width < BITS) continue;
    width -= BITS;
    letters[place] = FIRST + (held >> width);
    held &= (1 << width) - 1;
    place += 1;
  }
  if (width) letters[place] = FIRST + (held << (BITS - width));
  return new TextDecoder("utf-16le").decode(letters);
}

/** Null where the text is none that `lettersOf` makes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> | null {
  const bits = BITS * (text.length - 1) - (text.charCodeAt(0) - FIRST);
  if (!text || bits < 0 || bits % 8) return null;
  const bytes = new Uint8Array(bits / 8);
  let [held, width, place] = [0, 0, 0];
  for (let at = 1; at < text.length; at += 1) {
    const letter = text.charCodeAt(at) - FIRST;
    if (letter < 0 || letter >> BITS) return null;
    held = (held << BITS) | letter;
    width += BITS;
    for (; width >= 8 && place < bytes.length; width -= 8, place += 1)
      bytes[place] = held >> (width - 8);
    held &= (1 << width) - 1;
  }
  return bytes;
}
