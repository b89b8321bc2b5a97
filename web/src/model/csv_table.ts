/**
 * A CSV file of numbers as a table, where no server reads it: numbers in, classes or values out.
 *
 * It takes, says and leaves out what the library's own preparation does, but for columns of words:
 * they are left out, unless one is the target and names classes.
 */
import { EngineError, type FirstLine, type Learned, type TableRead } from "../protocol";
import { cellsOf, MOST_ROWS, quoted, refuse, textOf } from "./csv";
import { columnsOf, shown, strayWords, type Column } from "./csv_columns";
import { isKnown, targetNote, targetOf, targetProblem } from "./csv_target";

/** Numbers of X and the targets together. */
export const MOST_NUMBERS = 6_000_000;

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
  const leftOut = (reason: string): Prepared => ({
    note: `${name}: left out, it is ${reason}`,
    input: null,
    reason,
  });
  if (counts)
    return { note: `${name}: left out, it only counts the rows`, input: null, reason: "" };
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
  checkNumbers(
    name,
    rows.length,
    values.length + (target.outputs.length > 2 ? target.outputs.length : 1),
  );
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
        one === chosen
          ? targetNote(one, target, one.words.length - rows.length)
          : found.get(one)!.note,
      ),
    ],
    columns: columns.map((column) => column.name),
  };
}

function checkNumbers(name: string, rows: number, width: number): void {
  const [r, w, all, most] = [rows, width, rows * width, MOST_NUMBERS].map((n) =>
    n.toLocaleString("en"),
  );
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
