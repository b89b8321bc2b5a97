/** The target of a table: why a column cannot be one, and its classes or values. */
import { EngineError, type Learned } from "../protocol";
import { quoted } from "./csv";
import { shown, strayWords, type Column } from "./csv_columns";

const MOST_CLASSES = 100;
/** Whole numbers are classes up to so many, with so many rows of each on average. */
const MOST_WHOLE = 20;
const ROWS_PER_CLASS = 5;

/** Whether a cell is not missing. */
export const isKnown = (column: Column, row: number): boolean =>
  column.numbers ? !Number.isNaN(column.numbers[row]) : column.words[row] !== null;

/** Why a column cannot be the target, or null. */
export function targetProblem(column: Column, learned: Learned): string | null {
  const name = quoted(column.name);
  const known = column.words.flatMap((_, row) => (isKnown(column, row) ? [row] : []));
  if (known.length < 2)
    return (
      `column ${name} must hold a target in at least two rows (got ${known.length}). Add rows, ` +
      "or choose another target."
    );
  const stray = strayWords(column);
  if (stray) return `column ${name}: ${stray}. Mend the cell, or choose another target.`;
  const values = new Set(
    known.map((row) => (column.numbers ? column.numbers[row] : column.words[row])),
  );
  if (values.size === 1)
    return (
      `column ${name} is the same in every row: there is nothing to learn. Choose another ` +
      "target."
    );
  if (!column.numbers && learned === "values")
    return (
      `column ${name} holds words, which are classes and no values. Learn it as classes, or ` +
      "choose another target."
    );
  const kind = column.numbers ? "numbers" : "words";
  if ((kind === "words" || learned === "classes") && values.size > MOST_CLASSES)
    return (
      `column ${name} holds ${values.size.toLocaleString("en")} different ${kind}, and a target ` +
      `has at most ${MOST_CLASSES} classes here. Choose another target.`
    );
  return null;
}

export interface Target {
  readonly kind: "classes" | "values";
  readonly y: Float64Array;
  readonly outputs: readonly string[];
}

export function targetOf(column: Column, rows: readonly number[], learned: Learned): Target {
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
    const asClasses =
      learned === "classes" || (learned === "auto" && areClasses(classes, values.length));
    if (!asClasses) return { kind: "values", y: values, outputs: [name] };
    return {
      kind: "classes",
      y: values.map((value) => classes.indexOf(value)),
      outputs: classes.map(shown),
    };
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

export function targetNote(
  { name }: Column,
  { kind, y, outputs }: Target,
  missing: number,
): string {
  let note = `${name}: the target, `;
  if (kind === "classes") note += `${outputs.length} classes`;
  else {
    const [low, high] = y.reduce(
      ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
      [Infinity, -Infinity],
    );
    note += `numbers from ${shown(low)} to ${shown(high)}`;
  }
  if (missing)
    note += `; ${missing.toLocaleString("en")} row${missing === 1 ? "" : "s"} without it left out`;
  return note;
}
