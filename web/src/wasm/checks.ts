/** Checks of what comes in, with a sentence for what does not fit: name, expected, got, remedy. */

import { EngineError } from "../protocol";

const RELOAD = "Reload the page if you did not write it.";

export function wrong(name: string, expected: string, got: unknown, remedy = RELOAD): EngineError {
  return new EngineError(`${name} must be ${expected} (got ${shown(got)}). ${remedy}`);
}

export function shown(got: unknown): string {
  if (typeof got === "bigint") return got.toString();
  if (ArrayBuffer.isView(got)) return `an array of ${(got as Float64Array).length}`;
  const text = typeof got === "string" ? `'${got}'` : (JSON.stringify(got) ?? String(got));
  const exact = typeof got === "number" ? String(got) : text; // JSON knows no NaN
  return exact.length <= 60 ? exact : `${exact.slice(0, 57)}...`;
}

export function whole(value: unknown, name: string, low: number, high: number): number {
  const fits = Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
  if (!fits) throw wrong(name, `a whole number from ${low} to ${high}`, value);
  return value as number;
}

export function finite(value: unknown, name: string): number {
  if (!Number.isFinite(value)) throw wrong(name, "a finite number", value);
  return value as number;
}

export function oneOf<Word extends string>(
  value: unknown,
  name: string,
  words: readonly Word[],
): Word {
  if (!words.includes(value as Word)) throw wrong(name, `one of ${words.join(", ")}`, value);
  return value as Word;
}

/** An array of float64 with so many numbers. */
export function numbers(value: unknown, name: string, length: number): Float64Array {
  if (!(value instanceof Float64Array) || value.length !== length)
    throw wrong(name, `an array of ${length} numbers`, value);
  return value;
}
