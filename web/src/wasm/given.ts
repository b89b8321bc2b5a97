/** A record of an ask, read field by field; what does not fit is refused with a sentence. */

import { finite, oneOf, whole, wrong } from "./checks";

/** Numbers of the largest matrix that an ask holds. */
const MOST_NUMBERS = 64_000_000;

export class Given {
  private readonly record: Record<string, unknown>;

  constructor(
    record: unknown,
    readonly where: string,
  ) {
    if (record === null || typeof record !== "object" || Array.isArray(record))
      throw wrong(where, "a record", record);
    this.record = record as Record<string, unknown>;
  }

  place(name: string): string {
    return `${this.where}.${name}`;
  }

  /** Whether a field that may be left out is there, and not null. */
  has(name: string): boolean {
    return Object.hasOwn(this.record, name) && this.record[name] !== null;
  }

  value(name: string): unknown {
    if (!Object.hasOwn(this.record, name)) throw wrong(this.place(name), "there", "nothing");
    return this.record[name];
  }

  inner(name: string): Given {
    return new Given(this.value(name), this.place(name));
  }

  /** A record inside, or null. */
  innerOrNull(name: string): Given | null {
    return this.value(name) === null ? null : this.inner(name);
  }

  flag(name: string): boolean {
    const value = this.value(name);
    if (typeof value !== "boolean") throw wrong(this.place(name), "true or false", value);
    return value;
  }

  whole(name: string, low = 0, high = 2 ** 53): number {
    return whole(this.value(name), this.place(name), low, high);
  }

  /** A number, finite unless said otherwise. */
  number(name: string, isFinite = true): number {
    const value = this.value(name);
    if (typeof value !== "number") throw wrong(this.place(name), "a number", value);
    return isFinite ? finite(value, this.place(name)) : value;
  }

  chosen<Word extends string>(name: string, words: readonly Word[]): Word {
    return oneOf(this.value(name), this.place(name), words);
  }

  /** A float64 array, of `size` numbers where that is given. */
  vector(name: string, size?: number): Float64Array {
    const value = this.value(name);
    const expected = size === undefined ? "an array of numbers" : `an array of ${size} numbers`;
    if (!(value instanceof Float64Array)) throw wrong(this.place(name), expected, value);
    if (size !== undefined && value.length !== size)
      throw wrong(this.place(name), expected, value.length);
    return value;
  }

  /** A finite matrix of so many columns, row after row. */
  matrix(name: string, columns: number): Float64Array {
    const flat = this.vector(name);
    const most = MOST_NUMBERS.toLocaleString("en");
    const expected = `rows of ${columns} numbers, ${most} at most`;
    if (flat.length % columns || flat.length > MOST_NUMBERS)
      throw wrong(this.place(name), expected, flat.length);
    if (!flat.every(Number.isFinite))
      throw wrong(this.place(name), "of finite numbers", "NaN or infinity");
    return flat;
  }

  /** A list of 1 to `most` records. */
  records(name: string, most: number): Given[] {
    const value = this.value(name);
    if (!Array.isArray(value) || value.length < 1 || value.length > most)
      throw wrong(this.place(name), `a list of 1 to ${most} records`, value);
    return value.map((entry, index) => new Given(entry, `${this.place(name)}[${index}]`));
  }
}
