/** The even grid over the first two inputs on which maps of two-dimensional data are drawn. */
import type { TableRead } from "../../protocol";

export interface Frame {
  readonly low: readonly [number, number];
  readonly high: readonly [number, number];
}

/** A square around all points, a little larger than they need. */
export function frameOf(table: TableRead): Frame {
  let low = Infinity;
  let high = -Infinity;
  for (const value of table.X) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const room = 0.15 * (high - low || 1);
  return { low: [low - room, low - room], high: [high + room, high + room] };
}

/** The grid's points row after row from the top, x₁ to the right and x₂ upwards. */
export function gridPoints({ low, high }: Frame, count: number): Float64Array {
  const points = new Float64Array(2 * count * count);
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1) {
      const place = 2 * (row * count + column);
      points[place] = low[0] + ((column + 0.5) / count) * (high[0] - low[0]);
      points[place + 1] = high[1] - ((row + 0.5) / count) * (high[1] - low[1]);
    }
  return points;
}
