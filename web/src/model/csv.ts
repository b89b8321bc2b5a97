/**
 * CSV files into cells: the same rules, and the same sentences, as the library's own reader.
 *
 * The delimiter is the one of comma, semicolon and tab that the first line has most often, quotes
 * hold cells together, a byte order mark is skipped. Spaces after a delimiter are none of the cell.
 */
import { EngineError, type FirstLine } from "../protocol";

export const MOST_BYTES = 32_000_000;
export const MOST_ROWS = 1_000_000;
export const MOST_COLUMNS = 4096;

export interface Cells {
  readonly names: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** With semicolons between cells, a comma may stand for the decimal point. */
  readonly decimalComma: boolean;
}

const whole = (count: number): string => count.toLocaleString("en");

export function refuse(name: string, why: string): never {
  throw new EngineError(`${name}: ${why}`);
}

/** First bytes of files that are no tables. */
const FOREIGN: readonly (readonly [mark: string, kind: string])[] = [
  ["PK\x03\x04", "an Excel or zip file"],
  ["\x89PNG", "a picture"],
  ["%PDF-", "a PDF file"],
  ["SQLite format 3\0", "a database"],
];
const LINE_END = 10;

export function checkSize(name: string, bytes: number): void {
  if (bytes > MOST_BYTES)
    refuse(
      name,
      `${whole(bytes)} bytes, and at most ${whole(MOST_BYTES)} are read. Leave rows out.`,
    );
}

/** The text of a file. */
export function textOf(name: string, file: Uint8Array): string {
  checkSize(name, file.length);
  const start = String.fromCharCode(...file.subarray(0, 16));
  if (start.startsWith("\x1f\x8b")) refuse(name, "a gzip file, not a CSV file. Unpack it first.");
  for (const [mark, kind] of FOREIGN)
    if (start.startsWith(mark)) refuse(name, `${kind}, not a CSV file. Save the table as CSV.`);
  const last = String.fromCharCode(...file.subarray(-4));
  if (file.length > 4 && start.startsWith("PAR1") && last === "PAR1")
    refuse(name, "a Parquet file, not a CSV file. Save the table as CSV.");
  if (/^(\xff\xfe|\xfe\xff)/.test(start))
    refuse(name, "text in UTF-16. Save the table as CSV in UTF-8.");
  const zero = file.indexOf(0);
  if (zero >= 0) {
    const line = lineOf(file, zero);
    refuse(name, `not text (line ${line} holds a zero byte). Save the table as CSV in UTF-8.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(file);
  } catch {
    const line = lineOf(file, firstWrong(file));
    refuse(name, `not text in UTF-8 (line ${line}). Save the table as CSV in UTF-8.`);
  }
}

function lineOf(file: Uint8Array, place: number): number {
  let line = 1;
  for (let at = 0; at < place; at += 1) if (file[at] === LINE_END) line += 1;
  return line;
}

/** Where text in UTF-8 ends: lines are whole characters, so the first one that is none is wrong. */
function firstWrong(file: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let start = 0; ;) {
    const found = file.indexOf(LINE_END, start);
    const end = found < 0 ? file.length : found;
    try {
      decoder.decode(file.subarray(start, end));
    } catch {
      return start;
    }
    start = end + 1;
  }
}

const NUMBER = /^[-+]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?$/;
const DECIMAL_COMMA = /^[-+]?[0-9]+,[0-9]+$/;

function delimiterOf(text: string): string {
  const end = text.indexOf("\n");
  const first = text
    .slice(0, end < 0 ? text.length : end)
    .split('"')
    .filter((_, index) => index % 2 === 0)
    .join("");
  const parts = first.split(";");
  if (parts.length > 1 && parts.some((part) => DECIMAL_COMMA.test(part.trim()))) return ";";
  let best = ",";
  for (const one of [",", ";", "\t"])
    if (first.split(one).length > first.split(best).length) best = one;
  return best;
}

/** Reads one line of cells after the other; `line` counts the file's lines. */
class Reader {
  line = 0;
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly delimiter: string,
    private readonly name: string,
  ) {}

  /** The cells of the next line, none for an empty one; null at the end. */
  next(): string[] | null {
    const { text } = this;
    if (this.at >= text.length) return null;
    this.line += 1;
    const cells: string[] = [];
    if (this.ends()) return cells;
    for (;;) {
      while (text[this.at] === " ") this.at += 1;
      cells.push(text[this.at] === '"' ? this.quoted() : this.plain());
      if (text[this.at] !== this.delimiter) break;
      this.at += 1;
    }
    if (!this.ends() && this.at < text.length)
      this.refuse(`'${this.delimiter}' expected after '"'`);
    return cells;
  }

  /** Whether a line ends here; its end is left behind. */
  private ends(): boolean {
    const { text } = this;
    if (text[this.at] === "\r") {
      this.at += text[this.at + 1] === "\n" ? 2 : 1;
      return true;
    }
    if (text[this.at] !== "\n") return false;
    this.at += 1;
    return true;
  }

  private plain(): string {
    const { text, delimiter } = this;
    const begin = this.at;
    while (this.at < text.length) {
      const letter = text[this.at];
      if (letter === delimiter || letter === "\n" || letter === "\r") break;
      this.at += 1;
    }
    return text.slice(begin, this.at);
  }

  private quoted(): string {
    const { text } = this;
    let cell = "";
    for (let begin = this.at + 1; ; begin = this.at + 1) {
      const end = text.indexOf('"', begin);
      const inside = text.slice(begin, end < 0 ? text.length : end);
      this.line += inside.split(/\r\n|\r|\n/).length - 1;
      // The line after the last line end is none.
      if (end < 0) {
        if (/[\r\n]$/.test(inside)) this.line -= 1;
        this.refuse("unexpected end of data");
      }
      cell += inside;
      this.at = end + 1;
      if (text[this.at] !== '"') return cell;
      cell += '"';
    }
  }

  private refuse(why: string): never {
    refuse(this.name, `line ${this.line} cannot be read (${why}). Check its quotes.`);
  }
}

function namesOf(name: string, header: readonly string[]): string[] {
  const names = header.map((cell, index) => cell.trim() || `column_${index + 1}`);
  const twice = names.filter((one, index) => names.indexOf(one) !== index).sort();
  if (twice.length)
    refuse(
      name,
      `two columns of the name ${quoted(twice[0])} in the first line. The first line must hold ` +
        "the names of the columns, all different.",
    );
  return names;
}

/** A word in quotes, as the library's sentences have it. */
export function quoted(word: string): string {
  const mark = word.includes("'") && !word.includes('"') ? '"' : "'";
  const letters = word
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return mark + (mark === "'" ? letters.replaceAll("'", "\\'") : letters) + mark;
}

export function cellsOf(name: string, text: string, firstLine: FirstLine): Cells {
  if (!text.trim()) refuse(name, "empty. The first line must hold the names of the columns.");
  const delimiter = delimiterOf(text);
  const reader = new Reader(text, delimiter, name);
  let first = reader.next()!;
  while (!first.length) first = reader.next()!;
  if (first.length > MOST_COLUMNS)
    refuse(
      name,
      `${whole(first.length)} columns, and at most ${whole(MOST_COLUMNS)} are read. ` +
        "Leave some out.",
    );
  const isRow =
    firstLine === "row" || (firstLine === "auto" && first.some((cell) => NUMBER.test(cell.trim())));
  const names = namesOf(name, isRow ? first.map(() => "") : first);
  const rows: string[][] = isRow ? [first] : [];
  // Of lines of unequal length the first is told, once all of them could be read.
  let ragged: [line: number, cells: number] | null = null;
  for (let cells = reader.next(); cells; cells = reader.next()) {
    if (!cells.length && names.length > 1) continue;
    if (!cells.length) cells = [""];
    if (cells.length !== names.length) ragged ??= [reader.line, cells.length];
    rows.push(cells);
    if (rows.length > MOST_ROWS)
      refuse(name, `more than ${whole(MOST_ROWS)} rows, the most that are read. Leave some out.`);
  }
  if (!rows.length) refuse(name, "a header and no rows. Add rows below the names of the columns.");
  if (ragged)
    refuse(
      name,
      `line ${ragged[0]} has ${ragged[1]} cell${ragged[1] === 1 ? "" : "s"}, the first line ${names.length}. Fill the line ` +
        "up, or put quotes around a cell that holds the delimiter.",
    );
  return { names, rows, decimalComma: delimiter === ";" };
}
