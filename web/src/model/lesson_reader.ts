/** Reads records of a lesson's file field by field, and says what is wrong with one. */

/** A file that is no lesson; the sentence says where and what to do. */
export class LessonError extends Error {}

const REMEDY = "docs/playground-lessons.md says what a lesson holds.";

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** One record; every field must be taken, so that none is written in vain. */
export class LessonReader {
  private readonly record: Readonly<Record<string, unknown>>;
  private readonly left: Set<string>;

  constructor(
    record: unknown,
    readonly where: string,
  ) {
    if (record === null || typeof record !== "object" || Array.isArray(record))
      throw this.wrong("", "a record", record);
    this.record = record as Record<string, unknown>;
    this.left = new Set(Object.keys(record));
  }

  /** The error for a state of which an address could not say all. */
  unreadable(name: string, problems: string): LessonError {
    const place = [this.where, name].filter(Boolean).join(".");
    return new LessonError(
      `${place} must be a state as addresses have it, and this cannot be read: ${problems}. ${REMEDY}`,
    );
  }

  /** The error for a field that is another thing than it must be. */
  wrong(name: string, expected: string, got: unknown): LessonError {
    const place = [this.where, name].filter(Boolean).join(".") || "The lesson";
    return new LessonError(`${place} must be ${expected} (got ${shown(got)}). ${REMEDY}`);
  }

  has(name: string): boolean {
    return this.record[name] !== undefined;
  }

  private take(name: string): unknown {
    this.left.delete(name);
    return this.record[name];
  }

  text(name: string, most: number): string {
    const value = this.take(name);
    if (typeof value !== "string" || !value.trim() || value.length > most)
      throw this.wrong(name, `a text of 1 to ${most} letters`, value);
    return value;
  }

  /** One of some words. */
  word<T extends string>(name: string, words: readonly T[]): T {
    const value = this.take(name);
    const found = words.find((word) => word === value);
    if (found === undefined) throw this.wrong(name, `one of ${words.join(", ")}`, value);
    return found;
  }

  number(name: string): number {
    const value = this.take(name);
    if (typeof value !== "number" || !Number.isFinite(value))
      throw this.wrong(name, "a number", value);
    return value;
  }

  whole(name: string, low: number, high: number): number {
    const value = this.take(name);
    if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high)
      throw this.wrong(name, low === high ? `${low}` : `a whole number from ${low} to ${high}`, value);
    return value;
  }

  flag(name: string): boolean {
    const value = this.take(name);
    if (typeof value !== "boolean") throw this.wrong(name, "true or false", value);
    return value;
  }

  /** A list of texts, or one text. */
  texts(name: string, most: number, letters: number): readonly string[] {
    const value = this.take(name);
    const list = typeof value === "string" ? [value] : value;
    const fits = (text: unknown) =>
      typeof text === "string" && text.trim() !== "" && text.length <= letters;
    if (!Array.isArray(list) || !list.length || list.length > most || !list.every(fits))
      throw this.wrong(name, `1 to ${most} texts of 1 to ${letters} letters`, value);
    return list as string[];
  }

  inner(name: string): LessonReader {
    return new LessonReader(this.take(name), [this.where, name].filter(Boolean).join("."));
  }

  records(name: string, least: number, most: number): readonly LessonReader[] {
    const value = this.take(name);
    if (!Array.isArray(value) || value.length < least || value.length > most)
      throw this.wrong(name, `a list of ${least} to ${most} records`, value);
    const place = [this.where, name].filter(Boolean).join(".");
    return value.map((entry, index) => new LessonReader(entry, `${place}[${index}]`));
  }

  /** Nothing more may be there. */
  end(): void {
    const [name] = this.left;
    if (name === undefined) return;
    const place = this.where || "The lesson";
    const field = name.slice(0, 40);
    throw new LessonError(`${place} has a field "${field}" that lessons do not know. ${REMEDY}`);
  }
}
