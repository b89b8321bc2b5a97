/** The even grid over two inputs on which maps are drawn; all other inputs stand at their means. */
import { tellingInputs } from "../../model/telling";
import type { TableRead } from "../../protocol";

/** Lowest and highest value along the two axes. */
export interface Frame {
  readonly low: readonly [number, number];
  readonly high: readonly [number, number];
}

/**
 * The two inputs that are the axes: as chosen, where the table has them, else those that tell most
 * of the target. Of a single input twice that.
 */
export function axesOf(table: TableRead, chosen: readonly number[]): readonly [number, number] {
  const last = table.inputs.length - 1;
  const [x, y] = chosen.length === 2 ? chosen : tellingInputs(table);
  const first = Math.min(x, last);
  const second = Math.min(y, last);
  return first === second ? [0, Math.min(1, last)] : [first, second];
}

export function column(table: TableRead, input: number): Float64Array {
  const width = table.inputs.length;
  return Float64Array.from({ length: table.rows }, (_, row) => table.X[row * width + input]);
}

export function limits(values: Float64Array): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** Around all points, a little larger than they need; of two inputs alone a square. */
export function frameOf(table: TableRead, axes: readonly [number, number]): Frame {
  const spans = axes.map((input) => limits(column(table, input)));
  const alike = table.inputs.length === 2;
  const whole = limits(table.X);
  const [x, y] = alike ? [whole, whole] : spans;
  const widened = ([low, high]: readonly [number, number]): [number, number] => {
    const room = 0.15 * (high - low || 1);
    return [low - room, high + room];
  };
  const [left, right] = widened(x);
  const [below, above] = widened(y);
  return { low: [left, below], high: [right, above] };
}

/** Points of a map along each side: fewer where there are many units, which are then drawn small. */
export function gridCount(units: number): number {
  if (units <= 60) return 32;
  return units <= 200 ? 24 : 20;
}

/** The mean of each input. */
export function means(table: TableRead): Float64Array {
  const width = table.inputs.length;
  const found = new Float64Array(width);
  table.X.forEach((value, place) => (found[place % width] += value / table.rows));
  return found;
}

/** The grid's points row after row from the top, the first axis to the right, the second upwards. */
export function gridPoints(table: TableRead, axes: readonly [number, number], count: number): Float64Array {
  const { low, high } = frameOf(table, axes);
  const width = table.inputs.length;
  const still = means(table);
  const points = new Float64Array(width * count * count);
  for (let row = 0; row < count; row += 1)
    for (let across = 0; across < count; across += 1) {
      const place = width * (row * count + across);
      points.set(still, place);
      // Of a single input the second axis is the first one, which is written last.
      points[place + axes[1]] = high[1] - ((row + 0.5) / count) * (high[1] - low[1]);
      points[place + axes[0]] = low[0] + ((across + 0.5) / count) * (high[0] - low[0]);
    }
  return points;
}
