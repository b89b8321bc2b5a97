/** What losses are defined for, and where they and activations bend, as the library says. */

import { EngineError } from "../protocol";
import type { ActivationName, LossName } from "./names";
import type { DenseNetwork } from "./work";

/** Output activations that a loss is defined for; any where none are named. */
const ALLOWED: Partial<Record<LossName, readonly ActivationName[]>> = {
  poisson: ["exp", "logistic", "softmax", "softplus"],
  log_loss: ["logistic", "softmax"],
  perceptron: ["identity", "sign"],
};

/** The z at which an activation or its derivative jumps. */
const KINKS: Partial<Record<ActivationName, readonly number[]>> = {
  relu: [0],
  leaky_relu: [0],
  sign: [-1, 0, 1],
  selu: [0],
};

export function kinksOf(activation: ActivationName): readonly number[] {
  return KINKS[activation] ?? [];
}

/** The predictions (the z of the perceptron) at which the loss changes its formula. */
export function lossKinks({ loss, parameter }: DenseNetwork, target: number): readonly number[] {
  switch (loss) {
    case "absolute_error":
    case "quantile":
      return [target];
    case "huber":
      return [target - parameter, target + parameter];
    case "perceptron":
      return [0];
    default:
      return [];
  }
}

/** Refuses an output activation that the loss is not defined for. */
export function checkLoss({ layers, loss }: DenseNetwork): void {
  const { activation, units } = layers[layers.length - 1];
  const allowed = ALLOWED[loss];
  if (allowed && !allowed.includes(activation))
    throw new EngineError(
      `loss '${loss}' is defined for the output activations ${allowed.join(", ")} ` +
        `(got '${activation}'). Choose one of them.`,
    );
  if (loss === "log_loss" && activation === "softmax" && units < 2)
    throw new EngineError(
      "a softmax output with log_loss needs at least 2 units (got 1). Use the logistic output " +
        "activation for one unit.",
    );
}

/** Refuses targets (rows, outputs) that the loss is not defined for. */
export function checkTargets({ layers, loss }: DenseNetwork, D: Float64Array): void {
  const { activation, units } = layers[layers.length - 1];
  if (loss === "poisson") {
    const low = D.reduce((least, d) => Math.min(least, d), 0);
    if (low < 0)
      throw new EngineError(
        `loss 'poisson' needs targets of at least 0 (got ${short(low)}). ` +
          "Use 'squared_error' for targets of either sign.",
      );
  }
  if (loss === "perceptron") {
    const other = D.find((d) => Math.abs(d) !== 1);
    if (other !== undefined)
      throw new EngineError(
        `loss 'perceptron' needs targets of -1 and +1 (got ${short(other)}). ` +
          "Encode the two classes as -1 and +1.",
      );
  }
  if (loss !== "log_loss") return;
  const low = D.reduce((least, d) => Math.min(least, d), 0);
  const high = D.reduce((most, d) => Math.max(most, d), 0);
  if (low < 0 || high > 1)
    throw new EngineError(
      `loss 'log_loss' needs targets between 0 and 1 (got ${short(low < 0 ? low : high)}). ` +
        "Encode the classes as 0 and 1.",
    );
  if (activation === "softmax") checkSums(D, units);
}

function checkSums(D: Float64Array, units: number): void {
  let [worst, row] = [0, 0];
  for (let begin = 0; begin < D.length; begin += units) {
    const sum = D.subarray(begin, begin + units).reduce((total, d) => total + d, 0);
    if (Math.abs(sum - 1) > Math.abs(worst)) [worst, row] = [sum - 1, begin / units];
  }
  if (Math.abs(worst) > 1e-5)
    throw new EngineError(
      "loss 'log_loss' behind a softmax needs targets that sum to 1 in every row " +
        `(got ${short(worst + 1)} in row ${row}). Use the logistic output activation for several ` +
        "labels at once.",
    );
}

/** A number with six digits, as sentences have them. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
