/** What the units of a network say on many rows, as bytes: what a page paints. */

import type { Maps } from "../protocol";
import type { ActivationName } from "./names";
import type { DenseLayer } from "./work";

/** Where the outputs of an activation lie, for those that are bounded. */
const BOUNDS: Partial<Record<ActivationName, readonly [number, number]>> = {
  logistic: [0, 1],
  softmax: [0, 1],
  tanh: [-1, 1],
  sign: [-1, 1],
};

/**
 * The outputs of layers, (rows, units) each, as bytes between a low and a high of each unit.
 *
 * Units shallow to deep; of an unbounded activation low and high lie even about 0.
 */
export function paint(layers: readonly DenseLayer[], outputs: readonly Float64Array[]): Maps {
  const rows = outputs[0].length / layers[0].units;
  const units = layers.reduce((sum, layer) => sum + layer.units, 0);
  const maps = {
    levels: new Uint8Array(units * rows),
    low: new Float64Array(units),
    high: new Float64Array(units),
  };
  let unit = 0;
  layers.forEach((layer, index) => {
    const values = outputs[index];
    for (let own = 0; own < layer.units; own += 1, unit += 1) {
      const [low, high] = BOUNDS[layer.activation] ?? evenBounds(values, own, layer.units);
      maps.low[unit] = low;
      maps.high[unit] = high;
      const levels = maps.levels.subarray(unit * rows, (unit + 1) * rows);
      level(values, own, layer.units, low, 255 / (high - low), levels);
    }
  });
  return maps;
}

/** The smallest and the largest number of each column of matrices, side by side. */
export function extremes(
  matrices: readonly Float64Array[],
  widths: readonly number[],
): { low: Float64Array; high: Float64Array } {
  const columns = widths.reduce((sum, width) => sum + width, 0);
  const low = new Float64Array(columns).fill(Infinity);
  const high = new Float64Array(columns).fill(-Infinity);
  let first = 0;
  matrices.forEach((values, index) => {
    const width = widths[index];
    values.forEach((value, at) => {
      const column = first + (at % width);
      low[column] = Math.min(low[column], value); // NaN stays NaN
      high[column] = Math.max(high[column], value);
    });
    first += width;
  });
  return { low, high };
}

/** A unit's outputs, one every `units` numbers, as bytes. */
function level(
  values: Float64Array,
  own: number,
  units: number,
  low: number,
  scale: number,
  to: Uint8Array,
): void {
  for (let row = 0, at = own; row < to.length; row += 1, at += units) {
    const value = values[at];
    const byte = ((value === value ? value : 0) - low) * scale + 0.5; // NaN counts as 0
    to[row] = byte > 255 ? 255 : byte > 0 ? byte | 0 : 0;
  }
}

/** The largest of what a unit says, as far as a picture goes. */
function evenBounds(values: Float64Array, own: number, units: number): [number, number] {
  let most = 1e-30;
  for (let at = own; at < values.length; at += units) {
    const size = Math.abs(values[at]);
    if (size > most) most = size;
  }
  most = Math.min(most, 3e38);
  return [-most, most];
}
