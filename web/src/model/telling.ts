/** Which inputs of a table tell most of its target. */
import type { TableRead } from "../protocol";

const known = new WeakMap<TableRead, readonly number[]>();

/** The two inputs that tell most of the target: the axes on which a map says something. */
export function tellingInputs(table: TableRead): readonly number[] {
  const width = table.inputs.length;
  if (width <= 2) return [0, width - 1];
  let found = known.get(table);
  if (!found) {
    const share = Array.from({ length: width }, (_, input) => explained(table, input));
    const order = share.map((_, input) => input).sort((a, b) => share[b] - share[a] || a - b);
    found = order.slice(0, 2).sort((a, b) => a - b);
    known.set(table, found);
  }
  return found;
}

/**
 * Share of an input's spread that lies between the classes; its squared correlation with values.
 * An input that is the same in every row comes after all others.
 */
function explained(table: TableRead, input: number): number {
  const { X, y, rows } = table;
  const width = table.inputs.length;
  const at = (row: number) => X[row * width + input];
  let [sum, squares] = [0, 0];
  for (let row = 0; row < rows; row += 1) sum += at(row);
  const mean = sum / rows;
  for (let row = 0; row < rows; row += 1) squares += (at(row) - mean) ** 2;
  if (!(squares > 0)) return -1;
  if (table.kind !== "classes") {
    const middle = y.reduce((total, value) => total + value, 0) / rows;
    let [both, spread] = [0, 0];
    for (let row = 0; row < rows; row += 1) {
      both += (at(row) - mean) * (y[row] - middle);
      spread += (y[row] - middle) ** 2;
    }
    return spread > 0 ? both ** 2 / (squares * spread) : 0;
  }
  const sums = new Float64Array(table.outputs.length);
  const counts = new Float64Array(table.outputs.length);
  for (let row = 0; row < rows; row += 1) {
    sums[y[row]] += at(row) - mean;
    counts[y[row]] += 1;
  }
  return sums.reduce((total, one, k) => total + (counts[k] ? one ** 2 / counts[k] : 0), 0) / squares;
}
