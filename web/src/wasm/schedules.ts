/** Factors of the step size, as src/deltarule/schedules.py has them. */

import type { Schedule } from "./options";

/** Where a training stands before a step. */
export interface Clock {
  /** Steps since the start; those of an earlier training with other epochs count. */
  readonly step: number;
  readonly epoch: number;
  /** Steps of the epoch that are done. */
  readonly into: number;
  readonly stepsPerEpoch: number;
  readonly rows: number;
  /** Epochs that schedules with an end count on. */
  readonly horizon: number;
}

/** The factors of the next `count` steps; null where all are 1. */
export function factors(schedule: Schedule, clock: Clock, count: number): Float64Array | null {
  const rule = ruleOf(schedule, clock);
  return rule && Float64Array.from({ length: count }, (_, index) => rule(index));
}

/** The factor of the step after `ahead` others. */
function ruleOf(schedule: Schedule, clock: Clock): ((ahead: number) => number) | null {
  const { step, into, stepsPerEpoch, rows } = clock;
  const epochOf = (ahead: number): number =>
    clock.epoch + Math.floor((into + ahead) / stepsPerEpoch);
  switch (schedule.name) {
    case "constant":
    case "adaptive": // its divisions are kept in the state
      return null;
    case "invscaling": {
      const { per, power } = schedule;
      const done = (ahead: number): number =>
        per === "step" ? step + ahead : rows * epochOf(ahead);
      return (ahead) => (done(ahead) + 1) ** -power;
    }
    case "step":
      return (ahead) => schedule.factor ** Math.floor(epochOf(ahead) / schedule.every);
    case "cosine":
      return cosine(schedule, shareOf(schedule.total_epochs, clock));
    case "cyclic_cosine":
      return cyclicCosine(schedule, shareOf(schedule.total_epochs, clock));
    case "one_cycle":
      return oneCycle(schedule, shareOf(schedule.total_epochs, clock));
  }
}

/** The share of the training that is done before a step, at most 1, and that of one step. */
interface Share {
  readonly done: (ahead: number) => number;
  readonly ofStep: number;
}

/** Epochs are shared out: earlier ones of another length count as those of now. */
function shareOf(totalEpochs: number | null, clock: Clock): Share {
  const total = (totalEpochs ?? clock.horizon) * clock.stepsPerEpoch;
  const begun = clock.epoch * clock.stepsPerEpoch + clock.into;
  return { done: (ahead) => Math.min((begun + ahead) / total, 1), ofStep: 1 / total };
}

function cosine(
  { warmup, end }: Extract<Schedule, { name: "cosine" }>,
  share: Share,
): (ahead: number) => number {
  return (ahead) => {
    const done = share.done(ahead);
    if (warmup > 0 && done < warmup) return Math.min((done + share.ofStep) / warmup, 1);
    return fall(1, end, (done - warmup) / (1 - warmup));
  };
}

function cyclicCosine(
  { cycles }: Extract<Schedule, { name: "cyclic_cosine" }>,
  share: Share,
): (ahead: number) => number {
  return (ahead) => {
    const cycle = Math.log2(1 + (2 ** cycles - 1) * share.done(ahead));
    return 0.5 * (1 - Math.cos(2 * Math.PI * cycle));
  };
}

function oneCycle(
  { peak_at, start, end }: Extract<Schedule, { name: "one_cycle" }>,
  share: Share,
): (ahead: number) => number {
  return (ahead) => {
    const done = share.done(ahead);
    if (done < peak_at) return fall(start, 1, done / peak_at);
    return fall(1, end, (done - peak_at) / (1 - peak_at));
  };
}

/** Half a cosine from `top` to `bottom` over shares 0 … 1. */
function fall(top: number, bottom: number, share: number): number {
  const inside = Math.min(Math.max(share, 0), 1);
  return bottom + (top - bottom) * 0.5 * (1 + Math.cos(Math.PI * inside));
}
