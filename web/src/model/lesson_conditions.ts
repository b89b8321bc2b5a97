/**
 * The small closed language in which a lesson's task says when it is done.
 *
 * A condition is a record; its first field says its kind. All of them are judged on what the page
 * knows: settings, the engine's numbers, and what has happened since the task began.
 */
import { short } from "../parts/numbers";
import { settingText } from "./address";
import { NEW, PLANNED } from "./bench";
import {
  MEASURE_NAMES,
  MEASURES,
  measured,
  measureWords,
  nowWords,
  sameWeights,
  unmovedWeights,
  type Measure,
  type Numbers,
} from "./lesson_measures";
import type { LessonReader } from "./lesson_reader";
import { DEFAULTS, ROOMS, type Room, type Settings } from "./settings";

/** One training as the task saw it. */
export interface Training {
  readonly settings: Settings;
  readonly epochs: number;
  readonly objective: number;
}

/** What has happened since the task began. */
export interface Log {
  /** What the training that is open began with; a choice that is still under way is not in it. */
  readonly settings: Settings;
  readonly steps: number;
  readonly epochs: number;
  readonly rooms: ReadonlySet<Room>;
  readonly trainings: readonly Training[];
}

export interface Facts extends Numbers {
  readonly settings: Settings;
  readonly stopped: string | null;
  readonly log: Log;
}

interface Limits {
  readonly below?: number;
  readonly above?: number;
}

type Kind =
  | { readonly kind: "all" | "any"; readonly parts: readonly Condition[] }
  | { readonly kind: "not"; readonly part: Condition }
  | { readonly kind: "measure"; readonly measure: Measure; readonly limits: Limits }
  | {
      readonly kind: "setting";
      readonly name: string;
      readonly is: readonly string[];
      readonly limits: Limits;
    }
  | { readonly kind: "done"; readonly unit: "steps" | "epochs"; readonly least: number }
  | { readonly kind: "room"; readonly room: Room }
  | {
      readonly kind: "trainings";
      readonly least: number;
      readonly epochs: number;
      readonly limits: Limits;
      readonly where: readonly Condition[];
    }
  | {
      readonly kind: "weights";
      readonly are: "equal" | "unmoved" | "moved";
      readonly layer: number;
    }
  | { readonly kind: "stopped"; readonly reason: string };

/** `say`: the lesson's own words for it in the list of what is to be done. */
export type Condition = Kind & { readonly say: string | null };

export const REASONS = ["non_finite", "step_too_small"] as const;

const ALL_KINDS = [
  "all",
  "any",
  "not",
  "measure",
  "setting",
  "done",
  "room",
  "trainings",
  "weights",
  "stopped",
] as const;

export function readMeasure(given: LessonReader): Measure {
  const name = given.word("measure", MEASURE_NAMES);
  const place = { layer: 1, unit: 1, from: 1 };
  for (const part of MEASURES[name].needs) place[part] = given.whole(part, 1, 1000);
  return { name, ...place };
}

function readLimits(given: LessonReader): Limits {
  const limits = {
    ...(given.has("below") ? { below: given.number("below") } : {}),
    ...(given.has("above") ? { above: given.number("above") } : {}),
  };
  if (!Object.keys(limits).length) throw given.wrong("below", "a number, or above", undefined);
  return limits;
}

function readSetting(given: LessonReader): Kind {
  const name = given.text("setting", 60);
  const known = settingText(DEFAULTS, name) !== null;
  if (!known && !/^(optimizer|schedule|initializer)\.[a-z_0-9]+$/.test(name))
    throw given.wrong("setting", "a setting's name as addresses have it", name);
  if (given.has("is")) return { kind: "setting", name, is: given.texts("is", 20, 100), limits: {} };
  return { kind: "setting", name, is: [], limits: readLimits(given) };
}

const READERS: Readonly<Record<(typeof ALL_KINDS)[number], (given: LessonReader) => Kind>> = {
  all: (given) => ({ kind: "all", parts: given.records("all", 1, 10).map(readCondition) }),
  any: (given) => ({ kind: "any", parts: given.records("any", 1, 10).map(readCondition) }),
  not: (given) => ({ kind: "not", part: readCondition(given.inner("not")) }),
  measure: (given) => ({ kind: "measure", measure: readMeasure(given), limits: readLimits(given) }),
  setting: readSetting,
  done: (given) => ({
    kind: "done",
    unit: given.word("done", ["steps", "epochs"]),
    least: given.whole("at_least", 1, 1_000_000),
  }),
  room: (given) => ({ kind: "room", room: given.word("room", ROOMS) }),
  trainings: (given) => ({
    kind: "trainings",
    least: given.whole("trainings", 1, 100),
    epochs: given.whole("epochs", 0, 1_000_000),
    limits: readLimits(given),
    where: given.has("where") ? given.records("where", 1, 10).map(readWhere) : [],
  }),
  weights: (given) => ({
    kind: "weights",
    are: given.word("weights", ["equal", "unmoved", "moved"]),
    layer: given.whole("layer", 1, 100),
  }),
  stopped: (given) => ({ kind: "stopped", reason: given.word("stopped", REASONS) }),
};

export function readCondition(given: LessonReader): Condition {
  const kinds = ALL_KINDS.filter((kind) => given.has(kind));
  if (kinds.length !== 1)
    throw given.wrong("", `a condition with one of ${ALL_KINDS.join(", ")}`, kinds);
  const condition = READERS[kinds[0]](given);
  const say = given.has("say") ? given.text("say", 200) : null;
  given.end();
  return { ...condition, say };
}

/** Of a training nothing is kept but its settings: conditions on it speak of those. */
function readWhere(given: LessonReader): Condition {
  const condition = readCondition(given);
  if (condition.kind !== "setting")
    throw given.wrong("", "a condition of a setting", condition.kind);
  return condition;
}

const within = (value: number, { below = Infinity, above = -Infinity }: Limits): boolean =>
  value < below && value > above;

/** Trainings that differ in nothing that they were told are the same. */
function trainingName(settings: Settings): string {
  return JSON.stringify([...NEW, ...PLANNED].map((name) => settings[name]));
}

function countTrainings(
  { epochs, limits, where }: Extract<Kind, { kind: "trainings" }>,
  facts: Facts,
): number {
  const fitting = facts.log.trainings.filter(
    (training) =>
      training.epochs >= epochs &&
      within(training.objective, limits) &&
      where.every((part) => holds(part, { ...facts, settings: training.settings })),
  );
  return new Set(fitting.map(({ settings }) => trainingName(settings))).size;
}

export function holds(condition: Condition, facts: Facts): boolean {
  switch (condition.kind) {
    case "all":
      return condition.parts.every((part) => holds(part, facts));
    case "any":
      return condition.parts.some((part) => holds(part, facts));
    case "not":
      return !holds(condition.part, facts);
    case "measure":
      return within(measured(condition.measure, facts), condition.limits);
    case "setting": {
      const text = settingText(facts.settings, condition.name);
      if (text === null) return false;
      return condition.is.length
        ? condition.is.includes(text)
        : within(Number(text), condition.limits);
    }
    case "done":
      return facts.log[condition.unit] >= condition.least;
    case "room":
      return facts.log.rooms.has(condition.room);
    case "trainings":
      return countTrainings(condition, facts) >= condition.least;
    case "weights":
      return condition.are === "equal"
        ? sameWeights(facts, condition.layer)
        : unmovedWeights(facts, condition.layer) === (condition.are === "unmoved");
    case "stopped":
      return facts.stopped === condition.reason;
  }
}

/** Whether judging it needs the numbers of the next step. */
export function needsTrace(condition: Condition): boolean {
  if (condition.kind === "all" || condition.kind === "any") return condition.parts.some(needsTrace);
  if (condition.kind === "not") return needsTrace(condition.part);
  return condition.kind === "measure" && MEASURES[condition.measure.name].traced;
}

function limitWords({ below, above }: Limits): string {
  const parts = [];
  if (above !== undefined) parts.push(`above ${short(above)}`);
  if (below !== undefined) parts.push(`below ${short(below)}`);
  return parts.join(" and ");
}

function words(condition: Condition, facts: Facts): string {
  switch (condition.kind) {
    case "all":
      return condition.parts.map((part) => said(part, facts)).join(", and ");
    case "any":
      return condition.parts.map((part) => said(part, facts)).join(", or ");
    case "not":
      return `not: ${said(condition.part, facts)}`;
    case "measure": {
      const { measure, limits } = condition;
      const now = nowWords(measured(measure, facts));
      return `${measureWords(measure)} ${limitWords(limits)} (${now})`;
    }
    case "setting": {
      const wanted = condition.is.length ? condition.is.join(" or ") : limitWords(condition.limits);
      const now = settingText(facts.settings, condition.name) ?? "none";
      return `${condition.name} ${wanted} (now ${now})`;
    }
    case "done": {
      const { least, unit } = condition;
      const one = least === 1 ? unit.slice(0, -1) : unit;
      return `${least} ${one} trained (${Math.min(facts.log[unit], least)} so far)`;
    }
    case "room":
      return `the ${condition.room} room visited`;
    case "trainings": {
      const { least, epochs, limits } = condition;
      const one = least === 1 ? "training" : "different trainings";
      const count = Math.min(countTrainings(condition, facts), least);
      const long = epochs ? ` of at least ${epochs} epochs` : "";
      return `${least} ${one}${long} with the objective J ${limitWords(limits)} (${count} so far)`;
    }
    case "weights":
      if (condition.are === "equal")
        return `all units of layer ${condition.layer} have the same weights`;
      return condition.are === "moved"
        ? `the weights of layer ${condition.layer} have moved`
        : `the weights of layer ${condition.layer} have not moved`;
    case "stopped":
      return "a training whose numbers run away";
  }
}

const said = (condition: Condition, facts: Facts): string =>
  condition.say ?? words(condition, facts);

export interface Line {
  readonly text: string;
  readonly holds: boolean;
}

/** What is to be done, line by line, with how far it is. */
export function linesOf(condition: Condition, facts: Facts): Line[] {
  if (condition.kind === "all" && !condition.say)
    return condition.parts.flatMap((part) => linesOf(part, facts));
  return [{ text: said(condition, facts), holds: holds(condition, facts) }];
}
