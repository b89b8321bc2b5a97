/**
 * A CSV file of numbers as a table, where no server reads it: numbers in, classes or values out.
 *
 * It takes, says and leaves out what the library's own preparation does, but for columns of words:
 * they are left out, unless one is the target and names classes.
 */
import { EngineError, type FirstLine, type Learned, type TableRead } from "../protocol";
import { cellsOf, quoted, refuse, textOf } from "./csv";
import { columnsOf, shown, strayWords, type Column } from "./csv_columns";
import { TargetError } from "./target_error";
import { isKnown, targetNote, targetOf, targetProblem } from "./csv_target";

/**
 * Numbers of X and the targets together. Of more rows, some are taken evenly, as long as these are
 * not too few.
 */
const MOST_NUMBERS = 6_000_000;
const LEAST_ROWS = 100;
/** Columns that are named where none is of use. */
const MOST_TOLD = 5;

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
  /** Why it is left out, for the sentence that nothing is left: "is empty". */
  readonly reason: string;
}

function prepared(column: Column, rows: readonly number[], counts: boolean): Prepared {
  const { name, numbers } = column;
  const leftOut = (reason: string): Prepared => ({
    note: `${name}: left out, it ${reason}`,
    input: null,
    reason,
  });
  if (counts) return leftOut("only counts the rows");
  if (!numbers) {
    if (rows.every((row) => column.words[row] === null)) return leftOut("is empty");
    const stray = strayWords(column);
    return leftOut(stray ? `is words (${stray})` : "is words, which only deltarule play reads");
  }
  const values = Float64Array.from(rows, (row) => numbers[row]);
  const infinite = rows.find((row) => Math.abs(numbers[row]) === Infinity);
  if (infinite !== undefined)
    throw new EngineError(
      `column ${quoted(name)} must hold finite numbers (got ${column.words[infinite]} in row ` +
        `${infinite + 1}). Correct the cell or leave it empty.`,
    );
  const present = values.filter((value) => !Number.isNaN(value)).sort();
  if (!present.length) return leftOut("is empty");
  const [low, high] = [present[0], present[present.length - 1]];
  const holes = values.length - present.length;
  if (low === high && !holes) return leftOut("is the same in every row");
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
      `one column, ${quoted(columns[0].name)}. A table takes at least two, what is known and ` +
        "what is to be predicted, with commas, semicolons or tabs between the cells.",
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
    throw new EngineError(
      `the table has no column ${quoted(wanted ?? "")}. Choose one that it has.`,
    );
  const problem = targetProblem(chosen, learned);
  const refused = (why: string) =>
    new TargetError(why, chosen.name, columns.map((column) => column.name));
  if (problem) throw refused(problem);
  const rows = chosen.words.flatMap((_, row) => (isKnown(chosen, row) ? [row] : []));
  const target = targetOf(chosen, rows, learned);
  const others = columns.filter((column) => column !== chosen);
  const found = new Map(others.map((one) => [one, prepared(one, rows, countsRows(one))]));
  const inputs = [...found.values()].flatMap(({ input }) => (input ? [input] : []));
  if (!inputs.length)
    throw refused(
      nothingLeft(
        chosen.name,
        others.map((one) => `${quoted(one.name)} ${found.get(one)!.reason}`),
      ),
    );
  const values = inputs.flatMap((input) => input.values);
  const width = values.length + (target.outputs.length > 2 ? target.outputs.length : 1);
  const taken = rowsTaken(name, rows.length, width);
  const X = new Float64Array(taken.length * values.length);
  values.forEach((column, place) =>
    taken.forEach((row, at) => (X[at * values.length + place] = column[row])),
  );
  return {
    name,
    inputs: inputs.flatMap((input) => input.names),
    kind: target.kind,
    target: chosen.name,
    outputs: target.outputs,
    X,
    y: Float64Array.from(taken, (row) => target.y[row]),
    rows: taken.length,
    notes: [
      ...headNotes(columns),
      ...sampleNotes(taken.length, rows.length),
      ...columns.map((one) =>
        one === chosen
          ? targetNote(one, target, one.words.length - rows.length)
          : found.get(one)!.note,
      ),
    ],
    columns: columns.map((column) => column.name),
  };
}

/** That no column beside the target says anything, and why none does. */
function nothingLeft(target: string, others: readonly string[]): string {
  const told = others.slice(0, MOST_TOLD);
  if (others.length > MOST_TOLD)
    told.push(`and ${(others.length - MOST_TOLD).toLocaleString("en")} more`);
  return (
    `column ${quoted(target)} is taken as the target, and no other column says anything about ` +
    `it: ${told.join("; ")}. Choose another target, or add a column that differs between rows.`
  );
}

/** Which rows are taken, evenly of all of them; `width`: inputs and outputs. */
export function rowsTaken(name: string, rows: number, width: number): Int32Array {
  const most = Math.min(rows, Math.floor(MOST_NUMBERS / width));
  if (most < Math.min(rows, LEAST_ROWS)) {
    const [r, w, all, limit] = [rows, width, rows * width, MOST_NUMBERS].map((n) =>
      n.toLocaleString("en"),
    );
    refuse(
      name,
      `${r} rows of ${w} inputs and outputs are ${all} numbers, and at most ${limit} are taken. ` +
        "Leave columns out.",
    );
  }
  return Int32Array.from({ length: most }, (_, place) => Math.floor((place * rows) / most));
}

function sampleNotes(taken: number, rows: number): string[] {
  if (taken === rows) return [];
  const [some, all] = [taken, rows].map((count) => count.toLocaleString("en"));
  return [`${some} of ${all} rows are taken, evenly from the first to the last`];
}

function headNotes(columns: readonly Column[]): string[] {
  if (!columns.every(({ name }, place) => name === `column_${place + 1}`)) return [];
  const last = columns[columns.length - 1].name;
  return [`the first line is taken as a row: the columns are named column_1 to ${last}`];
}
