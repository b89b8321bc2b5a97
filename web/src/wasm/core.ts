/**
 * A session of the compiled core: a network with its numbers, stepped by the library's own kernels.
 *
 * The promises are those of `Session` in src/deltarule/engines/base.py, for dense layers under one
 * head in float64. Arrays that come in are copied, arrays that go out are the caller's. Input is
 * checked here, since the core checks nothing. `free` gives the memory back; nothing else does.
 */

import { finite, numbers, oneOf, whole, wrong } from "./checks";
import type { Block, CoreModule, Exports, Pointer } from "./module";
import { ACTIVATIONS, LOSSES, OPTIMIZERS, SAMPLINGS } from "./names";
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

/** Rows X (rows, inputs) with targets D (rows, outputs) and, where they have any, weights (rows). */
export interface Samples {
  readonly X: Float64Array;
  readonly D: Float64Array;
  readonly weight?: Float64Array;
}

/** Parameters of the largest network: what a browser lets a page have is some hundred megabytes. */
const MOST_PARAMETERS = 4_000_000;
const MOST_NUMBERS = 64_000_000;
const MOST_STEPS = 2 ** 31 - 1;
const LAST_KEY = 2n ** 64n - 1n;

export class CoreSession {
  readonly size: number;
  readonly inputs: number;
  readonly outputs: number;
  private readonly pointer: Pointer;
  private bound: Block[] = [];
  private rows = 0;
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
    this.unbind();
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

  /** Takes the rows that runs are over. */
  bind(samples: Samples): void {
    const rows = this.rowsOf(samples);
    const { X, D, weight } = samples;
    const blocks: Block[] = [];
    try {
      for (const values of [X, D, ...(weight ? [weight] : [])])
        blocks.push(this.module.copy(values));
    } catch (problem) {
      for (const block of blocks) block.free();
      throw problem;
    }
    const [at, target, weights] = blocks;
    this.call((core) =>
      core.bind(this.pointer, at.pointer, target.pointer, weights?.pointer ?? 0, rows),
    );
    this.unbind();
    this.bound = blocks;
    this.rows = rows;
  }

  /** `rates.length` steps from step `firstStep` of the order on, with these step sizes. */
  run(work: Work, firstStep: number, rates: Float64Array, carried = 0): Report {
    this.check(work, firstStep, rates, carried);
    return this.lend([rates], (at) => this.steps(work, firstStep, rates.length, at.pointer, carried, 0));
  }

  /** The same with steps of one row, written down as they go. */
  trace(work: Work, firstStep: number, rates: Float64Array, carried = 0): Trace {
    this.check(work, firstStep, rates, carried);
    if (work.batchSize !== 1) throw wrong("batchSize of a trace", "1", work.batchSize);
    const units = this.network.layers.map((layer) => layer.units);
    const room = 3 * rates.length * units.reduce((sum, count) => sum + count, 0);
    return this.lend([rates, whole(room, "numbers of a trace", 0, MOST_NUMBERS)], (at, numbers) => {
      const report = this.steps(work, firstStep, rates.length, at.pointer, carried, numbers.pointer);
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

  /** d̂ of each row, (rows, outputs). */
  predict(X: Float64Array): Float64Array {
    const rows = this.rowsIn(X);
    return this.lend([X], (at) =>
      this.read(rows * this.outputs, (core, to) => core.predict(this.pointer, at.pointer, rows, to)),
    );
  }

  /** Σ w f, the penalty left out. */
  loss(samples: Samples): number {
    return this.judge(samples, (X, D, weight, rows) =>
      this.call((core) => core.loss(this.pointer, X, D, weight, rows, 0)),
    );
  }

  /** Σ w f and its gradient. */
  lossGradient(samples: Samples): { loss: number; gradient: Float64Array } {
    return this.judge(samples, (X, D, weight, rows) => {
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

  private judge<T>(
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
        BigInt.asIntN(64, key),
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
    if (this.rows === 0) throw new Error("bind rows before a run");
    oneOf(work.sampling, "sampling", SAMPLINGS);
    if (work.key < 0n || work.key > LAST_KEY) throw wrong("key", "from 0 to 2^64 - 1", work.key);
    whole(work.batchSize, "batchSize", 1, MOST_STEPS);
    whole(firstStep, "firstStep", 0, Number.MAX_SAFE_INTEGER);
    whole(work.clock, "clock", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    for (const name of ["l1", "l2", "scale"] as const) finite(work[name], name);
    finite(carried, "carried");
    numbers(rates, "rates", whole(rates.length, "steps", 0, MOST_STEPS));
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

  private unbind(): void {
    for (const block of this.bound) block.free();
    this.bound = [];
  }
}

/** The number of parameters, once the description is one of a network. */
function sizeOf({ layers, loss, parameter }: DenseNetwork): number {
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
  const last = layers[layers.length - 1].activation;
  if (loss === "log_loss" && last !== "softmax" && last !== "logistic")
    throw wrong("the output activation of log_loss", "softmax or logistic", last);
  return whole(size, "the number of parameters", 1, MOST_PARAMETERS);
}

/** first, second, epsilon and weight_decay of `OptimizerSettings`. */
function settings(optimizer: Optimizer): [number, number, number, number] {
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
      throw wrong("optimizer", `one of ${OPTIMIZERS.join(", ")}`, (optimizer as { name: unknown }).name);
  }
}
