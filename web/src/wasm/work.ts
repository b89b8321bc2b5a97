/** What a session of the core is asked, and what it answers: plain records. */

import type { ActivationName, LossName, Sampling } from "./names";

/** z = W a + b, output = activation(z); `parameter` is the activation's, such as a slope. */
export interface DenseLayer {
  readonly inputs: number;
  readonly units: number;
  readonly activation: ActivationName;
  readonly parameter: number;
  readonly bias: boolean;
}

/** `parameter` is the loss's: delta of huber, the quantile. */
export interface DenseNetwork {
  readonly layers: readonly DenseLayer[];
  readonly loss: LossName;
  readonly parameter: number;
}

/** An optimiser with the library's own names of its numbers. */
export type Optimizer =
  | { readonly name: "sgd" }
  | { readonly name: "momentum" | "nesterov"; readonly momentum: number }
  | {
      readonly name: "adam";
      readonly beta_1: number;
      readonly beta_2: number;
      readonly epsilon: number;
    }
  | {
      readonly name: "adamw";
      readonly beta_1: number;
      readonly beta_2: number;
      readonly epsilon: number;
      readonly weight_decay: number;
    }
  | { readonly name: "rmsprop"; readonly decay: number; readonly epsilon: number };

/** What every step of a run does; l1 and l2 are divided by n, `scale` is N/n of equation (9). */
export interface Work {
  readonly sampling: Sampling;
  /** Of the order of the rows, 0 … 2⁶⁴ − 1. */
  readonly key: bigint;
  readonly batchSize: number;
  readonly l1: number;
  readonly l2: number;
  readonly scale: number;
  /** What the optimiser's clock is ahead of the order's steps. */
  readonly clock: number;
}

/** What a training does from epoch to epoch, as `Walk` and `StopRules` of the library. */
export interface Walk {
  readonly sampling: Sampling;
  readonly key: bigint;
  readonly batchSize: number;
  /** Strengths of the penalty, not divided. */
  readonly l1: number;
  readonly l2: number;
  readonly clock: number;
  /** The step size α_0. */
  readonly rate: number;
  /** Least improvement of the loss that counts. */
  readonly least: number;
  /** Epochs without one that are borne; null bears any number. */
  readonly patience: number | null;
  /** What a plateau makes of the step size; null ends the training there. */
  readonly adaptive: { readonly divisor: number; readonly smallest: number } | null;
}

/** Where a walk over epochs stands. */
export interface Place {
  readonly epoch: number;
  /** Steps of the epoch at hand, and Σ f of them. */
  readonly into: number;
  readonly carried: number;
  readonly rateFactor: number;
  readonly bestLoss: number;
  readonly stalled: number;
}

export const VERDICTS = [
  "go_on",
  "converged",
  "no_improvement",
  "step_too_small",
  "non_finite",
] as const;

/** What a slice of a walk has done. */
export interface Slice {
  readonly place: Place;
  readonly verdict: (typeof VERDICTS)[number];
  /** Of each epoch that ended: J as met, and the mean loss of the rows that judge, if any do. */
  readonly losses: Float64Array;
  readonly judged: Float64Array;
}

export interface Report {
  /** Done; fewer than asked where a loss became non-finite, the bad step included. */
  readonly steps: number;
  /** Σ w f as met, one for each epoch that the run touched; the first holds what was carried. */
  readonly losses: Float64Array;
  readonly finite: boolean;
}

/** z, a and δ of each layer, (steps, units), with the weights before each step. */
export interface Trace {
  readonly report: Report;
  readonly preActivations: readonly Float64Array[];
  readonly outputs: readonly Float64Array[];
  readonly deltas: readonly Float64Array[];
}

/** X (rows, inputs), the targets D (rows, outputs), and weights (rows) where there are any. */
export interface Samples {
  readonly X: Float64Array;
  readonly D: Float64Array;
  readonly weight?: Float64Array;
}
