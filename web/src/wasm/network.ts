/** A network as the library's records describe it, and what this engine makes of it. */

import type { Slot } from "../protocol";
import { EngineError } from "../protocol";
import { whole, wrong } from "./checks";
import { MOST_PARAMETERS, sizeOf } from "./describe";
import { Given } from "./given";
import { activationOf, lossOf } from "./options";
import type { DenseLayer, DenseNetwork } from "./work";

const HERE = "on a page without a server";
const SERVER = "Open it with: deltarule play";

export class Network implements DenseNetwork {
  readonly layers: readonly DenseLayer[];
  readonly loss: DenseNetwork["loss"];
  readonly parameter: number;
  readonly size: number;
  /** Where each block of parameters stands in the vector. */
  readonly slots: readonly Slot[];

  constructor(described: DenseNetwork) {
    this.layers = described.layers;
    this.loss = described.loss;
    this.parameter = described.parameter;
    this.size = sizeOf(described);
    this.slots = slotsOf(described.layers);
  }

  get inputs(): number {
    return this.layers[0].inputs;
  }

  get outputs(): number {
    return this.last.units;
  }

  get last(): DenseLayer {
    return this.layers[this.layers.length - 1];
  }

  /** The part of a vector that belongs to a layer. */
  part(vector: Float64Array, layer: number): Float64Array {
    const own = this.slots.filter((slot) => slot.layer === layer);
    return vector.subarray(own[0].start, own[own.length - 1].stop);
  }

  /** Calls `use` for the weights of each layer, which alone are penalised. */
  eachWeights(vector: Float64Array, use: (weights: Float64Array) => void): void {
    for (const { block, start, stop } of this.slots)
      if (block === "weight") use(vector.subarray(start, stop));
  }
}

function slotsOf(layers: readonly DenseLayer[]): Slot[] {
  const slots: Slot[] = [];
  let start = 0;
  layers.forEach(({ inputs, units, bias }, layer) => {
    const add = (block: string, shape: readonly number[]): void => {
      const stop = start + shape.reduce((size, count) => size * count, 1);
      slots.push({ layer, block, start, stop, shape });
      start = stop;
    };
    add("weight", [inputs, units]);
    if (bias) add("bias", [units]);
  });
  return slots;
}

/** Dense layers under one head; what else the library knows is refused with a sentence. */
export function networkOf(record: unknown): Network {
  const given = new Given(record, "network");
  const layers = given.records("layers", 1000).map(layerOf);
  const heads = given.value("heads");
  if (!Array.isArray(heads) || heads.length !== 1)
    throw wrong("network.heads", `one head ${HERE}`, heads, SERVER);
  const head = new Given(heads[0], "network.heads[0]");
  const last = layers[layers.length - 1];
  const [begin, end] = columnsOf(head);
  if (begin !== 0 || end !== last.units)
    throw wrong("network.heads", `to cover ${last.units} output columns`, [begin, end]);
  if (head.number("weight") !== 1 || head.has("class_weights"))
    throw wrong("network.heads[0]", `without weights ${HERE}`, "weights", SERVER);
  if (head.has("activation"))
    throw wrong("network.heads[0]", `without an activation ${HERE}`, "activation", SERVER);
  const { name: loss, parameter } = lossOf(head.value("loss"), head.place("loss"));
  const size = layers.reduce((sum, { inputs, units, bias }) => sum + units * (inputs + +bias), 0);
  if (size > MOST_PARAMETERS)
    throw new EngineError(
      `network must have at most ${MOST_PARAMETERS.toLocaleString("en")} parameters to be opened ` +
        `here (got ${size.toLocaleString("en")}). Train it from Python or the command instead.`,
    );
  return new Network({ layers, loss, parameter });
}

function layerOf(given: Given): DenseLayer {
  const kind = given.value("name");
  if (kind !== "dense") throw wrong(given.where, `a dense layer ${HERE}`, kind, SERVER);
  for (const factor of ["weight_rate_factor", "bias_rate_factor"])
    if (given.has(factor))
      throw wrong(given.place(factor), `left out ${HERE}`, given.value(factor), SERVER);
  const { name, parameter } = activationOf(given.value("function"), given.place("function"));
  return {
    inputs: given.whole("inputs", 1, MOST_PARAMETERS),
    units: given.whole("units", 1, MOST_PARAMETERS),
    activation: name,
    parameter,
    bias: given.flag("bias"),
  };
}

function columnsOf(head: Given): [number, number] {
  const columns = head.value("columns");
  if (!Array.isArray(columns) || columns.length !== 2)
    throw wrong(head.place("columns"), "two whole numbers", columns);
  const [begin, end] = columns.map((column) => whole(column, head.place("columns"), 0, 2 ** 31));
  return [begin, end];
}
