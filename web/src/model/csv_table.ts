/**
 * A CSV file of numbers as a table, where no server reads it: numbers in, classes or values out.
 *
 * It takes, says and leaves out what the library's own preparation does, but for columns of words:
 * they are left out, unless one is the target and names classes.
 */
import { EngineError, type FirstLine, type Learned, type TableRead } from "../protocol";
import { cellsOf, MOST_ROWS, quoted, refuse, textOf, type Cells } from "./csv";

/** Numbers of X and the targets together. */
export const MOST_NUMBERS = 6_000_000;
const MOST_CLASSES = 100;
/** Whole numbers are classes up to so many, with so many rows of each on average. */
const MOST_WHOLE = 20;
const ROWS_PER_CLASS = 5;
/** The share of words up to which a column is one of numbers with mistakes in it. */
const MOST_STRAYS = 0.1;

const MISSING = new Set(["", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"]);
const FLOAT = /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/;
const STRICT = /^[-+]?(?:0|[1-9][0-9]*|0?(?=[.]))(?:[.][0-9]*)?(?:[eE][-+]?[0-9]+)?$/;
const GROUPED = /^[-+]?(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:[.][0-9]*)?|[0-9]+,[0-9]+)$/;
const INFINITE = /^([-+]?)inf(?:inity)?$/i;
const NO_NUMBER = /^[-+]?nan$/i;

/** A column: its words, null where one is missing, and its numbers where all words are some. */
interface Column {
  readonly name: string;
  readonly words: readonly (string | null)[];
  readonly numbers: Float64Array | null;
}

function numberOf(word: string): number | null {
  if (FLOAT.test(word)) return Number(word);
  const infinite = INFINITE.exec(word);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  return NO_NUMBER.test(word) ? NaN : null;
}

function numbersOf(words: readonly (string | null)[], decimalComma: boolean): Float64Array | null {
  const numbers = new Float64Array(words.length);
  for (let row = 0; row < words.length; row += 1) {
    const word = words[row];
    const number = word === null ? NaN : numberOf(decimalComma ? word.replaceAll(",", ".") : word);
    if (number === null) return null;
    numbers[row] = number;
  }
  return numbers;
}

/** Digits alone, some with a zero before others, are codes and no quantities. */
function areCodes(words: readonly (string | null)[]): boolean {
  return (
    words.some((word) => word !== null && /^0[0-9]/.test(word)) &&
    words.every((word) => word === null || /^[0-9]*$/.test(word))
  );
}

function columnsOf({ names, rows, decimalComma }: Cells): Column[] {
  return names.map((name, place) => {
    const words = rows.map((cells) => {
      const word = cells[place].trim();
      return MISSING.has(word) ? null : word;
    });
    let numbers = numbersOf(words, false);
    if (!numbers && decimalComma) numbers = numbersOf(words, true);
    return { name, words, numbers: numbers && areCodes(words) ? null : numbers };
  });
}

/** What keeps a column from being numbers where nearly all of its cells are some, or null. */
function strayWords({ words, numbers }: Column): string | null {
  if (numbers) return null;
  const present = words.flatMap((word, row) => (word === null ? [] : [{ word, row }]));
  const strays = present.filter(({ word }) => !STRICT.test(word));
  const grouped = strays.filter(({ word }) => GROUPED.test(word));
  if (!strays.length || strays.length - grouped.length > MOST_STRAYS * present.length) return null;
  const told = (place: { word: string; row: number }) =>
    [quoted(place.word), `row ${place.row + 1}`] as const;
  if (strays.length === grouped.length) {
    const [word, row] = told(grouped[0]);
    return `all cells are numbers, but ${grouped.length} with commas in them, such as ${word} in ${row}`;
  }
  const [word, row] = told(strays.find(({ word: one }) => !GROUPED.test(one))!);
  const good = present.length - strays.length + grouped.length;
  return `${good} of ${present.length} cells are numbers, ${row} holds ${word}`;
}

const isKnown = (column: Column, row: number): boolean =>
  column.numbers ? !Number.isNaN(column.numbers[row]) : column.words[row] !== null;

/** Why a column cannot be the target, or null. */
function targetProblem(column: Column, learned: Learned): string | null {
  const name = quoted(column.name);
  const known = column.words.flatMap((_, row) => (isKnown(column, row) ? [row] : []));
  if (known.length < 2)
    return (
      `column ${name} must hold a target in at least two rows (got ${known.length}). Add rows, ` +
      "or choose another target."
    );
  const stray = strayWords(column);
  if (stray) return `column ${name}: ${stray}. Mend the cell, or choose another target.`;
  const values = new Set(known.map((row) => (column.numbers ? column.numbers[row] : column.words[row])));
  if (values.size === 1)
    return `column ${name} is the same in every row: there is nothing to learn. Choose another target.`;
  if (!column.numbers && learned === "values")
    return (
      `column ${name} holds words, which are classes and no values. Learn it as classes, or choose ` +
      "another target."
    );
  const kind = column.numbers ? "numbers" : "words";
  if ((kind === "words" || learned === "classes") && values.size > MOST_CLASSES)
    return (
      `column ${name} holds ${values.size.toLocaleString("en")} different ${kind}, and a target has ` +
      `at most ${MOST_CLASSES} classes here. Choose another target.`
    );
  return null;
}

interface Target {
  readonly kind: "classes" | "values";
  readonly y: Float64Array;
  readonly outputs: readonly string[];
}

function targetOf(column: Column, rows: readonly number[], learned: Learned): Target {
  const { name, numbers, words } = column;
  const whole = numbers !== null && rows.every((row) => Number.isInteger(numbers[row]));
  // Classes that are no whole numbers are words, as they stand in the file.
  if (numbers && (learned !== "classes" || whole)) {
    const values = Float64Array.from(rows, (row) => numbers[row]);
    const wrong = rows.find((row) => !Number.isFinite(numbers[row]));
    if (wrong !== undefined)
      throw new EngineError(
        `column ${quoted(name)} must hold finite numbers to be a target (got ${words[wrong]} in ` +
          `row ${wrong + 1}). Correct the cell or remove the row.`,
      );
    const classes = [...new Set(values)].sort((a, b) => a - b);
    const asClasses = learned === "classes" || (learned === "auto" && areClasses(classes, values.length));
    if (!asClasses) return { kind: "values", y: values, outputs: [name] };
    return { kind: "classes", y: values.map((value) => classes.indexOf(value)), outputs: classes.map(shown) };
  }
  const classes = [...new Set(rows.map((row) => words[row]!))].sort(byLetters);
  const places = new Map(classes.map((word, place) => [word, place]));
  return {
    kind: "classes",
    y: Float64Array.from(rows, (row) => places.get(words[row]!)!),
    outputs: classes,
  };
}

function areClasses(values: readonly number[], rows: number): boolean {
  if (values.length === 2) return true;
  const whole = values.every((value) => Number.isInteger(value));
  return whole && values.length <= MOST_WHOLE && rows >= ROWS_PER_CLASS * values.length;
}

/** The order of letters' numbers, as the library sorts words. */
function byLetters(a: string, b: string): number {
  const left = [...a].map((letter) => letter.codePointAt(0)!);
  const right = [...b].map((letter) => letter.codePointAt(0)!);
  for (let place = 0; place < Math.min(left.length, right.length); place += 1)
    if (left[place] !== right[place]) return left[place] - right[place];
  return left.length - right.length;
}

/** Six digits at most. */
const shown = (value: number): string => String(Number(value.toPrecision(6)));

/** Whether a column is 0, 1, 2, … or 1, 2, 3, …: the place of a row, not a property. */
function countsRows({ numbers }: Column): boolean {
  if (!numbers || numbers.length <= 20 || (numbers[0] !== 0 && numbers[0] !== 1)) return false;
  return numbers.every((value, row) => value === numbers[0] + row);
}

/** An input of the network, or two where a column has holes. */
interface Input {
  readonly names: readonly string[];
  readonly values: readonly Float64Array[];
}

interface Prepared {
  readonly note: string;
  /** null where the column is left out. */
  readonly input: Input | null;
  /** Why it is left out, for the sentence that nothing is left. */
  readonly reason: string;
}

function prepared(column: Column, rows: readonly number[], counts: boolean): Prepared {
  const { name, numbers } = column;
  const leftOut = (reason: string): Prepared => ({ note: `${name}: left out, it is ${reason}`, input: null, reason });
  if (counts) return { note: `${name}: left out, it only counts the rows`, input: null, reason: "" };
  if (!numbers) {
    if (rows.every((row) => column.words[row] === null)) return leftOut("empty");
    const stray = strayWords(column);
    return leftOut(stray ? `words (${stray})` : "words, which only deltarule play reads");
  }
  const values = Float64Array.from(rows, (row) => numbers[row]);
  const infinite = rows.find((row) => Math.abs(numbers[row]) === Infinity);
  if (infinite !== undefined)
    throw new EngineError(
      `column ${quoted(name)} must hold finite numbers (got ${column.words[infinite]} in row ` +
        `${infinite + 1}). Correct the cell or leave it empty.`,
    );
  const present = values.filter((value) => !Number.isNaN(value)).sort();
  if (!present.length) return leftOut("empty");
  const [low, high] = [present[0], present[present.length - 1]];
  const holes = values.length - present.length;
  if (low === high && !holes) return leftOut("the same in every row");
  const note = `${name}: numbers from ${shown(low)} to ${shown(high)}`;
  if (!holes) return { note, input: { names: [name], values: [values] }, reason: "" };
  const half = Math.floor(present.length / 2);
  const median = present.length % 2 ? present[half] : (present[half - 1] + present[half]) / 2;
  const filled = values.map((value) => (Number.isNaN(value) ? median : value));
  const missing = values.map((value) => Number(Number.isNaN(value)));
  const are = holes === 1 ? "1 hole is" : `${holes.toLocaleString("en")} holes are`;
  return {
    note: `${note}; ${are} filled with the median ${shown(median)}, and a second input says where`,
    input: { names: [name, `${name} is missing`], values: [filled, missing] },
    reason: "",
  };
}

/** The table that a CSV file holds; `target` null: the last column that can be one. */
export function tableOfCsv(
  name: string,
  file: Uint8Array,
  firstLine: FirstLine,
  target: string | null,
  learned: Learned,
): TableRead {
  const cells = cellsOf(name, textOf(name, file), firstLine);
  const columns = columnsOf(cells);
  if (columns.length < 2)
    refuse(
      name,
      `one column, ${quoted(columns[0].name)}. A table takes at least two, what is known and what ` +
        "is to be predicted, with commas, semicolons or tabs between the cells.",
    );
  if (columns.every(({ numbers }) => !numbers))
    refuse(
      name,
      "no column holds numbers, and this page reads numbers only. Open it with deltarule play, " +
        "which gives each word an input.",
    );
  return tableOfColumns(name, columns, target, learned);
}

function tableOfColumns(
  name: string,
  columns: readonly Column[],
  wanted: string | null,
  learned: Learned,
): TableRead {
  const backwards = [...columns].reverse();
  const likely = backwards.find((one) => targetProblem(one, learned) === null) ?? backwards[0];
  const chosen = wanted === null ? likely : columns.find((column) => column.name === wanted);
  if (!chosen)
    throw new EngineError(`the table has no column ${quoted(wanted ?? "")}. Choose one that it has.`);
  const problem = targetProblem(chosen, learned);
  if (problem) throw new EngineError(problem);
  const rows = chosen.words.flatMap((_, row) => (isKnown(chosen, row) ? [row] : []));
  const target = targetOf(chosen, rows, learned);
  const others = columns.filter((column) => column !== chosen);
  const found = new Map(others.map((one) => [one, prepared(one, rows, countsRows(one))]));
  const inputs = [...found.values()].flatMap(({ input }) => (input ? [input] : []));
  if (!inputs.length) {
    const why = others.filter((one) => found.get(one)!.reason).slice(0, 5);
    const told = why.map((one) => `${quoted(one.name)} is ${found.get(one)!.reason}`).join("; ");
    throw new EngineError(
      `no column says anything about the target (${told || "there is none"}). Add one that ` +
        "differs between rows.",
    );
  }
  const values = inputs.flatMap((input) => input.values);
  checkNumbers(name, rows.length, values.length + (target.outputs.length > 2 ? target.outputs.length : 1));
  const X = new Float64Array(rows.length * values.length);
  values.forEach((column, place) =>
    column.forEach((value, row) => (X[row * values.length + place] = value)),
  );
  return {
    name,
    inputs: inputs.flatMap((input) => input.names),
    kind: target.kind,
    target: chosen.name,
    outputs: target.outputs,
    X,
    y: target.y,
    rows: rows.length,
    notes: [
      ...headNotes(columns),
      ...columns.map((one) =>
        one === chosen ? targetNote(one, target, one.words.length - rows.length) : found.get(one)!.note,
      ),
    ],
    columns: columns.map((column) => column.name),
  };
}

function checkNumbers(name: string, rows: number, width: number): void {
  const [r, w, all, most] = [rows, width, rows * width, MOST_NUMBERS].map((n) => n.toLocaleString("en"));
  if (rows * width > MOST_NUMBERS || rows > MOST_ROWS)
    refuse(
      name,
      `${r} rows of ${w} inputs and outputs are ${all} numbers, and at most ${most} are taken. ` +
        "Leave rows or columns out.",
    );
}

function headNotes(columns: readonly Column[]): string[] {
  if (!columns.every(({ name }, place) => name === `column_${place + 1}`)) return [];
  const last = columns[columns.length - 1].name;
  return [`the first line is taken as a row: the columns are named column_1 to ${last}`];
}

function targetNote({ name }: Column, { kind, y, outputs }: Target, missing: number): string {
  let note = `${name}: the target, `;
  if (kind === "classes") note += `${outputs.length} classes`;
  else {
    const [low, high] = y.reduce(
      ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
      [Infinity, -Infinity],
    );
    note += `numbers from ${shown(low)} to ${shown(high)}`;
  }
  if (missing) note += `; ${missing.toLocaleString("en")} row${missing === 1 ? "" : "s"} without it left out`;
  return note;
}
