/**
 * Each setting as text of an address, and back: `read` throws what the text must be.
 *
 * Texts are short and can be written by hand: numbers as they are, `yes` and `no`, lists with
 * commas. What has no limit at the engine has one here, so that no address asks for a week's work.
 * All that a model may bring along can be read: an address reads what it writes.
 */
import type { Sampling } from "../protocol";
import { GROUP_NAMES } from "./groups";
import {
  ACTIVATIONS,
  INITIALIZERS,
  LANDSCAPE_VIEWS,
  LOSSES,
  OPTIMIZERS,
  ROOMS,
  SAMPLINGS,
  SCHEDULES,
  type LandscapeView,
  type Room,
  type Settings,
} from "./settings";
import { CLASSICS } from "./sets";
import { SHIPPED } from "./shipped";

/** What a text must be; the rest of the sentence says where it stood. */
export class Unreadable extends Error {}

export interface Field<T> {
  readonly read: (text: string) => T;
  readonly write: (value: T) => string;
}

const asText = <T>(value: T): string => String(value);

function among<T extends string>(words: readonly T[], expected?: string): Field<T> {
  return {
    read: (text) => {
      const found = words.find((word) => word === text);
      if (found === undefined) throw new Unreadable(expected ?? `one of ${words.join(", ")}`);
      return found;
    },
    write: asText,
  };
}

/** A number as people and programs write it; no "0x10", no " ", no "Infinity". */
export function readNumber(text: string): number {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i.test(text) ? Number(text) : NaN;
}

function between(low: number, high: number, whole: boolean): Field<number> {
  return {
    read: (text) => {
      const value = readNumber(text);
      if (!(value >= low && value <= high) || (whole && !Number.isInteger(value)))
        throw new Unreadable(`a ${whole ? "whole " : ""}number from ${low} to ${high}`);
      return value;
    },
    write: asText,
  };
}

const whole = (low: number, high: number): Field<number> => between(low, high, true);
const real = (low: number, high: number): Field<number> => between(low, high, false);

const truth: Field<boolean> = {
  read: (text) => {
    if (text !== "yes" && text !== "no") throw new Unreadable("yes or no");
    return text === "yes";
  },
  write: (value) => (value ? "yes" : "no"),
};

/** More than are drawn unit by unit: an engine counts parameters, and says which are too many. */
const MOST_LAYERS = 100;
const MOST_WIDE = 1_000_000;

const layers: Field<readonly number[]> = {
  read: (text) => {
    const units = text === "none" ? [] : text.split(",").map(readNumber);
    const fits = units.every(
      (count) => Number.isInteger(count) && count >= 1 && count <= MOST_WIDE,
    );
    if (!fits || units.length > MOST_LAYERS)
      throw new Unreadable(
        `none, or units of at most ${MOST_LAYERS} layers, each from 1 to ${MOST_WIDE}, as in 8,4`,
      );
    return units;
  },
  write: (units) => units.join(",") || "none",
};

const groups: Field<readonly string[]> = {
  read: (text) => {
    const names = text.split(",").filter((name) => name !== "");
    if (!names.every((name) => (GROUP_NAMES as readonly string[]).includes(name)))
      throw new Unreadable(`some of ${GROUP_NAMES.join(", ")}`);
    return [...new Set(names)];
  },
  write: (names) => names.join(","),
};

const pair: Field<readonly number[]> = {
  read: (text) => {
    // None are chosen.
    if (text === "") return [];
    const inputs = text.split(",").map(readNumber);
    if (inputs.length !== 2 || !inputs.every((input) => Number.isInteger(input) && input >= 0))
      throw new Unreadable("the numbers of two inputs, counted from 0, as in 0,1");
    return inputs;
  },
  write: (inputs) => inputs.join(","),
};

/** A lesson's name; whether there is one so called is said where lessons are known. */
const lesson: Field<string> = {
  read: (text) => {
    if (!/^[a-z0-9_-]{0,40}$/.test(text)) throw new Unreadable("a lesson's name");
    return text;
  },
  write: asText,
};

/** The largest seed: what every engine takes. */
const MOST_SEED = 2 ** 31 - 1;

type Options = "initializer" | "optimizer" | "schedule";

/** Settings that are one text each; those with fields of their own stand in `OPTION_NAMES`. */
export const FIELDS: { readonly [K in Exclude<keyof Settings, Options>]: Field<Settings[K]> } = {
  room: among<Room>(ROOMS),
  set: among([...Object.keys(CLASSICS), ...Object.keys(SHIPPED), "own"]),
  rows: whole(4, 5000),
  noise: real(0, 1),
  set_seed: whole(0, MOST_SEED),
  hidden: layers,
  activation: among(ACTIVATIONS),
  output_activation: among(["auto", ...ACTIVATIONS]),
  loss: among(LOSSES),
  slope: real(0, 1),
  huber_delta: real(1e-6, 1e6),
  quantile: real(0.001, 0.999),
  bias: truth,
  seed: whole(0, MOST_SEED),
  learning_rate_init: real(1e-300, 1e300),
  batch_size: whole(1, 2 ** 31),
  sampling: among<Sampling>(SAMPLINGS),
  l2: real(0, 1e300),
  l1: real(0, 1e300),
  standardize: truth,
  held: real(0, 0.5),
  max_epochs: whole(1, 2 ** 40),
  axes: pair,
  pace: real(0, 1e6),
  view: among<LandscapeView>(LANDSCAPE_VIEWS),
  restarts: whole(2, 200),
  epochs: whole(1, 1_000_000),
  lesson,
  hide: groups,
  theme: among<Settings["theme"]>(["auto", "light", "dark"]),
};

/** Settings that are options with fields, `optimizer=adam&optimizer.beta_1=0.8`: their names. */
export const OPTION_NAMES: Readonly<Record<Options, Field<string>>> = {
  initializer: among(INITIALIZERS),
  optimizer: among(OPTIMIZERS),
  schedule: among(SCHEDULES),
};

/** Fields that an option has only where a model brought it along: none of the page's own says them. */
export const BROUGHT: Readonly<Record<Options, Readonly<Record<string, Field<number>>>>> = {
  initializer: {},
  optimizer: { clip_norm: real(1e-300, 1e300), average: real(0, 1) },
  schedule: { total_epochs: whole(1, 2 ** 40) },
};

/** A field of an option is of the kind that its default is of. */
export function optionField(value: unknown): Field<unknown> {
  if (typeof value === "boolean") return truth as Field<unknown>;
  if (typeof value === "number") return real(-1e6, 1e6) as Field<unknown>;
  return {
    read: (text) => {
      if (!/^[a-z_]{1,24}$/.test(text)) throw new Unreadable("a word of small letters");
      return text;
    },
    write: asText,
  };
}
