/**
 * A session of the compiled core: a network with its numbers, stepped by the library's own kernels.
 *
 * The promises are those of `Session` in src/deltarule/engines/base.py, for dense layers under one
 * head in float64. Arrays that come in are copied, arrays that go out are the caller's. Input is
 * checked here, since the core checks nothing. `free` gives the memory back; nothing else does.
 */

import { finite, numbers, oneOf, whole, wrong } from "./checks";
import { settings, sizeOf } from "./describe";
import type { Block, CoreModule, Exports, Pointer } from "./module";
import { ACTIVATIONS, LOSSES, OPTIMIZERS, SAMPLINGS } from "./names";
import { VERDICTS } from "./work";
import type {
  DenseNetwork,
  Optimizer,
  Place,
  Report,
  Samples,
  Slice,
  Trace,
  Walk,
  Work,
} from "./work";

const MOST_NUMBERS = 64_000_000;
const MOST_STEPS = 2 ** 31 - 1;
const MOST_EPOCHS = 1 << 20;
const LAST_KEY = 2n ** 64n - 1n;

export class CoreSession {
  readonly size: number;
  readonly inputs: number;
  readonly outputs: number;
  private readonly pointer: Pointer;
  private bound: Block[] = [];
  private judging: Block[] = [];
  private rows = 0;
  private stepsPerEpoch = 0;
  private freed = false;

  constructor(
    private readonly module: CoreModule,
    readonly network: DenseNetwork,
  ) {
    this.size = sizeOf(network);
    const { layers, loss, parameter } = network;
    this.inputs = layers[0].inputs;
    this.outputs = layers[layers.length - 1].units;
    const flat = layers.flatMap((layer) => [
      layer.inputs,
      layer.units,
      ACTIVATIONS.indexOf(layer.activation),
      layer.parameter,
      Number(layer.bias),
    ]);
    this.pointer = module.lend([flat], (list) =>
      module.call((core) =>
        core.open(list.pointer, layers.length, LOSSES.indexOf(loss), parameter),
      ),
    );
  }

  free(): void {
    if (this.freed) return;
    this.call((core) => core.close(this.pointer));
    for (const block of [...this.bound, ...this.judging]) block.free();
    this.freed = true;
  }

  setParameters(vector: Float64Array): void {
    numbers(vector, "parameters", this.size);
    this.lend([vector], (at) => this.call((core) => core.set_parameters(this.pointer, at.pointer)));
  }

  parameters(): Float64Array {
    return this.read(this.size, (core, to) => core.parameters(this.pointer, to));
  }

  /** Takes the optimiser; its moments become zeros. */
  setOptimizer(optimizer: Optimizer): void {
    const [first, second, epsilon, weightDecay] = settings(optimizer);
    const kind = OPTIMIZERS.indexOf(optimizer.name);
    this.call((core) =>
      core.set_optimizer(this.pointer, kind, first, second, epsilon, weightDecay),
    );
  }

  /** How many rows of moments the optimiser has. */
  get momentCount(): number {
    return this.call((core) => core.moment_count(this.pointer));
  }

  setMoments(moments: Float64Array): void {
    numbers(moments, "moments", this.momentCount * this.size);
    this.lend([moments], (at) => this.call((core) => core.set_moments(this.pointer, at.pointer)));
  }

  moments(): Float64Array {
    return this.read(this.momentCount * this.size, (core, to) => core.moments(this.pointer, to));
  }

  /** Takes the rows that runs are over; a plan of epochs is made for them anew. */
  bind(samples: Samples): void {
    const rows = this.rowsOf(samples);
    const { X, D, weight } = samples;
    const blocks = this.copies(X, D, ...(weight ? [weight] : []));
    const [at, target, weights] = blocks;
    this.call((core) =>
      core.bind(this.pointer, at.pointer, target.pointer, weights?.pointer ?? 0, rows),
    );
    for (const block of this.bound) block.free();
    this.bound = blocks;
    this.rows = rows;
    this.stepsPerEpoch = 0;
  }

  /** `rates.length` steps from step `firstStep` of the order on, with these step sizes. */
  run(work: Work, firstStep: number, rates: Float64Array, carried = 0): Report {
    this.check(work, firstStep, rates, carried);
    return this.lend([rates], (at) =>
      this.steps(work, firstStep, rates.length, at.pointer, carried, 0),
    );
  }

  /** The same with steps of one row, written down as they go. */
  trace(work: Work, firstStep: number, rates: Float64Array, carried = 0): Trace {
    this.check(work, firstStep, rates, carried);
    if (work.batchSize !== 1) throw wrong("batchSize of a trace", "1", work.batchSize);
    const units = this.network.layers.map((layer) => layer.units);
    const room = 3 * rates.length * units.reduce((sum, count) => sum + count, 0);
    return this.lend([rates, whole(room, "numbers of a trace", 0, MOST_NUMBERS)], (at, numbers) => {
      const report = this.steps(
        work,
        firstStep,
        rates.length,
        at.pointer,
        carried,
        numbers.pointer,
      );
      let begin = 0;
      const part = (count: number): Float64Array => {
        const found = numbers.view.slice(begin, begin + report.steps * count);
        begin += rates.length * count;
        return found;
      };
      const [preActivations, outputs, deltas] = [units.map(part), units.map(part), units.map(part)];
      return { report, preActivations, outputs, deltas };
    });
  }

  /** Takes rows by whose loss each epoch is judged; null for none. */
  judge(samples: Samples | null): void {
    const blocks = samples ? this.copies(samples.X, samples.D) : [];
    const rows = samples ? this.rowsOf(samples) : 0;
    const [X, D] = blocks;
    this.call((core) => core.judge(this.pointer, X?.pointer ?? 0, D?.pointer ?? 0, rows));
    for (const block of this.judging) block.free();
    this.judging = blocks;
  }

  /** Takes the plan by which slices of epochs go, over the rows that are bound. */
  planEpochs(walk: Walk): void {
    const { sampling, key, batchSize, l1, l2, clock } = walk;
    this.checkWork({ sampling, key, batchSize, l1, l2, clock, scale: 1 });
    const { adaptive } = walk;
    const plan = [batchSize, l1, l2, clock, finite(walk.rate, "rate"), finite(walk.least, "least")];
    plan.push(walk.patience === null ? -1 : whole(walk.patience, "patience", 0, MOST_STEPS));
    plan.push(Number(adaptive !== null), adaptive?.divisor ?? 1, adaptive?.smallest ?? 0);
    this.stepsPerEpoch = Math.ceil(this.rows / Math.min(batchSize, this.rows));
    this.module.lend([plan], (at) =>
      this.call((core) =>
        core.plan_epochs(this.pointer, SAMPLINGS.indexOf(sampling), signed(key), at.pointer),
      ),
    );
  }

  /**
   * Goes on from `place`: at most so many steps, of whole epochs where more than one is begun, and
   * so many ends of epochs. Each step's size is multiplied with its factor. After numbers that are
   * not finite `goBack` leaves the parameters of the last whole epoch, else they are what they
   * became.
   */
  runEpochs(
    place: Place,
    steps: number,
    epochs: number,
    factors: Float64Array | null,
    goBack = false,
  ): Slice {
    if (this.stepsPerEpoch === 0) throw new Error("plan epochs before running them");
    whole(
      place.epoch,
      "epoch",
      0,
      Math.floor(Number.MAX_SAFE_INTEGER / this.stepsPerEpoch) - epochs,
    );
    whole(place.into, "into", 0, this.stepsPerEpoch);
    whole(steps, "steps", 1, MOST_STEPS);
    whole(epochs, "epochs", 1, MOST_EPOCHS);
    if (factors) numbers(factors, "factors", steps);
    const standing = [
      place.rateFactor,
      place.bestLoss,
      whole(place.stalled, "stalled", 0, 2 ** 53),
    ];
    const from = [place.epoch, place.into, place.carried, ...standing];
    return this.module.lend([from, factors], (at, given) => {
      const verdict = this.call((core) =>
        core.run_epochs(this.pointer, at.pointer, steps, epochs, given.pointer),
      );
      const [epoch, into, carried, rateFactor, bestLoss, stalled] = at.view;
      const slice = {
        place: { epoch, into, carried, rateFactor, bestLoss, stalled },
        verdict: VERDICTS[verdict],
        losses: this.ofEpochs((core) => core.epoch_losses(this.pointer)),
        judged: this.judging.length
          ? this.ofEpochs((core) => core.judged_losses(this.pointer))
          : new Float64Array(),
      };
      if (goBack && slice.verdict === "non_finite") this.call((core) => core.go_back(this.pointer));
      return slice;
    });
  }

  /** d̂ of each row, (rows, outputs). */
  predict(X: Float64Array): Float64Array {
    const rows = this.rowsIn(X);
    return this.lend([X], (at) =>
      this.read(rows * this.outputs, (core, to) =>
        core.predict(this.pointer, at.pointer, rows, to),
      ),
    );
  }

  /** Σ w f, the penalty left out. */
  loss(samples: Samples): number {
    return this.withSamples(samples, (X, D, weight, rows) =>
      this.call((core) => core.loss(this.pointer, X, D, weight, rows, 0)),
    );
  }

  /** f of each row. */
  lossesOfRows({ X, D }: Samples): Float64Array {
    return this.withSamples({ X, D }, (inputs, targets, _, rows) =>
      this.read(rows, (core, to) => core.losses_of_rows(this.pointer, inputs, targets, rows, to)),
    );
  }

  /** Σ w f and its gradient. */
  lossGradient(samples: Samples): { loss: number; gradient: Float64Array } {
    return this.withSamples(samples, (X, D, weight, rows) => {
      let loss = 0;
      const gradient = this.read(this.size, (core, to) => {
        loss = core.loss(this.pointer, X, D, weight, rows, to);
      });
      return { loss, gradient };
    });
  }

  private call<T>(does: (core: Exports) => T): T {
    if (this.freed) throw new Error("this session was freed");
    return this.module.call(does);
  }

  private lend<T>(
    wanted: readonly (Float64Array | number | null)[],
    use: (...blocks: Block[]) => T,
  ): T {
    return this.module.lend(wanted, use);
  }

  private read(count: number, write: (core: Exports, to: Pointer) => void): Float64Array {
    return this.lend([count], (to) => {
      this.call((core) => write(core, to.pointer));
      return to.view.slice();
    });
  }

  private withSamples<T>(
    samples: Samples,
    use: (X: Pointer, D: Pointer, weight: Pointer, rows: number) => T,
  ): T {
    const rows = this.rowsOf(samples);
    return this.lend([samples.X, samples.D, samples.weight ?? null], (X, D, weight) =>
      use(X.pointer, D.pointer, weight.pointer, rows),
    );
  }

  private steps(
    work: Work,
    firstStep: number,
    count: number,
    rates: Pointer,
    carried: number,
    traced: Pointer,
  ): Report {
    const { key, batchSize, l1, l2, scale, clock } = work;
    const order = SAMPLINGS.indexOf(work.sampling);
    return this.call((core) => {
      const steps = core.run(
        this.pointer,
        order,
        signed(key),
        firstStep,
        count,
        batchSize,
        rates,
        l1,
        l2,
        scale,
        clock,
        carried,
        traced,
      );
      const epochs = core.epochs(this.pointer);
      const losses = this.module.floats(core.losses(this.pointer), epochs).slice();
      return { steps, losses, finite: core.finite(this.pointer) !== 0 };
    });
  }

  private check(work: Work, firstStep: number, rates: Float64Array, carried: number): void {
    this.checkWork(work);
    whole(firstStep, "firstStep", 0, Number.MAX_SAFE_INTEGER);
    finite(carried, "carried");
    numbers(rates, "rates", whole(rates.length, "steps", 0, MOST_STEPS));
  }

  private checkWork(work: Work): void {
    if (this.rows === 0) throw new Error("bind rows before a run");
    oneOf(work.sampling, "sampling", SAMPLINGS);
    if (work.key < 0n || work.key > LAST_KEY) throw wrong("key", "from 0 to 2^64 - 1", work.key);
    whole(work.batchSize, "batchSize", 1, MOST_STEPS);
    whole(work.clock, "clock", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    for (const name of ["l1", "l2", "scale"] as const) finite(work[name], name);
  }

  private rowsIn(X: Float64Array): number {
    const rows = X.length / this.inputs;
    if (!(X instanceof Float64Array) || !Number.isInteger(rows) || X.length > MOST_NUMBERS)
      throw wrong("X", `rows of ${this.inputs} numbers, ${MOST_NUMBERS} at most`, X);
    return rows;
  }

  private rowsOf({ X, D, weight }: Samples): number {
    const rows = this.rowsIn(X);
    if (rows === 0) throw wrong("X", "one row at least", X);
    numbers(D, "D", rows * this.outputs);
    if (weight) numbers(weight, "weight", rows);
    return rows;
  }

  /** Copies that stay until they are freed. */
  private copies(...arrays: Float64Array[]): Block[] {
    const blocks: Block[] = [];
    try {
      for (const values of arrays) blocks.push(this.module.copy(values));
      return blocks;
    } catch (problem) {
      for (const block of blocks) block.free();
      throw problem;
    }
  }

  private ofEpochs(place: (core: Exports) => Pointer): Float64Array {
    return this.call((core) =>
      this.module.floats(place(core), core.ended_epochs(this.pointer)).slice(),
    );
  }
}

/** A key as WebAssembly takes it: the same 64 bits. */
function signed(key: bigint): bigint {
  return BigInt.asIntN(64, key);
}
