/**
 * Trainings beside each other: restarts, and the same start with another plan.
 *
 * A page trains them in slices: each answer holds the states that the next ask goes on from, and no
 * bit depends on where a run was cut.
 */

import type { RunDone } from "../protocol";
import { penaltyOf, stateOf } from "./lab";
import type { CoreModule } from "./module";
import type { Network } from "./network";
import { evenly } from "./spaced";
import { Training } from "./training";
import type { Standing, TrainingPlan, TrainingRows } from "./training";

/** Points of a run's curve in one answer. */
const CURVE_POINTS = 1000;

export interface Run {
  readonly plan: TrainingPlan;
  readonly from: Standing;
  readonly train: TrainingRows;
}

/** Trains by itself for so many epochs and keeps so many points of its way. */
export function trainRun(
  module: CoreModule,
  network: Network,
  { plan, from, train }: Run,
  epochs: number,
  keep: number,
): RunDone {
  const training = new Training(module, network, train, null, plan, from);
  try {
    const begun = from.place.epoch;
    const losses: number[] = [];
    const path = [from.numbers.vector];
    let verdict = "go_on";
    for (const end of endsOf(epochs, keep)) {
      while (training.place.epoch < begun + end && verdict === "go_on") {
        const slice = training.advance(Number.MAX_SAFE_INTEGER, begun + end, true);
        for (const loss of slice.losses) losses.push(loss);
        verdict = slice.verdict;
      }
      path.push(training.session.parameters());
      if (verdict !== "go_on") break;
    }
    const objective = verdict === "non_finite" ? NaN : objectiveOf(training);
    const state = stateOf(training);
    training.session.setParameters(path[0]);
    return {
      begun: objectiveOf(training),
      objective,
      epochs: losses.length,
      ...curveOf(losses, begun + 1),
      vector: path[path.length - 1],
      state,
      path: joined(path),
    };
  } finally {
    training.free();
  }
}

/** Epochs at whose end a point of the way is kept. */
function endsOf(epochs: number, keep: number): number[] {
  const ends = evenly(0, epochs, keep).map(Math.trunc);
  return ends.filter((end, index) => index > 0 && end !== ends[index - 1]);
}

/** J over the rows of a training, with its parameters now. */
function objectiveOf({ session, network, rows, plan }: Training): number {
  const total = session.loss(rows) + penaltyOf(network, session.parameters(), plan);
  return total / rows.rows;
}

function curveOf(
  losses: readonly number[],
  first: number,
): { epoch: Float64Array; loss: Float64Array } {
  const last = losses.length - 1;
  const places =
    losses.length > CURVE_POINTS ? evenly(0, last, CURVE_POINTS).map(Math.trunc) : losses.keys();
  const shown = [...places];
  return {
    epoch: Float64Array.from(shown, (at) => first + at),
    loss: Float64Array.from(shown, (at) => losses[at]),
  };
}

function joined(path: readonly Float64Array[]): Float64Array {
  const size = path[0].length;
  const flat = new Float64Array(path.length * size);
  path.forEach((vector, index) => flat.set(vector, index * size));
  return flat;
}
