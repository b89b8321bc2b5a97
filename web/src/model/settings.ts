/**
 * What a person has chosen: all of it stands in the page's address, so that a link is a state.
 *
 * Names are the library's. What follows from choices (layers, targets, rows held out) is made of
 * them in `problem.ts`; the table itself is no setting, only where it comes from.
 */
import type { Named, Sampling } from "../protocol";
import options from "./options.json";

export const ROOMS = ["network", "step", "landscape", "data", "lessons"] as const;
export type Room = (typeof ROOMS)[number];

export const LANDSCAPE_VIEWS = ["restarts", "surface", "beside"] as const;
export type LandscapeView = (typeof LANDSCAPE_VIEWS)[number];

const names = (family: Readonly<Record<string, unknown>>): string[] => Object.keys(family);

export const ACTIVATIONS = names(options.activations);
export const LOSSES = names(options.losses);
export const OPTIMIZERS = names(options.optimizers);
export const SCHEDULES = names(options.schedules);
export const INITIALIZERS = names(options.initializers);
export const SAMPLINGS: readonly Sampling[] = ["replacement", "shuffle", "sequential"];

/** An option with its fields at the library's defaults. */
export function optionRecord(family: keyof typeof options, name: string): Named {
  return (options[family] as Record<string, Named>)[name];
}

/** An activation with its field as it is chosen. */
export function activationRecord(name: string, settings: Settings): Named {
  const record = optionRecord("activations", name);
  return name === "leaky_relu" ? { ...record, slope: settings.slope } : record;
}

/** The loss with its field as it is chosen. */
export function lossRecord(settings: Settings): Named {
  const record = optionRecord("losses", settings.loss);
  if (settings.loss === "huber") return { ...record, delta: settings.huber_delta };
  if (settings.loss === "quantile") return { ...record, quantile: settings.quantile };
  return record;
}

/** Layers and units of the largest network that is drawn unit by unit. */
export const MOST_HIDDEN = 6;
export const MOST_UNITS = 64;

export interface Settings {
  readonly room: Room;
  /** A set's name from `sets.ts`, or "own" for a table that the person brought. */
  readonly set: string;
  /** Rows, noise in 0 … 1, and the seed of a set that is drawn. */
  readonly rows: number;
  readonly noise: number;
  readonly set_seed: number;
  readonly hidden: readonly number[];
  readonly activation: string;
  /** "auto": what suits the loss. */
  readonly output_activation: string;
  readonly loss: string;
  /** Fields of the activations and losses that have them: leaky_relu, huber, quantile. */
  readonly slope: number;
  readonly huber_delta: number;
  readonly quantile: number;
  readonly bias: boolean;
  readonly initializer: Named;
  readonly seed: number;
  readonly optimizer: Named;
  readonly learning_rate_init: number;
  readonly schedule: Named;
  readonly batch_size: number;
  readonly sampling: Sampling;
  /** λ of (λ / 2n) Σ w², and of (λ / n) Σ |w|. */
  readonly l2: number;
  readonly l1: number;
  readonly standardize: boolean;
  /** Share of the rows that is held out, 0 … 0.5. */
  readonly held: number;
  /** Epochs that a schedule with an end counts on. */
  readonly max_epochs: number;
  /**
   * The two inputs over which maps are drawn, none for those that tell most of the target; the
   * others stand at their means.
   */
  readonly axes: readonly number[];
  /** Epochs a second while it trains, one step at least; 0: as many as the engine can. */
  readonly pace: number;
  /** What the landscape room shows, how many restarts it trains, and epochs of each run in it. */
  readonly view: LandscapeView;
  readonly restarts: number;
  readonly epochs: number;
  /** The lesson that is open, and the groups of controls that are not shown. */
  readonly lesson: string;
  readonly hide: readonly string[];
  readonly theme: "auto" | "light" | "dark";
}

export const DEFAULTS: Settings = {
  room: "network",
  set: "xor",
  rows: 200,
  noise: 0,
  set_seed: 0,
  hidden: [3],
  activation: "logistic",
  output_activation: "auto",
  loss: "squared_error",
  slope: 0.01,
  huber_delta: 1,
  quantile: 0.5,
  bias: true,
  initializer: { name: "auto" },
  seed: 3,
  optimizer: { name: "sgd" },
  learning_rate_init: 1,
  schedule: { name: "constant" },
  batch_size: 1,
  sampling: "replacement",
  l2: 0,
  l1: 0,
  standardize: false,
  held: 0,
  max_epochs: 1000,
  axes: [],
  pace: 200,
  view: "restarts",
  restarts: 100,
  epochs: 2000,
  lesson: "",
  hide: [],
  theme: "auto",
};
