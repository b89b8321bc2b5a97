/**
 * Partial dependence in numbers: the mean prediction over rows in which a column takes each of some
 * values. A column of words takes each of its words, in all of its inputs at once.
 */
import { columnsOf, ownPrediction } from "../../model/own_units";
import { toNetwork, type Problem } from "../../model/problem";
import { usual } from "../../model/usual";
import type { OwnColumn, TableRead } from "../../protocol";
import { column as valuesOf, limits } from "./grid";

/** Values of a column of numbers, words of one of words, rows that are averaged. */
export const VALUES = 33;
export const WORDS = 24;
export const ROWS = 60;
/** Outputs that are drawn. */
export const OUTPUTS = 10;

export interface Curve {
  readonly column: OwnColumn;
  /** What the inputs of the column are at each point; one point where all rows have the same. */
  readonly points: readonly Float64Array[];
  /** Of each output, its mean at each point, as the table has it. */
  readonly means: readonly Float64Array[];
}

export interface Asked {
  readonly columns: readonly OwnColumn[];
  readonly points: readonly (readonly Float64Array[])[];
  readonly rows: number;
  /** For each column and each of its points the rows, as the network sees them. */
  readonly X: Float64Array;
}

export const isWords = ({ levels }: OwnColumn): boolean => levels.length > 0;

/** What the inputs of a column are at each of its points. */
export function pointsOf(table: TableRead, column: OwnColumn): Float64Array[] {
  const { first, count, levels } = column;
  if (levels.length === 2 && count === 1) return [Float64Array.of(-1), Float64Array.of(1)];
  if (levels.length === 1) return [Float64Array.of(0), Float64Array.of(1)];
  if (levels.length)
    return levels.slice(0, WORDS).map((_, level) => {
      const point = new Float64Array(count);
      point[level] = 1;
      return point;
    });
  const [low, high] = limits(valuesOf(table, first));
  const many = high > low ? VALUES : 1;
  // What a second input says of holes: there is none.
  return Array.from({ length: many }, (_, step) => {
    const point = new Float64Array(count);
    point[0] = low + (step / Math.max(many - 1, 1)) * (high - low);
    return point;
  });
}

/** Columns in whose rows something changes. */
export function varying(table: TableRead): boolean[] {
  return columnsOf(table).map((column) => {
    if (isWords(column)) return true;
    const [low, high] = limits(valuesOf(table, column.first));
    return high > low;
  });
}

export function dependenceRows(made: Problem, columns: readonly OwnColumn[]): Asked {
  const { table } = made;
  const width = table.inputs.length;
  const count = Math.min(ROWS, made.train.length);
  const rows = Array.from({ length: count }, (_, place) => made.train[Math.floor((place * made.train.length) / count)]);
  const all = columns.map((column) => pointsOf(table, column));
  // A column that stays as it is has nothing to be asked for.
  const points = all.map((found) => (found.length > 1 ? found : []));
  const X = new Float64Array(points.flat().length * count * width);
  let place = 0;
  points.forEach((found, index) => {
    for (const point of found)
      for (const row of rows) {
        X.set(table.X.subarray(row * width, (row + 1) * width), place);
        X.set(point, place + columns[index].first);
        place += width;
      }
  });
  return { columns, points: all, rows: count, X: toNetwork(made.scaling, X) };
}

/** Whether curves are drawn as the table has the target: of several each would need its own axis. */
export const inOwnUnits = ({ origin }: TableRead): boolean => origin?.targets.length === 1;

export function averaged({ table }: Problem, asked: Asked, outputs: Float64Array, width: number): Curve[] {
  const own = inOwnUnits(table);
  const value = (unit: number, output: number) => (own ? ownPrediction(table, unit, output) : output);
  let first = 0;
  return asked.columns.map((column, index) => {
    const points = asked.points[index];
    if (points.length < 2) return { column, points, means: [] };
    const begin = first;
    first += points.length * asked.rows;
    const means = Array.from({ length: Math.min(width, OUTPUTS) }, (_, unit) =>
      Float64Array.from(points, (_, step) => {
        const from = begin + step * asked.rows;
        let sum = 0;
        for (let row = from; row < from + asked.rows; row += 1) sum += value(unit, outputs[row * width + unit]);
        return sum / asked.rows;
      }),
    );
    return { column, points, means };
  });
}

/**
 * The height of all pictures: 0 to 1 for one probability, from 0 to the highest curve for several; else
 * what the curves and the usual targets take.
 */
export function heightOf(made: Problem, curves: readonly Curve[], targets: Float64Array): readonly [number, number] {
  const shares = ["logistic", "softmax"].includes(made.outputActivation);
  if (shares && made.outputs.length <= 2) return [0, 1];
  let [low, high] = made.table.kind === "classes" ? [Infinity, -Infinity] : usual(targets);
  if (shares) [low, high] = [0, 0.1];
  for (const value of curves.flatMap(({ means }) => means.flatMap((values) => [...values])))
    if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [low, high] : [0, 1];
}
