/**
 * One network under training, as a page looks at it: moves, traces, maps, surfaces. The same as
 * src/deltarule/playground/lab.py on the core of this page.
 *
 * What is looked at on the side (a trace, a surface) is computed by sessions of its own and moves
 * nothing. Each move first keeps where it began: `back` goes there.
 */

import type { Curve, Maps, Measures, Ranges, State, Stopped, Traced } from "../protocol";
import { EngineError } from "../protocol";
import { CoreSession } from "./core";
import { Layers } from "./layers";
import { extremes, paint } from "./maps";
import type { CoreModule } from "./module";
import type { Network } from "./network";
import { differences } from "./numeric";
import { order } from "./random";
import { evenly } from "./spaced";
import { Training } from "./training";
import type { Numbers, Standing, TrainingPlan, TrainingRows } from "./training";
import type { Place, Slice } from "./work";

/** Bytes of the states that `back` can go to, and their number at most. */
const KEPT_BYTES = 64_000_000;
const KEPT_STATES = 1000;

/** Points of a curve that one answer holds at most. */
const CURVE_POINTS = 256;

/** Parameters of a network whose gradient is checked weight by weight. */
const MOST_CHECKED = 5000;

/** Steps of a call at full speed, at most. */
const MOST_AT_ONCE = 1 << 20;

/** All that a training begins with. */
export interface Opening {
  readonly network: Network;
  readonly plan: TrainingPlan;
  readonly from: Standing;
  readonly train: TrainingRows;
  readonly held: TrainingRows | null;
}

interface Snapshot {
  readonly numbers: Numbers;
  readonly place: Place;
}

interface Ended {
  readonly epoch: number;
  readonly loss: number;
  readonly held: number | null;
}

export class Lab {
  readonly network: Network;
  readonly training: Training;
  stopped: Stopped | null = null;
  private readonly module: CoreModule;
  private readonly train: TrainingRows;
  private readonly held: TrainingRows | null;
  /** For what is looked at on the side. */
  private readonly aside: CoreSession;
  private readonly layers: Layers;
  private behindUs: Snapshot[] = [];
  private kept = 0;
  /** The epochs that ended since the last look. */
  private ended: Ended[] = [];
  private atOnce = 1;

  constructor(module: CoreModule, { network, plan, from, train, held }: Opening) {
    this.module = module;
    this.network = network;
    this.train = train;
    this.held = held;
    this.training = new Training(module, network, train, held, plan, from);
    this.aside = new CoreSession(module, network);
    this.layers = new Layers(module, network);
  }

  // Where it stands

  get plan(): TrainingPlan {
    return this.training.plan;
  }

  get stepsPerEpoch(): number {
    return this.training.stepsPerEpoch;
  }

  get road(): string {
    const steps =
      this.training.batchSize === 1
        ? "each row forward, all deltas, then all updates"
        : "mini-batch road";
    return `compiled to WebAssembly, float64: ${steps}`;
  }

  /** How many moves can be taken back. */
  get behind(): number {
    return this.behindUs.length;
  }

  state(): State {
    return stateOf(this.training);
  }

  /** The epochs that ended since the last call, evenly thinned. */
  curve(): Curve {
    let epochs = this.ended;
    this.ended = [];
    if (epochs.length > CURVE_POINTS)
      epochs = evenly(0, epochs.length - 1, CURVE_POINTS).map((at) => epochs[Math.trunc(at)]);
    return {
      epoch: Float64Array.from(epochs, ({ epoch }) => epoch),
      loss: Float64Array.from(epochs, ({ loss }) => loss),
      held_loss: Float64Array.from(epochs.flatMap(({ held }) => (held === null ? [] : [held]))),
    };
  }

  // Moves

  /** Remember this place: `back` comes here, unless its numbers ran away. */
  keep(): void {
    if (this.stopped?.reason !== "non_finite") this.push(this.snapshot());
  }

  /** Go to where the last move began. */
  back(): void {
    const place = this.behindUs.pop();
    if (!place)
      throw new EngineError(
        "There is nothing to go back to: this is where the training began. Take a step first.",
      );
    this.kept -= bytesOf(place);
    this.training.stand(place.numbers, place.place);
    this.stopped = null;
    this.ended = [];
  }

  /** Other parameters, at the same place of the training. */
  set(vector: Float64Array): void {
    this.keep();
    const { moments } = this.training.numbers();
    this.training.stand({ vector, moments }, this.training.place);
    this.stopped = null;
  }

  /**
   * Another plan from here on; steps and epochs go on being counted.
   *
   * What a stop rule has ended goes on with another plan, as a fit goes on that it ended. Numbers
   * that ran away are no better for one: `back` is their way on.
   */
  replan(plan: TrainingPlan): void {
    this.keep();
    const from = this.training.standing();
    let { place } = from;
    if (this.stopped?.reason === "step_too_small" && !isSame(plan, this.plan)) {
      this.stopped = null;
      place = { ...place, rateFactor: 1, stalled: 0 };
    }
    // The steps of an epoch that begins anew were done all the same: `step` has them.
    const begun = place.into > 0 && plan.batchSize === this.plan.batchSize;
    const kept = begun ? place : { ...place, into: 0, carried: 0 };
    this.training.begin(plan, { ...from, place: kept });
    this.ended = [];
    this.atOnce = 1;
  }

  /** So many steps. */
  advanceSteps(count: number): void {
    this.keep();
    this.steps(count);
  }

  /** To the end of the epoch at hand, and of so many but one after it. */
  advanceEpochs(count: number): void {
    this.keep();
    const last = this.training.place.epoch + count;
    while (this.training.place.epoch < last && !this.stopped)
      this.take(this.training.advance(Number.MAX_SAFE_INTEGER, last));
  }

  /** As many steps as take about so long, at full speed. */
  run(seconds: number): void {
    if (this.stopped) return;
    const [place, began] = [this.snapshot(), performance.now()];
    this.take(this.training.advance(this.atOnce, Number.MAX_SAFE_INTEGER));
    const passed = (performance.now() - began) / 1000;
    if (passed < seconds / 2) this.atOnce = Math.min(2 * this.atOnce, MOST_AT_ONCE);
    else if (passed > seconds && this.atOnce > 1) this.atOnce = Math.floor(this.atOnce / 2);
    this.unlessFinite(place);
  }

  /** So many steps on the way, none of them to be gone back to. */
  runSteps(count: number): void {
    const place = this.snapshot();
    this.steps(count);
    this.unlessFinite(place);
  }

  private steps(count: number): void {
    const until = this.training.step + count;
    while (this.training.step < until && !this.stopped)
      this.take(this.training.advance(until - this.training.step, Number.MAX_SAFE_INTEGER));
  }

  private take({ verdict, losses, judged }: Slice): void {
    const first = this.training.place.epoch - losses.length + 1;
    // Of very many epochs only some are looked at, the last one among them.
    const step = 1 + Math.floor(losses.length / CURVE_POINTS);
    for (let at = losses.length && (losses.length - 1) % step; at < losses.length; at += step)
      this.ended.push({ epoch: first + at, loss: losses[at], held: judged[at] ?? null });
    if (this.ended.length > 2 * CURVE_POINTS) {
      const stride = Math.floor(this.ended.length / CURVE_POINTS);
      const last = this.ended.length - 1; // it stays
      this.ended = this.ended.filter((_, index) => (last - index) % stride === 0);
    }
    if (verdict === "non_finite")
      this.stopped = {
        reason: verdict,
        sentence:
          `The numbers ran away in epoch ${this.training.place.epoch}: a loss or a weight is ` +
          "no finite number any more. Go back to the last finite state, and lower the step size " +
          "or standardize the inputs.",
      };
    if (verdict === "step_too_small")
      this.stopped = {
        reason: verdict,
        sentence:
          "The adaptive schedule made the step size as small as it may become. " +
          "Raise learning_rate_init if the loss is still too high.",
      };
  }

  private snapshot(): Snapshot {
    return { numbers: this.training.numbers(), place: this.training.place };
  }

  private push(place: Snapshot): void {
    this.behindUs.push(place);
    this.kept += bytesOf(place);
    while (
      this.behindUs.length > 1 &&
      (this.kept > KEPT_BYTES || this.behindUs.length > KEPT_STATES)
    )
      this.kept -= bytesOf(this.behindUs.shift()!);
  }

  /** Where numbers ran away, `back` goes to the last place where they were finite. */
  private unlessFinite(place: Snapshot): void {
    if (this.stopped?.reason === "non_finite") this.push(place);
  }

  // Looks

  /** The next step with every number, of one row or of a sample of one's own; nothing moves. */
  trace(own: { x: Float64Array; d: Float64Array } | null, numeric: boolean): Traced {
    const { training, aside, network, plan } = this;
    const row = own ? -1 : this.nextRow();
    const { inputs, outputs } = network;
    const x = own?.x ?? this.train.X.slice(row * inputs, (row + 1) * inputs);
    const d = own?.d ?? this.train.D.slice(row * outputs, (row + 1) * outputs);
    const samples = { X: x, D: d };
    const { vector, moments } = training.numbers();
    const [rate, l1, l2] = [training.rate, plan.l1 / this.train.rows, plan.l2 / this.train.rows];
    aside.setOptimizer(plan.optimizer);
    aside.setMoments(moments);
    aside.setParameters(vector);
    const { gradient } = aside.lossGradient(samples);
    aside.bind(samples);
    const work = { sampling: "sequential", key: 0n, batchSize: 1, l1, l2, scale: 1 } as const;
    const met = aside.trace({ ...work, clock: training.step }, 0, Float64Array.of(rate));
    return {
      row,
      step: training.step,
      x,
      d,
      z: met.preActivations,
      a: met.outputs,
      delta: met.deltas,
      loss: met.report.losses[0],
      rate,
      before: vector,
      gradient,
      after: aside.parameters(),
      moments_before: moments,
      moments_after: aside.moments(),
      l1,
      l2,
      numeric: numeric ? this.numeric(vector, samples) : null,
      inner: network.layers.map(() => null),
    };
  }

  /** Outputs of all layers on rows, (rows, units) each; null: with the parameters as they are. */
  outputs(X: Float64Array, vector: Float64Array | null = null): Float64Array[] {
    return this.layers.outputs(vector ?? this.training.session.parameters(), X);
  }

  /** The outputs on rows as bytes, of all units or of the last layer's alone. */
  maps(X: Float64Array, layers: boolean): Maps {
    if (layers) return paint(this.network.layers, this.outputs(X));
    return paint([this.network.last], [this.training.session.predict(X)]);
  }

  /** What every unit meets and says on the rows to train on, or on so many of them. */
  ranges(most: number): Ranges {
    const { network, layers } = this;
    const X = this.train.X.subarray(0, most * network.inputs);
    const vector = this.training.session.parameters();
    const outputs = layers.outputs(vector, X);
    const widths = network.layers.map(({ units }) => units);
    const z = extremes(layers.preActivations(vector, X, outputs), widths);
    return { z_low: z.low, z_high: z.high, ...extremes(outputs, widths) };
  }

  /** Predictions of rows to train on or held out, so many at most, and the f of each. */
  judge(held: boolean, most: number): { outputs: Float64Array; loss: Float64Array } {
    const rows = held ? this.held : this.train;
    if (!rows)
      throw new EngineError(
        "There are no rows held out. Hold a share of them out, or ask for the others.",
      );
    const X = rows.X.subarray(0, most * this.network.inputs);
    const D = rows.D.subarray(0, most * this.network.outputs);
    this.aside.setParameters(this.training.session.parameters());
    return { outputs: this.aside.predict(X), loss: this.aside.lossesOfRows({ X, D }) };
  }

  /** Epochs, evenly from the first to the last planned, and the schedule's factor at each. */
  factors(points: number): { epoch: Float64Array; factor: Float64Array } {
    const places = evenly(0, this.plan.horizon - 1, points).map(Math.trunc);
    const epoch = Float64Array.from(new Set(places));
    return { epoch, factor: epoch.map((at) => this.training.factorAt(at)) };
  }

  /** J at origin + u first + v second, row after row of u. */
  surface(
    origin: Float64Array,
    first: Float64Array,
    second: Float64Array | null,
    u: readonly number[],
    v: readonly number[],
    told: (done: number) => void,
  ): Float64Array {
    const found = new Float64Array(u.length * v.length);
    u.forEach((along, i) => {
      v.forEach((across, j) => {
        const vector = origin.map(
          (start, at) => start + along * first[at] + (second ? across * second[at] : 0),
        );
        found[i * v.length + j] = this.objective(vector);
      });
      told((i + 1) / u.length);
    });
    return found;
  }

  /** J over the rows to train on, and the mean loss of those held out. */
  measures(): Measures {
    const objective = this.objective(this.training.session.parameters());
    const { held } = this;
    return { objective, held_loss: held && this.aside.loss(held) / held.rows };
  }

  private objective(vector: Float64Array): number {
    this.aside.setParameters(vector);
    const total = this.aside.loss(this.train) + penaltyOf(this.network, vector, this.plan);
    return total / this.train.rows;
  }

  /** The row with which the next step begins: the i_t that is drawn. */
  private nextRow(): number {
    const { place, batchSize } = this.training;
    const { sampling, key } = this.plan;
    const rows = order(this.module, sampling, key, BigInt(place.epoch), this.train.rows);
    return rows[place.into * batchSize];
  }

  private numeric(
    vector: Float64Array,
    samples: { X: Float64Array; D: Float64Array },
  ): Float64Array {
    const { size, layers } = this.network;
    if (size > MOST_CHECKED)
      throw new EngineError(
        `The gradient is checked weight by weight up to ${MOST_CHECKED.toLocaleString("en")} of ` +
          `them (got ${size.toLocaleString("en")}). Choose a smaller network.`,
      );
    // Flat almost everywhere: a rule, no slope. The perceptron judges z, its output sign no part.
    const judged = this.network.loss === "perceptron" ? layers.slice(0, -1) : layers;
    if (judged.some(({ activation }) => activation === "sign"))
      return new Float64Array(size).fill(NaN);
    return differences(this.aside, this.network, vector, samples);
  }
}

/** Whether two plans say the same; their keys are no JSON. */
function isSame(plan: TrainingPlan, other: TrainingPlan): boolean {
  const text = (of: TrainingPlan) => JSON.stringify({ ...of, key: String(of.key) });
  return text(plan) === text(other);
}

/** Where a training stands, as the page's protocol has it. */
export function stateOf(training: Training): State {
  const { place, step } = training;
  return {
    ...training.numbers(),
    buffers: new Float64Array(),
    step,
    epoch: place.epoch,
    into: place.into,
    carried: place.carried,
    rate_factor: place.rateFactor,
    best_loss: place.bestLoss,
    stalled: place.stalled,
  };
}

/** l1 Σ |w| + (l2 / 2) Σ w² over weights, not yet divided by n; biases carry none. */
export function penaltyOf(
  network: Network,
  vector: Float64Array,
  { l1, l2 }: { readonly l1: number; readonly l2: number },
): number {
  let [sizes, squares] = [0, 0];
  if (l1 !== 0 || l2 !== 0)
    network.eachWeights(vector, (weights) => {
      for (const weight of weights) {
        sizes += Math.abs(weight);
        squares += weight * weight;
      }
    });
  return l1 * sizes + 0.5 * l2 * squares;
}

function bytesOf({ numbers }: Snapshot): number {
  return numbers.vector.byteLength + numbers.moments.byteLength;
}
