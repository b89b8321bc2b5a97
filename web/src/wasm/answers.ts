/** Answers to what one page asks, request by request. */

import type { Ask, Moved, Requests } from "../protocol";
import { EngineError } from "../protocol";
import { openingOf, planOf, runOf } from "./asks";
import { oneOf, wrong } from "./checks";
import { Given } from "./given";
import { Lab } from "./lab";
import { CoreModule } from "./module";
import { trainRun } from "./runs";
import { evenly } from "./spaced";

/** Steps of an advance, points of a surface, rows that are watched. */
const [MOST_STEPS, MOST_POINTS, MOST_WATCHED] = [100_000, 40_000, 40_000];

/** Points of a picture of the step size. */
const MOST_FACTORS = 400;

/** Runs of one ask, epochs of each, points of its way. */
const [MOST_RUNS, MOST_EPOCHS, MOST_KEPT] = [200, 1_000_000, 400];

type Told = (done: number) => void;

/** What this engine answers; `ready` is the desk's own. */
type Answered =
  | "hello"
  | "open"
  | "advance"
  | "play"
  | "pause"
  | "back"
  | "set"
  | "plan"
  | "trace"
  | "look"
  | "watch"
  | "ranges"
  | "judge"
  | "factors"
  | "surface"
  | "runs";

/** What one page has open, and what it can ask. */
export class Answers {
  lab: Lab | null = null;
  playing = false;
  /** Steps a second while it plays; null for as many as it can. */
  pace: number | null = null;
  /** The rows that frames show the units' outputs on. */
  watched: Float64Array | null = null;
  /** Whether those of all units, or of the last layer's alone. */
  watchedLayers = true;
  private module: CoreModule | null = null;

  constructor(
    private readonly compiled: WebAssembly.Module,
    private readonly version: string,
  ) {}

  /** Do what is asked; `told` hears how far a long ask is, 0 … 1. */
  answer(ask: unknown, given: unknown, told: Told): Requests[Ask][1] {
    const name = oneOf(ask, "ask", Object.keys(this.table) as Answered[]);
    return this.table[name](new Given(given, name), told);
  }

  /** Where the training stands and how it came there. */
  moved(maps = true, measures = true): Moved {
    const { lab } = this.open();
    return {
      state: lab.state(),
      measures: measures ? lab.measures() : { objective: NaN, held_loss: null },
      curve: lab.curve(),
      stopped: lab.stopped,
      behind: lab.behind,
      maps: maps && this.watched ? lab.maps(this.watched, this.watchedLayers) : null,
    };
  }

  private open(): { lab: Lab; module: CoreModule } {
    if (!this.lab || !this.module)
      throw new EngineError("No training is open yet. Ask for 'open' first.");
    return { lab: this.lab, module: this.module };
  }

  private readonly table: { [A in Answered]: (given: Given, told: Told) => Requests[A][1] } = {
    hello: () => ({ engine: "wasm", version: this.version, can: ["train"], subject: null }),

    open: (given) => {
      // A module of its own: what was open before, and its memory, goes with the one before.
      const module = new CoreModule(this.compiled);
      const lab = new Lab(module, openingOf(module, given));
      [this.lab, this.module, this.playing, this.watched] = [lab, module, false, null];
      return {
        slots: lab.network.slots,
        size: lab.network.size,
        steps_per_epoch: lab.stepsPerEpoch,
        engine: "wasm",
        road: lab.road,
        state: lab.state(),
        measures: lab.measures(),
      };
    },

    advance: (given) => {
      const { lab } = this.open();
      const unit = given.chosen("unit", ["step", "epoch"]);
      const count = given.whole("count", 1, MOST_STEPS);
      this.playing = false;
      if (unit === "epoch") lab.advanceEpochs(count);
      else lab.advanceSteps(count);
      return this.moved();
    },

    play: (given) => {
      const { lab } = this.open();
      let pace: number | null = null;
      if (given.value("steps_per_second") !== null) {
        pace = given.number("steps_per_second");
        if (!(pace >= 0.01 && pace <= 1e9))
          throw wrong("play.steps_per_second", "from 0.01 to 1e9", pace);
      }
      if (!this.playing) lab.keep();
      [this.pace, this.playing] = [pace, lab.stopped === null];
      return this.moved();
    },

    pause: () => {
      this.open();
      this.playing = false;
      return this.moved();
    },

    back: () => {
      const { lab } = this.open();
      this.playing = false;
      lab.back();
      return this.moved();
    },

    set: (given) => {
      const { lab } = this.open();
      const vector = given.vector("vector", lab.network.size);
      if (!vector.every(Number.isFinite))
        throw wrong("set.vector", "of finite numbers", "NaN or infinity");
      if (given.has("buffers")) given.vector("buffers", 0);
      lab.set(vector);
      return this.moved();
    },

    plan: (given) => {
      const { lab } = this.open();
      lab.replan(planOf(given.inner("plan")));
      return this.moved();
    },

    trace: (given) => {
      const { lab } = this.open();
      const { inputs, outputs } = lab.network;
      let own = null;
      if (given.value("x") !== null) {
        const [x, d] = [given.matrix("x", inputs), given.matrix("d", outputs)];
        if (x.length !== inputs) throw wrong("trace.x", `an array of ${inputs} numbers`, x.length);
        if (d.length !== outputs)
          throw wrong("trace.d", `an array of ${outputs} numbers`, d.length);
        own = { x, d };
      }
      return lab.trace(own, given.flag("numeric"));
    },

    look: (given) => {
      const { lab } = this.open();
      const X = given.matrix("X", lab.network.inputs);
      const other = given.has("parameters") ? given.inner("parameters") : null;
      other?.vector("buffers", 0);
      const outputs = lab.outputs(X, other?.vector("vector", lab.network.size) ?? null);
      const chosen = given.flag("layers") ? outputs : outputs.slice(-1);
      return { outputs: sideBySide(chosen, X.length / lab.network.inputs) };
    },

    watch: (given) => {
      const { lab } = this.open();
      let X: Float64Array | null = null;
      if (given.value("X") !== null) {
        X = given.matrix("X", lab.network.inputs);
        const rows = X.length / lab.network.inputs;
        if (rows > MOST_WATCHED)
          throw wrong("watch.X", `at most ${MOST_WATCHED.toLocaleString("en")} rows`, rows);
        if (rows === 0) X = null;
      }
      [this.watched, this.watchedLayers] = [X, given.flag("layers")];
      return this.moved();
    },

    ranges: () => this.open().lab.ranges(MOST_WATCHED),

    judge: (given) => this.open().lab.judge(given.flag("held"), MOST_WATCHED),

    factors: (given) => this.open().lab.factors(given.whole("points", 2, MOST_FACTORS)),

    surface: (given, told) => {
      const { lab } = this.open();
      const { size } = lab.network;
      const second = given.value("second") === null ? null : given.vector("second", size);
      const [u, v] = [gridOf(given, "u"), gridOf(given, "v")];
      if (u.length * v.length > MOST_POINTS)
        throw wrong(
          "surface",
          `at most ${MOST_POINTS.toLocaleString("en")} points`,
          u.length * v.length,
        );
      const [origin, first] = [given.vector("origin", size), given.vector("first", size)];
      return { objective: lab.surface(origin, first, second, u, v, told) };
    },

    runs: (given, told) => {
      const { lab, module } = this.open();
      const epochs = given.whole("epochs", 1, MOST_EPOCHS);
      const keep = given.whole("keep", 2, MOST_KEPT);
      const runs = given
        .records("runs", MOST_RUNS)
        .map((entry) => runOf(module, entry, lab.network));
      return {
        runs: runs.map((run, index) => {
          const done = trainRun(module, lab.network, run, epochs, keep);
          told((index + 1) / runs.length);
          return done;
        }),
      };
    },
  };
}

function gridOf(given: Given, name: string): number[] {
  const value = given.value(name);
  if (!Array.isArray(value) || value.length !== 3)
    throw wrong(given.place(name), "low, high and a count", value);
  const [low, high, count] = value as unknown[];
  const parts = new Given({ low, high, count }, `surface.${name}`);
  return evenly(parts.number("low"), parts.number("high"), parts.whole("count", 1, MOST_POINTS));
}

/** Matrices of so many rows as one. */
function sideBySide(matrices: readonly Float64Array[], rows: number): Float64Array {
  const widths = matrices.map((matrix) => (rows ? matrix.length / rows : 0));
  const all = widths.reduce((sum, width) => sum + width, 0);
  const found = new Float64Array(rows * all);
  let begin = 0;
  matrices.forEach((matrix, index) => {
    const width = widths[index];
    for (let row = 0; row < rows; row += 1)
      found.set(matrix.subarray(row * width, (row + 1) * width), row * all + begin);
    begin += width;
  });
  return found;
}
