/** Networks and optimisers as the core is told them, checked. */

import { finite, oneOf, whole, wrong } from "./checks";
import { checkLoss } from "./losses";
import { ACTIVATIONS, LOSSES, OPTIMIZERS } from "./names";
import type { DenseNetwork, Optimizer } from "./work";

/** Parameters of the largest network: what a browser lets a page have is some hundred megabytes. */
export const MOST_PARAMETERS = 4_000_000;

/** The number of parameters, once the description is one of a network. */
export function sizeOf({ layers, loss, parameter }: DenseNetwork): number {
  whole(layers.length, "the number of layers", 1, 1000);
  let size = 0;
  layers.forEach((layer, index) => {
    const name = `layers[${index}]`;
    whole(layer.inputs, `${name}.inputs`, 1, MOST_PARAMETERS);
    whole(layer.units, `${name}.units`, 1, MOST_PARAMETERS);
    const below = layers[index - 1];
    if (below && below.units !== layer.inputs)
      throw wrong(`${name}.inputs`, `${below.units}, the units of the layer below`, layer.inputs);
    oneOf(layer.activation, `${name}.activation`, ACTIVATIONS);
    finite(layer.parameter, `${name}.parameter`);
    size += layer.units * (layer.inputs + Number(layer.bias));
  });
  oneOf(loss, "loss", LOSSES);
  finite(parameter, "the loss's parameter");
  checkLoss({ layers, loss, parameter });
  return whole(size, "the number of parameters", 1, MOST_PARAMETERS);
}

/** first, second, epsilon and weight_decay of `OptimizerSettings`. */
export function settings(optimizer: Optimizer): [number, number, number, number] {
  const named = (name: string, value: number): number => finite(value, `${optimizer.name}.${name}`);
  switch (optimizer.name) {
    case "sgd":
      return [0, 0, 0, 0];
    case "momentum":
    case "nesterov":
      return [named("momentum", optimizer.momentum), 0, 0, 0];
    case "rmsprop":
      return [named("decay", optimizer.decay), 0, named("epsilon", optimizer.epsilon), 0];
    case "adam":
    case "adamw":
      return [
        named("beta_1", optimizer.beta_1),
        named("beta_2", optimizer.beta_2),
        named("epsilon", optimizer.epsilon),
        optimizer.name === "adamw" ? named("weight_decay", optimizer.weight_decay) : 0,
      ];
    default:
      throw wrong(
        "optimizer",
        `one of ${OPTIMIZERS.join(", ")}`,
        (optimizer as { name: unknown }).name,
      );
  }
}
