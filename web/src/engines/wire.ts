/**
 * Messages as bytes: a JSON head, then the arrays that it refers to.
 *
 *     uint32 length of the head · head in UTF-8 · zeros up to a multiple of 8 · arrays, each so padded
 *
 * In the head an array stands as {"$array": [dtype, first byte, count]}, dtype "f8" or "u1", counted
 * from the begin of the arrays; a number that JSON has no word for as {"$number": "nan"}. Little-endian.
 */

type Plain = null | boolean | number | string | Plain[] | { [field: string]: Plain };

const WORDS: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

const padded = (length: number): number => (length + 7) & ~7;

export function encode(message: unknown): Uint8Array {
  const arrays: (Float64Array | Uint8Array)[] = [];
  /** Where an array stands already: many runs share their rows. */
  const known = new Map<unknown, Plain>();
  let offset = 0;
  const plain = (value: unknown): Plain => {
    if (value instanceof Float64Array || value instanceof Uint8Array) {
      const found = known.get(value);
      if (found) return found;
      const entry = { $array: [value instanceof Uint8Array ? "u1" : "f8", offset, value.length] };
      known.set(value, entry);
      arrays.push(value);
      offset += padded(value.byteLength);
      return entry;
    }
    if (typeof value === "number" && !Number.isFinite(value))
      return { $number: Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf" };
    if (Array.isArray(value)) return value.map(plain);
    if (value !== null && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
    return (value ?? null) as Plain;
  };
  const head = new TextEncoder().encode(JSON.stringify(plain(message)));
  const begin = padded(4 + head.length);
  const bytes = new Uint8Array(begin + offset);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  let place = begin;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), place);
    place += padded(array.byteLength);
  }
  return bytes;
}

export function decode(buffer: ArrayBuffer): unknown {
  const length = new DataView(buffer).getUint32(0, true);
  const begin = padded(4 + length);
  const revive = (value: Plain): unknown => {
    if (Array.isArray(value)) return value.map(revive);
    if (value === null || typeof value !== "object") return value;
    const array = value["$array"];
    if (Array.isArray(array)) {
      const [dtype, first, count] = array as [string, number, number];
      // Arrays begin at multiples of 8 bytes, so that they can be read where they lie.
      return dtype === "u1"
        ? new Uint8Array(buffer, begin + first, count)
        : new Float64Array(buffer, begin + first, count);
    }
    const word = value["$number"];
    if (typeof word === "string") return WORDS[word];
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revive(inner)]));
  };
  return revive(JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Plain);
}
