/**
 * From choices and a table to what an engine is asked to open, and how to read what it answers.
 *
 * A `Problem` remembers how rows became what the network sees (`toNetwork`), so that maps can be
 * drawn over the table's own axes.
 */
import type { LayerRecord, Named, Open, Plan, Rows, TableRead } from "../protocol";
import { Draw } from "./draw";
import { activationRecord, lossRecord, type Settings } from "./settings";

/** (x − center) / scale of each input; ones and zeros where nothing is standardized. */
export interface Scaling {
  readonly center: Float64Array;
  readonly scale: Float64Array;
}

export interface Problem {
  readonly table: TableRead;
  readonly open: Open;
  readonly scaling: Scaling;
  /** Rows of the table to train on, and those held out. */
  readonly train: Int32Array;
  readonly held: Int32Array;
  readonly outputActivation: string;
  /** Names of the outputs: classes, the one class that 1 stands for, or target columns. */
  readonly outputs: readonly string[];
}

/** Widths from the inputs to the outputs. */
export function unitsOf(open: Open): number[] {
  const { layers } = open.network;
  return [layers[0].inputs, ...layers.map((layer) => layer.units)];
}

/** How many outputs a table asks for: one for values and for two classes. */
export function outputCount(table: TableRead): number {
  return table.kind === "classes" && table.outputs.length > 2 ? table.outputs.length : 1;
}

/** What "auto" stands for, as in the library, but for classes under squared error: the notes' σ. */
export function outputActivation(settings: Settings, table: TableRead): string {
  if (settings.output_activation !== "auto") return settings.output_activation;
  if (settings.loss === "log_loss") return outputCount(table) > 1 ? "softmax" : "logistic";
  if (settings.loss === "poisson") return "exp";
  if (settings.loss === "perceptron") return "sign";
  return table.kind === "classes" ? "logistic" : "identity";
}

/** Targets of classes: 0 and 1, or −1 and +1 for tanh and sign. */
export function encodeTargets(table: TableRead, activation: string): Float64Array {
  const width = outputCount(table);
  if (table.kind !== "classes") return table.y;
  const low = activation === "tanh" || activation === "sign" ? -1 : 0;
  const D = new Float64Array(table.rows * width).fill(low);
  for (let row = 0; row < table.rows; row += 1) {
    if (width === 1) D[row] = table.y[row] === 1 ? 1 : low;
    else D[row * width + table.y[row]] = 1;
  }
  return D;
}

export function planOf(settings: Settings): Plan {
  const { l1, l2 } = settings;
  let penalty: Named | null = null;
  if (l1 > 0 && l2 > 0) penalty = { name: "l1l2", l1, l2 };
  else if (l2 > 0) penalty = { name: "l2", strength: l2 };
  else if (l1 > 0) penalty = { name: "l1", strength: l1 };
  return {
    optimizer: settings.optimizer,
    learning_rate_init: settings.learning_rate_init,
    schedule: settings.schedule,
    batch_size: settings.batch_size,
    sampling: settings.sampling,
    penalty,
    max_epochs: settings.max_epochs,
    key: settings.seed,
  };
}

function split(settings: Settings, rows: number): [Int32Array, Int32Array] {
  const count = Math.min(Math.round(settings.held * rows), rows - 1);
  if (count <= 0) return [Int32Array.from({ length: rows }, (_, row) => row), new Int32Array(0)];
  const order = new Draw(settings.seed + 1).permutation(rows);
  return [order.slice(count).sort(), order.slice(0, count).sort()];
}

/** Mean and standard deviation of the rows to train on; a constant column is left as it is. */
function scalingOf(table: TableRead, rows: Int32Array, standardize: boolean): Scaling {
  const width = table.inputs.length;
  const center = new Float64Array(width);
  const scale = new Float64Array(width).fill(1);
  if (!standardize) return { center, scale };
  for (let column = 0; column < width; column += 1) {
    let sum = 0;
    for (const row of rows) sum += table.X[row * width + column];
    center[column] = sum / rows.length;
    let squares = 0;
    for (const row of rows) squares += (table.X[row * width + column] - center[column]) ** 2;
    const deviation = Math.sqrt(squares / rows.length);
    if (deviation > 0) scale[column] = deviation;
  }
  return { center, scale };
}

/** Rows of the table's own axes as the network sees them. */
export function toNetwork(scaling: Scaling, X: Float64Array): Float64Array {
  const width = scaling.center.length;
  return X.map((value, index) => {
    const column = index % width;
    return (value - scaling.center[column]) / scaling.scale[column];
  });
}

function picked(X: Float64Array, D: Float64Array, rows: Int32Array, count: number): Rows {
  const inputs = X.length / count;
  const outputs = D.length / count;
  const taken = { X: new Float64Array(rows.length * inputs), D: new Float64Array(rows.length * outputs) };
  rows.forEach((row, place) => {
    taken.X.set(X.subarray(row * inputs, (row + 1) * inputs), place * inputs);
    taken.D.set(D.subarray(row * outputs, (row + 1) * outputs), place * outputs);
  });
  return { ...taken, rows: rows.length };
}

export function makeProblem(settings: Settings, table: TableRead): Problem {
  const activation = outputActivation(settings, table);
  const widths = [table.inputs.length, ...settings.hidden, outputCount(table)];
  const layers: LayerRecord[] = widths.slice(1).map((units, index) => ({
    name: "dense",
    inputs: widths[index],
    units,
    function: activationRecord(index === widths.length - 2 ? activation : settings.activation, settings),
    bias: settings.bias,
  }));
  const [train, held] = split(settings, table.rows);
  const scaling = scalingOf(table, train, settings.standardize);
  const X = toNetwork(scaling, table.X);
  const D = encodeTargets(table, activation);
  const open: Open = {
    network: {
      layers,
      heads: [{ columns: [0, outputCount(table)], loss: lossRecord(settings), weight: 1 }],
    },
    plan: planOf(settings),
    initializer: settings.initializer,
    seed: settings.seed,
    train: picked(X, D, train, table.rows),
    held: held.length ? picked(X, D, held, table.rows) : null,
    start: null,
  };
  const outputs = outputCount(table) === 1 && table.kind === "classes" ? [table.outputs[1]] : table.outputs;
  return { table, open, scaling, train, held, outputActivation: activation, outputs };
}
