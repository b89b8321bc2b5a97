/** f and ∂f/∂d̂ of every loss of the library, as formulas in d̂, d and z of one output. */
import type { HeadRecord, Named } from "../../protocol";
import { softplus, type Reasoned } from "./activations";
import {
  absolute,
  HALF,
  less,
  log,
  negative,
  ONE,
  over,
  plain,
  positivePart,
  signum,
  squared,
  sum,
  times,
  when,
  workedOut,
  type Expression,
} from "./expression";

/** One output: what goes into its loss. */
export interface Judged {
  readonly z: Expression;
  readonly prediction: Expression;
  readonly target: Expression;
  /** Its place among the outputs of its head. */
  readonly index: number;
}

/** Pairs of loss and output activation whose δ is d̂ − d. */
const CANONICAL = new Set(["log_loss softmax", "log_loss logistic", "squared_error identity", "poisson exp"]);

export const isCanonical = (loss: Named, activation: Named): boolean =>
  CANONICAL.has(`${loss.name} ${activation.name}`);

/** The loss judges z, and its derivative is δ itself. */
export const judgesSum = (loss: Named): boolean => loss.name === "perceptron";

/** Below this 1 − d̂ has lost digits: log loss is written from z. */
const SATURATED = 1e-6;

const zero = plain(0);
const of = (formula: Expression, because?: string): Reasoned =>
  because ? { formula, because } : { formula };

function quantileOf(loss: Named, index: number): number {
  const { quantile } = loss as unknown as { quantile: number | number[] };
  return Array.isArray(quantile) ? quantile[index % quantile.length] : quantile;
}

/** One output's part of f. */
export function lossTerm(loss: Named, activation: Named, output: Judged): Reasoned {
  const { prediction, target, z } = output;
  const residual = less(prediction, target);
  switch (loss.name) {
    case "squared_error":
      return of(times(HALF, squared(residual)));
    case "absolute_error":
      return of(absolute(residual));
    case "huber": {
      const edge = plain(Number(loss.delta));
      if (Math.abs(workedOut(residual)) <= edge.value)
        return of(times(HALF, squared(residual)), `since |d̂ − d| ≤ ${edge.text}`);
      return of(
        times(edge, less(absolute(residual), times(HALF, edge))),
        `since |d̂ − d| > ${edge.text}`,
      );
    }
    case "quantile": {
      const level = plain(quantileOf(loss, output.index));
      if (workedOut(residual) <= 0) return of(times(level, less(target, prediction)), "since d̂ ≤ d");
      return of(times(less(ONE, level), residual), "since d̂ > d");
    }
    case "poisson":
      if (workedOut(target) === 0) return of(prediction, "since d = 0");
      return of(sum(less(times(target, log(over(target, prediction))), target), prediction));
    case "perceptron":
      return of(positivePart(negative(times(target, z))));
    default:
      return logLoss(activation, output);
  }
}

function logLoss(activation: Named, { prediction, target, z }: Judged): Reasoned {
  const d = workedOut(target);
  if (activation.name === "softmax")
    return d === 0 ? of(zero, "since d = 0") : of(negative(times(target, log(prediction))));
  if (Math.min(workedOut(prediction), 1 - workedOut(prediction)) < SATURATED)
    return of(less(softplus(z), times(target, z)), "written from z, since d̂ is nearly 0 or 1");
  const yes = times(target, log(prediction));
  const no = times(less(ONE, target), log(less(ONE, prediction)));
  return of(negative(sum(yes, no)));
}

/** ∂f/∂d̂ of one output; of losses that judge z, ∂f/∂z. */
export function lossSlope(loss: Named, output: Judged): Reasoned {
  const { prediction, target, z } = output;
  const residual = less(prediction, target);
  const value = workedOut(residual);
  switch (loss.name) {
    case "absolute_error":
      return of(signum(residual));
    case "huber": {
      const edge = plain(Number(loss.delta));
      if (Math.abs(value) <= edge.value) return of(residual, `since |d̂ − d| ≤ ${edge.text}`);
      return of(times(edge, signum(residual)), `since |d̂ − d| > ${edge.text}`);
    }
    case "quantile": {
      const level = plain(quantileOf(loss, output.index));
      if (value === 0) return of(zero, "since d̂ = d");
      if (value < 0) return of(negative(level), "since d̂ < d");
      return of(less(ONE, level), "since d̂ > d");
    }
    case "poisson":
      if (workedOut(target) === 0) return of(ONE, "since d = 0");
      return of(less(ONE, over(target, prediction)));
    case "perceptron":
      return of(times(negative(target), when(times(target, z), "≤", zero)), "only a wrong row moves the weights");
    default:
      return of(residual);
  }
}

/** The head that judges an output. */
export function headOf(heads: readonly HeadRecord[], output: number): HeadRecord {
  return heads.find(({ columns: [first, last] }) => output >= first && output < last) ?? heads[0];
}

/** What a head's loss is multiplied with: its weight, times that of the target's class. */
export function headWeight(head: HeadRecord, d: ArrayLike<number>): number {
  const [first, last] = head.columns;
  if (!head.class_weights?.length) return head.weight;
  let index = 0;
  if (last - first === 1) index = Number(d[first] > 0.5);
  else for (let k = 0; k < last - first; k += 1) if (d[first + k] > d[first + index]) index = k;
  return head.weight * head.class_weights[index];
}

/** Whether a head, one of several, has no target in this row. */
export function isMissing(heads: readonly HeadRecord[], head: HeadRecord, d: ArrayLike<number>): boolean {
  if (heads.length === 1) return false;
  const [first, last] = head.columns;
  for (let k = first; k < last; k += 1) if (Number.isNaN(d[k])) return true;
  return false;
}

/** What each loss is, in one line. */
export const LOSS_WORDS: Readonly<Record<string, string>> = {
  squared_error: "f = ½ Σₖ (d̂ₖ − dₖ)²",
  absolute_error: "f = Σₖ |d̂ₖ − dₖ|",
  huber: "f = ½ r² near the target, a straight line further away, r = d̂ − d",
  quantile: "f = q (d − d̂) below the target, (1 − q)(d̂ − d) above it",
  poisson: "f = Σₖ dₖ log(dₖ / d̂ₖ) − dₖ + d̂ₖ",
  log_loss: "f = −Σₖ dₖ log d̂ₖ",
  perceptron: "f = Σₖ max(0, −dₖ zₖ)",
};
