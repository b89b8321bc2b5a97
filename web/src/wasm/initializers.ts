/** The guess W^0: first weights as the library's `initialize` draws them. */

import type { CoreModule } from "./module";
import type { Network } from "./network";
import type { Initializer } from "./options";
import { Generator, Stream } from "./random";
import type { DenseLayer } from "./work";

/** Of those that scale with the fans: variance = scale / fan. */
const BY_FAN: Readonly<Record<string, { scale: number; fan: "in" | "mean"; normal: boolean }>> = {
  glorot_uniform: { scale: 1, fan: "mean", normal: false },
  glorot_normal: { scale: 1, fan: "mean", normal: true },
  he_uniform: { scale: 2, fan: "in", normal: false },
  he_normal: { scale: 2, fan: "in", normal: true },
  lecun_uniform: { scale: 1, fan: "in", normal: false },
  lecun_normal: { scale: 1, fan: "in", normal: true },
};

export function initialize(
  module: CoreModule,
  network: Network,
  seed: bigint,
  initializer: Initializer,
): Float64Array {
  const vector = new Float64Array(network.size);
  let drawing = 0; // layers that have drawn: they are the epochs of the stream
  network.layers.forEach((layer, index) => {
    const generator = new Generator(module, seed, Stream.initial, BigInt(drawing));
    for (const { layer: owner, block, start, stop } of network.slots)
      if (owner === index)
        vector.set(fill(initializer, layer, block, stop - start, generator), start);
    drawing += Number(generator.drawn > 0);
  });
  return vector;
}

function fill(
  initializer: Initializer,
  { inputs, units, activation }: DenseLayer,
  block: string,
  count: number,
  generator: Generator,
): Float64Array {
  switch (initializer.name) {
    case "auto": {
      const bound = Math.sqrt((activation === "logistic" ? 2 : 6) / (inputs + units));
      return uniform(count, -bound, bound, generator);
    }
    case "uniform":
      return uniform(count, initializer.low, initializer.high, generator);
    case "normal":
      return normal(count, initializer.scale, generator);
    case "constant":
      return new Float64Array(count).fill(initializer.value);
    default: {
      if (block !== "weight") return new Float64Array(count);
      const by = BY_FAN[initializer.name];
      const variance = by.scale / (by.fan === "in" ? inputs : (inputs + units) / 2);
      if (by.normal) return normal(count, Math.sqrt(variance), generator);
      const bound = Math.sqrt(3 * variance);
      return uniform(count, -bound, bound, generator);
    }
  }
}

function uniform(count: number, low: number, high: number, generator: Generator): Float64Array {
  return generator.uniform(count).map((share) => low + (high - low) * share);
}

function normal(count: number, deviation: number, generator: Generator): Float64Array {
  return generator.normal(count).map((number) => deviation * number);
}
