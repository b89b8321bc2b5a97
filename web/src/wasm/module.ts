/**
 * The compiled core as a WebAssembly module: how it is loaded, its memory, its functions.
 *
 * One module holds any number of sessions. Its memory grows by itself, and then all views of it are
 * dead: `floats` makes a new one whenever numbers are read or written.
 */

import { EngineError } from "../protocol";

/** Places in the module's memory are numbers of bytes; 0 is none. */
export type Pointer = number;

/** What cpp/web/module.cpp exports. */
export interface Exports {
  memory: WebAssembly.Memory;
  _initialize?(): void;
  allocate(bytes: number): Pointer;
  release(memory: Pointer): void;
  open(layers: Pointer, depth: number, loss: number, lossParameter: number): Pointer;
  close(core: Pointer): void;
  set_parameters(core: Pointer, vector: Pointer): void;
  parameters(core: Pointer, vector: Pointer): void;
  set_optimizer(
    core: Pointer,
    kind: number,
    first: number,
    second: number,
    epsilon: number,
    weightDecay: number,
  ): void;
  moment_count(core: Pointer): number;
  set_moments(core: Pointer, moments: Pointer): void;
  moments(core: Pointer, moments: Pointer): void;
  bind(core: Pointer, X: Pointer, D: Pointer, weight: Pointer, rows: number): void;
  run(
    core: Pointer,
    order: number,
    key: bigint,
    firstStep: number,
    steps: number,
    batchSize: number,
    rates: Pointer,
    l1: number,
    l2: number,
    scale: number,
    clock: number,
    carried: number,
    traced: Pointer,
  ): number;
  epochs(core: Pointer): number;
  losses(core: Pointer): Pointer;
  finite(core: Pointer): number;
  judge(core: Pointer, X: Pointer, D: Pointer, rows: number): void;
  plan_epochs(core: Pointer, order: number, key: bigint, plan: Pointer): void;
  run_epochs(
    core: Pointer,
    place: Pointer,
    steps: number,
    epochs: number,
    factors: Pointer,
  ): number;
  go_back(core: Pointer): void;
  ended_epochs(core: Pointer): number;
  epoch_losses(core: Pointer): Pointer;
  judged_losses(core: Pointer): Pointer;
  predict(core: Pointer, X: Pointer, rows: number, predictions: Pointer): void;
  loss(
    core: Pointer,
    X: Pointer,
    D: Pointer,
    weight: Pointer,
    rows: number,
    gradient: Pointer,
  ): number;
  losses_of_rows(core: Pointer, X: Pointer, D: Pointer, rows: number, losses: Pointer): void;
  words(
    key: bigint,
    stream: bigint,
    epoch: bigint,
    start: bigint,
    count: number,
    out: Pointer,
  ): void;
  order(kind: number, key: bigint, epoch: bigint, rows: number, out: Pointer): void;
}

/** Numbers in the module's memory that whoever asked for them gives back. */
export class Block {
  constructor(
    private readonly module: CoreModule,
    readonly pointer: Pointer,
    readonly length: number,
  ) {}

  /** The numbers as a view, good until the next call of the module. */
  get view(): Float64Array {
    return this.module.floats(this.pointer, this.length);
  }

  free(): void {
    this.module.call((core) => core.release(this.pointer));
  }
}

/** The file core.wasm, compiled: to be done once, for any number of modules. */
export async function compile(bytes: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (problem) {
    if (!(problem instanceof WebAssembly.CompileError)) throw problem;
    throw new EngineError(
      "This browser cannot run the compiled core, which needs WebAssembly with vectors " +
        "(Chrome 91, Firefox 89, Safari 16.4 or newer). Use a newer browser.",
    );
  }
}

export class CoreModule {
  private broken = false;

  private readonly exports: Exports;

  /** A module of its own, with memory of its own. */
  constructor(compiled: WebAssembly.Module) {
    const nothing = (): number => 0;
    // What the C++ library would ask of a system: it has no clock here, and nothing to end.
    const system = {
      env: { emscripten_notify_memory_growth: nothing },
      wasi_snapshot_preview1: { clock_time_get: nothing, proc_exit: nothing },
    };
    this.exports = new WebAssembly.Instance(compiled, system).exports as unknown as Exports;
    this.exports._initialize?.();
  }

  /** Calls the core; after a call that it could not end it is not to be used any more. */
  call<T>(does: (core: Exports) => T): T {
    if (this.broken) throw this.outOfMemory();
    try {
      return does(this.exports);
    } catch (problem) {
      if (!(problem instanceof WebAssembly.RuntimeError)) throw problem;
      this.broken = true;
      throw this.outOfMemory();
    }
  }

  /** The core ends in the middle of a call for one reason: the browser gives it no more memory. */
  private outOfMemory(): EngineError {
    return new EngineError(
      "The browser has no memory left for the compiled core. Reload the page, and take fewer " +
        "rows or units.",
    );
  }

  /** The memory that the module has taken from the browser. */
  get bytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  floats(pointer: Pointer, length: number): Float64Array {
    return new Float64Array(this.exports.memory.buffer, pointer, length);
  }

  integers(pointer: Pointer, length: number): BigUint64Array {
    return new BigUint64Array(this.exports.memory.buffer, pointer, length);
  }

  /** Room for so many numbers of 8 bytes. */
  room(length: number): Block {
    const pointer = this.call((core) => core.allocate(8 * Math.max(length, 1)));
    if (pointer === 0) throw this.outOfMemory();
    return new Block(this, pointer, length);
  }

  copy(values: ArrayLike<number>): Block {
    const block = this.room(values.length);
    block.view.set(values);
    return block;
  }

  /** Copies of arrays and room for results, for as long as `use` takes; null stands for none. */
  lend<T>(
    wanted: readonly (ArrayLike<number> | number | null)[],
    use: (...blocks: Block[]) => T,
  ): T {
    const blocks: Block[] = [];
    try {
      for (const what of wanted)
        blocks.push(
          what === null
            ? new Block(this, 0, 0)
            : typeof what === "number"
              ? this.room(what)
              : this.copy(what),
        );
      return use(...blocks);
    } finally {
      if (!this.broken) for (const block of blocks) if (block.pointer) block.free();
    }
  }
}
