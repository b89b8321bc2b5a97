/** A training under way: a session of the core, the plan by which it goes, and where it stands. */

import { CoreSession } from "./core";
import type { CoreModule } from "./module";
import type { Network } from "./network";
import type { Schedule } from "./options";
import { factors } from "./schedules";
import type { Sampling } from "./names";
import type { Optimizer, Place, Slice } from "./work";

/** How to train, as the library's TrainingPlan. */
export interface TrainingPlan {
  readonly optimizer: Optimizer;
  readonly rate: number;
  readonly schedule: Schedule;
  readonly batchSize: number;
  readonly sampling: Sampling;
  /** Strengths of the penalty, not divided. */
  readonly l1: number;
  readonly l2: number;
  /** Epochs that schedules with an end count on. */
  readonly horizon: number;
  readonly key: bigint;
}

/** X (rows, inputs) and D (rows, outputs). */
export interface TrainingRows {
  readonly X: Float64Array;
  readonly D: Float64Array;
  readonly rows: number;
}

/** Parameters, and the optimiser's moments (count, size); without moments they are zeros. */
export interface Numbers {
  readonly vector: Float64Array;
  readonly moments: Float64Array;
}

/** What a training goes on from. */
export interface Standing {
  readonly numbers: Numbers;
  readonly place: Place;
  /** Steps since the start; those of epochs of another length count. */
  readonly step: number;
}

/** Epochs without improvement that the adaptive schedule bears; any other goes on for ever. */
const PATIENCE = 10;
const TOLERANCE = 1e-4;

/** Steps, and ends of epochs, of one call of the core: what factors and losses need room for. */
const MOST_STEPS = 1 << 18;
const MOST_EPOCHS = 1 << 16;

/** Where a training begins that has done nothing yet. */
export function freshStanding(vector: Float64Array): Standing {
  const place = { epoch: 0, into: 0, carried: 0, rateFactor: 1, bestLoss: Infinity, stalled: 0 };
  return { numbers: { vector, moments: new Float64Array() }, place, step: 0 };
}

export class Training {
  readonly session: CoreSession;
  plan: TrainingPlan;
  place: Place;
  batchSize = 1;
  stepsPerEpoch = 1;
  /** What the steps are ahead of so many an epoch: earlier epochs may have had another length. */
  offset = 0;

  constructor(
    module: CoreModule,
    readonly network: Network,
    readonly rows: TrainingRows,
    held: TrainingRows | null,
    plan: TrainingPlan,
    from: Standing,
  ) {
    this.session = new CoreSession(module, network);
    this.session.bind(rows);
    this.session.judge(held);
    this.plan = plan;
    this.place = from.place;
    this.begin(plan, from);
  }

  /** Goes on by a plan from where a training stands; a begun epoch of another make begins anew. */
  begin(plan: TrainingPlan, from: Standing): void {
    const { rows } = this.rows;
    this.plan = plan;
    // No batch has more rows than there are. Two at least: a batch of one is another road.
    this.batchSize = Math.min(plan.batchSize, Math.max(rows, 2));
    this.stepsPerEpoch = Math.ceil(rows / this.batchSize);
    this.offset = from.step - from.place.into - from.place.epoch * this.stepsPerEpoch;
    const { schedule } = plan;
    const adaptive = schedule.name === "adaptive" ? schedule : null;
    this.session.setOptimizer(plan.optimizer);
    this.session.planEpochs({
      sampling: plan.sampling,
      key: plan.key,
      batchSize: this.batchSize,
      l1: plan.l1,
      l2: plan.l2,
      clock: this.offset,
      rate: plan.rate,
      least: TOLERANCE,
      patience: adaptive && PATIENCE,
      adaptive,
    });
    this.stand(from.numbers, from.place);
  }

  /** Takes numbers, and a place within the plan at hand. */
  stand({ vector, moments }: Numbers, place: Place): void {
    this.session.setParameters(vector);
    const count = this.session.momentCount * this.network.size;
    // Those of an optimiser with others are of no use: it begins anew.
    this.session.setMoments(moments.length === count ? moments : new Float64Array(count));
    this.place = place;
  }

  numbers(): Numbers {
    return { vector: this.session.parameters(), moments: this.session.moments() };
  }

  standing(): Standing {
    return { numbers: this.numbers(), place: this.place, step: this.step };
  }

  /** Steps since the start. */
  get step(): number {
    return this.offset + this.place.epoch * this.stepsPerEpoch + this.place.into;
  }

  /** The schedule's factor at the begin of an epoch. */
  factorAt(epoch: number): number {
    return this.factors(1, epoch, 0)?.[0] ?? 1;
  }

  /** The step size of the next step. */
  get rate(): number {
    const factor = this.factors(1)?.[0] ?? 1;
    return this.plan.rate * this.place.rateFactor * factor;
  }

  /**
   * At most so many steps, of whole epochs where more than one is begun, up to the end of epoch
   * `last` at most. Fewer where the core's call would be too long.
   */
  advance(steps: number, last: number, goBack = false): Slice {
    const { epoch, into } = this.place;
    const epochs = Math.min(last - epoch, MOST_EPOCHS);
    // Whole epochs at least: a call takes what is left of one, however long it is.
    const most = Math.max(MOST_STEPS, this.stepsPerEpoch);
    const count = Math.max(1, Math.min(steps, epochs * this.stepsPerEpoch - into, most));
    const before = this.place;
    const slice = this.session.runEpochs(before, count, epochs, this.factors(count), goBack);
    this.place = slice.place;
    if (goBack && slice.verdict === "non_finite") {
      // To the begin of the epoch at hand, as far as it was begun here.
      const { into, carried } = epoch === slice.place.epoch ? before : { into: 0, carried: 0 };
      this.place = { ...slice.place, into, carried };
    }
    return slice;
  }

  free(): void {
    this.session.free();
  }

  /** Factors of the steps from a place on; null where all are 1. */
  private factors(
    count: number,
    epoch = this.place.epoch,
    into = this.place.into,
  ): Float64Array | null {
    const { plan, stepsPerEpoch, offset } = this;
    const step = offset + epoch * stepsPerEpoch + into;
    const clock = { step, epoch, into, stepsPerEpoch, rows: this.rows.rows, horizon: plan.horizon };
    return factors(plan.schedule, clock, count);
  }
}
