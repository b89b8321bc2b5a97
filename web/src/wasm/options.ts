/**
 * Options of the library as records, checked as the library checks them: the name of a family's
 * table, every field of its class, no more, each in its range.
 */

import type { Named } from "../protocol";
import { EngineError } from "../protocol";
import { shown } from "./checks";
import { ACTIVATIONS, LOSSES } from "./names";
import type { ActivationName, LossName } from "./names";
import type { Optimizer } from "./work";

type Check = (value: unknown, name: string) => unknown;

/** Fields of a class; those that a record may leave out are null then. */
interface Fields {
  readonly needed?: Readonly<Record<string, Check>>;
  readonly free?: Readonly<Record<string, Check>>;
}

interface Family {
  readonly word: string;
  readonly table: Readonly<Record<string, Fields>>;
}

function refuse(name: string, expected: string, got: unknown, remedy: string): never {
  throw new EngineError(`${name} must be ${expected} (got ${shown(got)}). ${remedy}`);
}

const among =
  (expected: string, remedy: string, fits: (value: number) => boolean): Check =>
  (value, name) =>
    typeof value === "number" && Number.isFinite(value) && fits(value)
      ? value
      : refuse(name, expected, value, remedy);

const finite = among("a finite number", "Give a finite number.", () => true);
const positive = among("a positive finite number", "Choose a value above 0.", (v) => v > 0);
const nonNegative = among("a finite number of at least 0", "Choose 0 or more.", (v) => v >= 0);
const positiveInteger: Check = (value, name) =>
  Number.isInteger(value) && (value as number) >= 1
    ? value
    : refuse(name, "a positive integer", value, "Choose 1 or more.");

function inRange(low: number, high: number, ends = "[]"): Check {
  const expected = `a number in ${ends[0]}${low}, ${high === Infinity ? "inf" : high}${ends[1]}`;
  return among(
    expected,
    "Choose a value in that range.",
    (value) =>
      (ends[0] === "[" ? value >= low : value > low) &&
      (ends[1] === "]" ? value <= high : value < high),
  );
}

const oneOf =
  (...words: string[]): Check =>
  (value, name) =>
    words.includes(value as string)
      ? value
      : refuse(
          name,
          `one of ${words.map((word) => `'${word}'`).join(", ")}`,
          value,
          "Choose one of these words.",
        );

/** What only the library on its own machine does. */
const nothing: Check = (value, name) =>
  value === null
    ? value
    : refuse(name, "null on a page without a server", value, "Open the page with: deltarule play");

const orNull =
  (check: Check): Check =>
  (value, name) =>
    value === null ? value : check(value, name);

const stepwise = { clip_norm: nothing, average: nothing };
const betas = {
  beta_1: inRange(0, 1, "[)"),
  beta_2: inRange(0, 1, "[)"),
  epsilon: positive,
};
const MOST_CYCLES = 50;
const cycles: Check = (value, name) => {
  const found = positiveInteger(value, name) as number;
  if (found <= MOST_CYCLES) return found;
  throw new EngineError(
    `${name} must be at most ${MOST_CYCLES} (got ${shown(value)}), as each is twice as long as the ` +
      "one before it. Choose fewer.",
  );
};
const total = { total_epochs: orNull(positiveInteger) };

const plain = (names: readonly string[]): Record<string, Fields> =>
  Object.fromEntries(names.map((name) => [name, {}]));

const FAMILIES = {
  activation: {
    word: "activation",
    table: { ...plain(ACTIVATIONS), leaky_relu: { needed: { slope: nonNegative } } },
  },
  loss: {
    word: "loss",
    table: {
      ...plain(LOSSES),
      huber: { needed: { delta: positive } },
      quantile: { needed: { quantile: inRange(0, 1, "()") } },
    },
  },
  optimizer: {
    word: "optimizer",
    table: {
      sgd: { free: stepwise },
      momentum: { needed: { momentum: inRange(0, 1) }, free: stepwise },
      nesterov: { needed: { momentum: inRange(0, 1) }, free: stepwise },
      adam: { needed: betas, free: stepwise },
      adamw: { needed: { ...betas, weight_decay: nonNegative }, free: stepwise },
      rmsprop: { needed: { decay: inRange(0, 1, "[)"), epsilon: positive }, free: stepwise },
    },
  },
  schedule: {
    word: "schedule",
    table: {
      constant: {},
      invscaling: { needed: { power: nonNegative, per: oneOf("step", "epoch") } },
      adaptive: { needed: { divisor: inRange(1, Infinity, "()"), smallest: nonNegative } },
      step: { needed: { every: positiveInteger, factor: inRange(0, 1, "(]") } },
      cosine: { needed: { warmup: inRange(0, 1, "[)"), end: inRange(0, 1) }, free: total },
      cyclic_cosine: { needed: { cycles }, free: total },
      one_cycle: {
        needed: { peak_at: inRange(0, 1, "()"), start: inRange(0, 1), end: inRange(0, 1) },
        free: total,
      },
    },
  },
  initializer: {
    word: "initializer",
    table: {
      ...plain(["auto", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"]),
      ...plain(["lecun_uniform", "lecun_normal"]),
      uniform: { needed: { low: finite, high: finite } },
      normal: { needed: { scale: nonNegative } },
      constant: { needed: { value: finite } },
    },
  },
  penalty: {
    word: "penalty",
    table: {
      l1: { needed: { strength: nonNegative } },
      l2: { needed: { strength: nonNegative } },
      l1l2: { needed: { l1: nonNegative, l2: nonNegative } },
    },
  },
} satisfies Record<string, Family>;

/** The record with its fields checked; those that it left out are null. */
function checked(record: unknown, family: Family, where: string): Record<string, unknown> {
  if (record === null || typeof record !== "object" || Array.isArray(record))
    refuse(
      where,
      `a record of one ${family.word}`,
      record,
      "Reload the page if you did not write it.",
    );
  const what = `${where}: ${family.word} record`;
  const { name, ...given } = record as Named;
  if (typeof name !== "string" || !Object.hasOwn(family.table, name))
    refuse(
      `${what}: name`,
      `one of ${Object.keys(family.table)
        .map((known) => `'${known}'`)
        .join(", ")}`,
      name,
      "Make it with record().",
    );
  const { needed = {}, free = {} } = family.table[name];
  const missing = Object.keys(needed).some((field) => !Object.hasOwn(given, field));
  const strange = Object.keys(given).some(
    (field) => !Object.hasOwn(needed, field) && !Object.hasOwn(free, field),
  );
  if (missing || strange) {
    const more = Object.keys(free).length ? ` and may have ${listed(free)}` : "";
    throw new EngineError(
      `${what} '${name}' must have the fields ${listed(needed)}${more} (got ${listed(given)}). ` +
        "Make it with record().",
    );
  }
  const found: Record<string, unknown> = { name };
  for (const [field, check] of Object.entries({ ...needed, ...free }))
    found[field] = Object.hasOwn(given, field) ? check(given[field], `${where}: ${field}`) : null;
  return found;
}

function listed(fields: object): string {
  return Object.keys(fields).sort().join(", ") || "none";
}

export interface ActivationOption {
  readonly name: ActivationName;
  readonly parameter: number;
}

export interface LossOption {
  readonly name: LossName;
  readonly parameter: number;
}

export interface PenaltyOption {
  readonly l1: number;
  readonly l2: number;
}

export type Schedule =
  | { readonly name: "constant" }
  | { readonly name: "invscaling"; readonly power: number; readonly per: "step" | "epoch" }
  | { readonly name: "adaptive"; readonly divisor: number; readonly smallest: number }
  | { readonly name: "step"; readonly every: number; readonly factor: number }
  | {
      readonly name: "cosine";
      readonly warmup: number;
      readonly end: number;
      readonly total_epochs: number | null;
    }
  | {
      readonly name: "cyclic_cosine";
      readonly cycles: number;
      readonly total_epochs: number | null;
    }
  | {
      readonly name: "one_cycle";
      readonly peak_at: number;
      readonly start: number;
      readonly end: number;
      readonly total_epochs: number | null;
    };

export type Initializer =
  | {
      readonly name:
        | "auto"
        | "glorot_uniform"
        | "glorot_normal"
        | "he_uniform"
        | "he_normal"
        | "lecun_uniform"
        | "lecun_normal";
    }
  | { readonly name: "uniform"; readonly low: number; readonly high: number }
  | { readonly name: "normal"; readonly scale: number }
  | { readonly name: "constant"; readonly value: number };

export function activationOf(record: unknown, where: string): ActivationOption {
  const { name, slope } = checked(record, FAMILIES.activation, where);
  return { name: name as ActivationName, parameter: (slope as number | undefined) ?? 0 };
}

export function lossOf(record: unknown, where: string): LossOption {
  const { name, delta, quantile } = checked(record, FAMILIES.loss, where);
  return { name: name as LossName, parameter: ((delta ?? quantile) as number | undefined) ?? 0 };
}

export function optimizerOf(record: unknown, where: string): Optimizer {
  const { clip_norm: _, average: __, ...found } = checked(record, FAMILIES.optimizer, where);
  return found as unknown as Optimizer;
}

export function scheduleOf(record: unknown, where: string): Schedule {
  return checked(record, FAMILIES.schedule, where) as unknown as Schedule;
}

export function initializerOf(record: unknown, where: string): Initializer {
  const found = checked(record, FAMILIES.initializer, where) as unknown as Initializer;
  if (found.name === "uniform" && !(found.low < found.high))
    throw new EngineError(
      `${where}: low must be below high (got low=${found.low}, high=${found.high}). ` +
        "Swap them, or use Constant for one value.",
    );
  return found;
}

export function penaltyOf(record: unknown, where: string): PenaltyOption {
  const found = checked(record, FAMILIES.penalty, where);
  const strength = found["strength"] as number;
  if (found["name"] === "l1") return { l1: strength, l2: 0 };
  if (found["name"] === "l2") return { l1: 0, l2: strength };
  return { l1: found["l1"] as number, l2: found["l2"] as number };
}
