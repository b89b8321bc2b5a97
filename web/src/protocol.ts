/**
 * What the page and an engine say to each other.
 *
 * The page does not know which engine it talks to: a server that trains with the library's own
 * sessions, the compiled core as WebAssembly in a worker, or a recorded trace. Every number of a
 * network that the page shows comes from here.
 *
 * Axes: a matrix lies row after row in a flat array, (rows, columns); a vector of parameters block
 * after block as `Opened.slots` says, weights input-major: the weight from unit i to unit j of a
 * layer stands at `start + i * units + j`. Layer l maps a^l to a^(l+1); a^0 = x.
 */

/** An option of the library as a plain record: its name, then its fields. */
export interface Named {
  readonly name: string;
  readonly [field: string]: unknown;
}

/** A layer as the library writes it: dense, batch_normalization, layer_normalization, dropout. */
export interface LayerRecord extends Named {
  readonly inputs: number;
  readonly units: number;
  readonly function?: Named;
  readonly bias?: boolean;
}

export interface HeadRecord {
  readonly columns: readonly [number, number];
  readonly loss: Named;
  readonly weight: number;
  readonly activation?: Named;
  readonly class_weights?: readonly number[];
}

/** A network as the library describes it in model files. */
export interface NetworkRecord {
  readonly layers: readonly LayerRecord[];
  readonly heads: readonly HeadRecord[];
}

export type Sampling = "replacement" | "shuffle" | "sequential";

/** How to train, as the library's TrainingPlan. */
export interface Plan {
  readonly optimizer: Named;
  /** The step size α_0; the schedule's factor multiplies it. */
  readonly learning_rate_init: number;
  readonly schedule: Named;
  readonly batch_size: number;
  readonly sampling: Sampling;
  /** {"name": "l2", "strength": …} and the like, or null. */
  readonly penalty: Named | null;
  /** Epochs that schedules with an end count on. */
  readonly max_epochs: number;
  /** The key of the random order of the rows. */
  readonly key: number;
}

/** Rows as the network sees them: X (rows, inputs) and the targets D (rows, outputs). */
export interface Rows {
  readonly X: Float64Array;
  readonly D: Float64Array;
  readonly rows: number;
}

/** Where a training stands: all that it goes on by. */
export interface State {
  readonly vector: Float64Array;
  /** The optimiser's moments, (count, size); empty before the first step. */
  readonly moments: Float64Array;
  /** Running statistics of normalised layers. */
  readonly buffers: Float64Array;
  /** Steps since the start, whole epochs, and steps of the epoch at hand. */
  readonly step: number;
  readonly epoch: number;
  readonly into: number;
  /** Σ f of the steps of the epoch at hand. */
  readonly carried: number;
  /** What the adaptive schedule has made of the step size, and what it judges by. */
  readonly rate_factor: number;
  readonly best_loss: number;
  readonly stalled: number;
}

/** Where a block of parameters stands in the vector. */
export interface Slot {
  readonly layer: number;
  readonly block: string;
  readonly start: number;
  readonly stop: number;
  readonly shape: readonly number[];
}

/** What the page begins a training with. */
export interface Open {
  readonly network: NetworkRecord;
  readonly plan: Plan;
  /** Draws the first weights with `seed`; an opened model brings its own in `start`. */
  readonly initializer: Named;
  readonly seed: number;
  readonly train: Rows;
  readonly held: Rows | null;
  readonly start: State | null;
}

export interface Opened {
  readonly slots: readonly Slot[];
  readonly size: number;
  readonly steps_per_epoch: number;
  /** Which code of the library computes: "compiled", "reference" or "wasm". */
  readonly engine: string;
  /** In words, which road the steps take. */
  readonly road: string;
  readonly state: State;
  readonly measures: Measures;
}

/** Losses over all rows, as they are now, outside of steps. */
export interface Measures {
  /** J of equation (8), penalty included, over the rows to train on. */
  readonly objective: number;
  /** The mean loss of the rows held out, or null. */
  readonly held_loss: number | null;
}

/** Epochs that ended since the last look, thinned where they are many. */
export interface Curve {
  readonly epoch: Float64Array;
  /** Mean of the sample losses as met, penalty included. */
  readonly loss: Float64Array;
  /** Of the rows held out; empty without them. */
  readonly held_loss: Float64Array;
}

/** Outputs of units on the rows that are watched, as bytes between `low` and `high`. */
export interface Maps {
  /** (units, rows): all units of all layers, shallow to deep, or those of the last layer alone. */
  readonly levels: Uint8Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** The smallest and the largest z and output of every unit, shallow to deep. */
export interface Ranges {
  readonly z_low: Float64Array;
  readonly z_high: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export interface Moved {
  readonly state: State;
  readonly measures: Measures;
  readonly curve: Curve;
  /** Why it stands still, where it may not go on: a sentence; else null. */
  readonly stopped: Stopped | null;
  /** How many times `back` can be asked. */
  readonly behind: number;
  readonly maps: Maps | null;
}

export interface Stopped {
  /** "non_finite", "step_too_small" */
  readonly reason: string;
  readonly sentence: string;
}

/** One step on one sample with every number, as the engine's own kernels met it. */
export interface Traced {
  /** Which row it is, of those to train on; −1 for a sample of the page's own. */
  readonly row: number;
  /** Steps done before this one: the t of α_t. */
  readonly step: number;
  readonly x: Float64Array;
  readonly d: Float64Array;
  /** z, a and δ of each layer, shallow to deep, all with the weights before the step. */
  readonly z: readonly Float64Array[];
  readonly a: readonly Float64Array[];
  readonly delta: readonly Float64Array[];
  readonly loss: number;
  /** The step size α_t. */
  readonly rate: number;
  readonly before: Float64Array;
  /** ∂f, without the penalty. */
  readonly gradient: Float64Array;
  readonly after: Float64Array;
  readonly moments_before: Float64Array;
  readonly moments_after: Float64Array;
  /** Strengths of the penalties over n, as in equation (9). */
  readonly l1: number;
  readonly l2: number;
  /** (f(w + h) − f(w − h)) / 2h for every weight where asked, else null; NaN across a kink,
   * and everywhere where sign is trained by a rule. */
  readonly numeric: Float64Array | null;
  /** What each layer met beside z, a and δ; null of a dense one. */
  readonly inner: readonly (Inner | null)[];
}

/** By what a layer without a weight matrix went in a step of one row. */
export interface Inner {
  /** Of dropout: what each unit is multiplied by, 0 where it is dropped. */
  readonly factor?: Float64Array;
  /** Of a normalised layer: x̂ of each unit. */
  readonly normalized?: Float64Array;
  /** The running ones of each unit, which a batch of one row goes by; or the row's one, over its units. */
  readonly mean?: Float64Array;
  readonly variance?: Float64Array;
  /** Of layer normalisation: the means over the units of gain · δ, and of gain · δ · x̂. */
  readonly sent?: Float64Array;
  readonly along?: Float64Array;
}

/**
 * One training beside others: it begins at `start`, or at first weights drawn with `seed`; or it
 * goes on from the state that an earlier answer left, whatever those say.
 */
export interface Run {
  readonly plan: Plan;
  readonly initializer: Named;
  readonly seed: number;
  readonly start: Float64Array | null;
  readonly from: State | null;
  readonly train: Rows;
}

export interface RunDone {
  /** J of equation (8) where this ask began. */
  readonly begun: number;
  /** J at the end; NaN where the training diverged. */
  readonly objective: number;
  /** Epochs of this ask; fewer than asked for where it ended by itself. */
  readonly epochs: number;
  /** Numbers of epochs, thinned where they are many, and what each met. */
  readonly epoch: Float64Array;
  readonly loss: Float64Array;
  readonly vector: Float64Array;
  /** Where it stands at the end; of one that diverged, at the end of the last finite epoch. */
  readonly state: State;
  /** Parameters on the way, (kept, size), the first and the last among them. */
  readonly path: Float64Array;
}

/** J at origin + u · first + v · second, u and v on even grids. */
export interface Surface {
  readonly origin: Float64Array;
  readonly first: Float64Array;
  /** null: along a line only. */
  readonly second: Float64Array | null;
  readonly u: readonly [low: number, high: number, count: number];
  readonly v: readonly [low: number, high: number, count: number];
}

/** A finding of the library's diagnosis. */
export interface Finding {
  readonly name: string;
  readonly sentence: string;
  /** What was measured, where, and what it should be. */
  readonly measured: string;
  readonly remedy: string;
}

/** What the first line of a CSV file holds; "auto": names, unless one of its cells is a number. */
export type FirstLine = "auto" | "names" | "row";

/** How its target is learned; "auto": words, two values, and few whole numbers are classes. */
export type Learned = "auto" | "classes" | "values";

/** A column of a table before it became inputs of a network: numbers, or words. */
export interface OwnColumn {
  readonly name: string;
  /** The first of its inputs, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** A number was shift + scale · u; the input is u, or u / √(1 + (u / bend)²) where bend > 0. */
  readonly shift: number;
  readonly scale: number;
  readonly bend: number;
  /** Its words: two in a single input are −1 and +1, others are a 1 in an input of their own. */
  readonly levels: readonly string[];
}

/** A target before it became numbers to learn: shift + scale · d; predictions are held in a range. */
export interface OwnTarget {
  readonly shift: number;
  readonly scale: number;
  readonly low: number;
  readonly high: number;
}

/** What inputs and targets were, for labels alone; without columns or targets just what they are. */
export interface Origin {
  readonly columns: readonly OwnColumn[];
  readonly targets: readonly OwnTarget[];
}

/** Columns of a table that are numbers by now, and what they were. */
export interface TableRead {
  readonly name: string;
  readonly inputs: readonly string[];
  /** "classes" or "values". */
  readonly kind: string;
  readonly target: string;
  /** Names of the classes; of the target column where it holds values. */
  readonly outputs: readonly string[];
  readonly X: Float64Array;
  /** The class number, or the value, of each row. */
  readonly y: Float64Array;
  readonly rows: number;
  /** What was done with each column, in words. */
  readonly notes: readonly string[];
  /** All columns of the table, for the choice of another target. */
  readonly columns: readonly string[];
  readonly origin?: Origin;
}

/** A table that could be read, but not with this target. */
export interface TargetRefused {
  readonly problem: string;
  readonly target: string;
  /** All columns of the table, for the choice of another target. */
  readonly columns: readonly string[];
}

/** A model that was opened with the page, with its rows. */
export interface Subject {
  readonly title: string;
  /** Its network and plan, the rows as it sees them, and where it stands. */
  readonly open: Open;
  readonly table: TableRead;
  /** Rows of the table become what the network sees by (x − center) / scale. */
  readonly scaling: { readonly center: Float64Array; readonly scale: Float64Array };
  /** The epochs of its training so far. */
  readonly curve: Curve;
  /** Whether it is being fitted elsewhere now: `live` shows how it goes. */
  readonly fitting: boolean;
  /** The inputs over which maps are drawn first; else those that tell most of the target. */
  readonly axes?: readonly number[];
}

export interface Hello {
  readonly engine: string;
  readonly version: string;
  /** What this engine can do beside opening, moving and looking. */
  readonly can: readonly ("train" | "table" | "load" | "save" | "diagnose" | "live")[];
  readonly subject: Subject | null;
}

/** Each request, what it takes and what is answered. */
export interface Requests {
  hello: [Record<string, never>, Hello];
  open: [Open, Opened];
  /** `count` samples, mini-batches or epochs further; "sample" takes steps of one row. */
  advance: [{ unit: "step" | "epoch"; count: number }, Moved];
  /** Go on by itself: so many steps a second, null for as many as it can. */
  play: [{ steps_per_second: number | null }, Moved];
  pause: [Record<string, never>, Moved];
  /** To where it stood before the last move. */
  back: [Record<string, never>, Moved];
  /** Other parameters, at the same place of the training; without buffers its own stay. */
  set: [{ vector: Float64Array; buffers?: Float64Array }, Moved];
  /** Another plan from here on; the place in the training stays. */
  plan: [{ plan: Plan }, Moved];
  /** The next step of one row, or a step on a sample of the page's own; nothing moves. */
  trace: [
    { x: Float64Array | null; d: Float64Array | null; numeric: boolean },
    Traced,
  ];
  /**
   * Predictions of rows, or outputs of all layers side by side: (rows, units); with other parameters
   * than the training's where they are given.
   */
  look: [
    {
      X: Float64Array;
      layers: boolean;
      parameters?: { vector: Float64Array; buffers: Float64Array } | null;
    },
    { outputs: Float64Array },
  ];
  /** The rows that every frame shows units' outputs on, all units' or the last layer's; none: no maps. */
  watch: [{ X: Float64Array | null; layers: boolean }, Moved];
  /** What every unit meets and says on the rows to train on. */
  ranges: [Record<string, never>, Ranges];
  /** Predictions (rows, outputs) of the rows to train on or of those held out, and each one's f. */
  judge: [{ held: boolean }, { outputs: Float64Array; loss: Float64Array }];
  /** The schedule's factor at the begin of epochs from the first to the last planned. */
  factors: [{ points: number }, { epoch: Float64Array; factor: Float64Array }];
  /** The page has drawn the last frame and is ready for the next. */
  ready: [Record<string, never>, Record<string, never>];
  surface: [Surface, { objective: Float64Array }];
  /** Trains each run for so many epochs and keeps so many points of its way; 2: no more than its ends. */
  runs: [{ runs: readonly Run[]; epochs: number; keep: number }, { runs: readonly RunDone[] }];
  /** `inputs`: what sentences call the inputs of a network of the page's own. */
  diagnose: [{ inputs?: readonly string[] }, { findings: readonly Finding[] }];
  /** A CSV file as it is; `target` null: the last column that can be one. */
  table: [
    {
      name: string;
      file: Uint8Array;
      first_line: FirstLine;
      target: string | null;
      learned: Learned;
    },
    TableRead | TargetRefused,
  ];
  save: [Record<string, never>, { file: Uint8Array }];
  load: [{ file: Uint8Array }, { network: NetworkRecord; state: State }];
}

export type Ask = keyof Requests;

/** What an engine says without being asked. */
export interface Events {
  /** While it plays; one at a time, the next one after `ready`. */
  frame: Moved;
  /** A defect ended what was under way. */
  trouble: { sentence: string };
  /** How far a long request is, 0 … 1. */
  progress: { done: number };
  /** An estimator that is being fitted elsewhere shows where it stands. */
  live: Moved;
  /** Another model is open now: a fit has begun, or has come to its end. */
  subject: Subject;
  /** The connection: "open", "lost" or "refused". */
  connection: { standing: "open" | "lost" | "refused"; sentence: string };
}

/** What was asked cannot be done; the sentence says what, why and what to do. */
export class EngineError extends Error {}

export interface Engine {
  ask<A extends Ask>(what: A, given: Requests[A][0]): Promise<Requests[A][1]>;
  /** Calls `heard` at every event of the kind; returns what ends it. */
  on<E extends keyof Events>(event: E, heard: (told: Events[E]) => void): () => void;
  close(): void;
}
