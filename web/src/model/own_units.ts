/**
 * Numbers of a network as the table has them: a price as a price, a category as a word.
 *
 * Rows of a `TableRead` are what the network sees, but for the page's own standardizing of inputs
 * (`Problem.scaling`); a table that says where its numbers come from (`origin`) is written here in
 * its own units. All of it is labels: nothing is computed with them.
 */
import { plain, short } from "../parts/numbers";
import type { OwnColumn, OwnTarget, TableRead } from "../protocol";
import type { Problem } from "./problem";

const asItIs = (name: string, first: number): OwnColumn => ({
  name,
  first,
  count: 1,
  shift: 0,
  scale: 1,
  bend: 0,
  levels: [],
});

/** The columns that a table had; its inputs one by one where nobody says what they were. */
export function columnsOf(table: TableRead): readonly OwnColumn[] {
  const columns = table.origin?.columns ?? [];
  return columns.length ? columns : table.inputs.map(asItIs);
}

/** The column that an input belongs to. */
export function columnOf(table: TableRead, input: number): OwnColumn {
  const found = columnsOf(table).find(({ first, count }) => input >= first && input < first + count);
  return found ?? asItIs(table.inputs[input], input);
}

/** A number of a column's own units; ±∞ at the end of a bent scale. */
export function ownNumber({ shift, scale, bend }: OwnColumn, value: number): number {
  const share = bend > 0 ? value / bend : 0;
  if (Math.abs(share) >= 1) return Math.sign(share) * Infinity;
  const own = shift + (scale * value) / Math.sqrt(1 - share * share);
  if (bend === 0) return own;
  // A model of a table meets numbers of single precision, which the bend makes coarse far out: what is
  // below that is rounding.
  const coarse = (scale * bend * SINGLE) / (1 - share * share) ** 1.5;
  const unit = 10 ** Math.ceil(Math.log10(coarse));
  return Number((Math.round(own / unit) * unit).toPrecision(12));
}

const SINGLE = 2 ** -23;

/** A number as it may have stood in a table; three digits where nobody says that it stood in one. */
export function written(table: TableRead, value: number): string {
  return table.origin && Number.isFinite(value) ? plain(value, 6) : short(value);
}

/** What stands in a row's cell of a column; its inputs begin at `start` of `X`. */
export function cellOf(table: TableRead, column: OwnColumn, X: Float64Array, start = 0): string {
  const { first, count, levels } = column;
  const inputs = X.subarray(start + first, start + first + count);
  if (levels.length === 2 && count === 1) return inputs[0] === 0 ? MISSING : levels[Number(inputs[0] > 0)];
  if (levels.length) return levels[inputs.findIndex((value) => value > 0)] ?? MISSING;
  return count === 2 && inputs[1] === 1 ? MISSING : written(table, ownNumber(column, inputs[0]));
}

/** Of a hole, and of a word that training never met. */
const MISSING = "none known";

/** From where to where an input goes, as the table has it. */
export function spanOf(table: TableRead, input: number, low: number, high: number): string {
  const column = columnOf(table, input);
  if (column.levels.length === 2 && column.count === 1) return column.levels.join(" … ");
  if (column.levels.length || input > column.first) return "no … yes";
  const end = (value: number) => written(table, Number(ownNumber(column, value).toPrecision(5)));
  return `${end(low)} … ${end(high)}`;
}

const targetOf = (table: TableRead, output: number): OwnTarget | undefined => table.origin?.targets[output];

/** Whether targets are written in other numbers than those that are learned. */
export const hasOwnTargets = (table: TableRead): boolean => (table.origin?.targets.length ?? 0) > 0;

export function ownTarget(table: TableRead, output: number, value: number): number {
  const found = targetOf(table, output);
  return found ? found.shift + found.scale * value : value;
}

/** A prediction, held where the model of a table holds it. */
export function ownPrediction(table: TableRead, output: number, value: number): number {
  const found = targetOf(table, output);
  const own = ownTarget(table, output, value);
  return found ? Math.min(Math.max(own, found.low), found.high) : own;
}

/** Where predictions of the first target are held; null where they are not. */
export function heldBetween(table: TableRead): readonly [number, number] | null {
  const found = targetOf(table, 0);
  return found && Number.isFinite(found.low) ? [found.low, found.high] : null;
}

/** A row as the network sees it, as the table has it. */
export function fromNetwork({ scaling, table }: Problem, x: Float64Array): Float64Array {
  const fits = x.length === table.inputs.length;
  return fits ? x.map((value, input) => value * scaling.scale[input] + scaling.center[input]) : x;
}

/** Whether the network meets other numbers than the page writes. */
export function isTranslated({ scaling, table }: Problem): boolean {
  const scaled = scaling.scale.some((scale) => scale !== 1) || scaling.center.some((center) => center !== 0);
  const other = ({ shift, scale, bend, levels }: OwnColumn) =>
    shift !== 0 || scale !== 1 || bend !== 0 || levels.length > 0;
  return scaled || hasOwnTargets(table) || (table.origin?.columns ?? []).some(other);
}
