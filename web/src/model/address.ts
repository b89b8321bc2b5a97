/**
 * The page's state as the part of an address behind "#", and back.
 *
 *     v=1&room=step&set=circle&hidden=4,4&optimizer=adam&optimizer.beta_1=0.8
 *
 * Names are those of `Settings`. Only what differs from a base is written: the page's defaults, or
 * the state that the open lesson begins with. Reading never fails: what can be read is taken, and
 * what cannot is told, one part after the other.
 */
import type { Named, TableRead } from "../protocol";
import {
  carries,
  MOST_WEIGHTS,
  readPoints,
  readWeights,
  writePoints,
  writeWeights,
} from "./address_data";
import {
  BROUGHT,
  FIELDS,
  OPTION_NAMES,
  optionField,
  Unreadable,
  type Field,
} from "./address_fields";
import { DEFAULTS, optionRecord, type Settings } from "./settings";

/** The version of addresses: another one when an old link would say another thing. */
export const VERSION = "1";

/** The base brings weights, and the state has none. */
const NO_WEIGHTS = "none";

/** The longest address that is read. */
const MOST_LETTERS = 20_000;

export interface State {
  readonly settings: Settings;
  /** Points of one's own, where the address has them. */
  readonly table: TableRead | null;
  /** Weights to begin with, where the address has them. */
  readonly weights: Float64Array | null;
}

/** The page's own state: what an empty address says. */
export const START: State = { settings: DEFAULTS, table: null, weights: null };

export interface Read {
  readonly state: State;
  /** What could not be read, each as the part of a sentence. */
  readonly problems: readonly string[];
}

type OptionName = keyof typeof OPTION_NAMES;
type PlainName = keyof typeof FIELDS;

const FAMILIES = {
  initializer: "initializers",
  optimizer: "optimizers",
  schedule: "schedules",
} as const;

const OPTIONS = Object.keys(OPTION_NAMES) as OptionName[];
const PLAIN = Object.keys(FIELDS) as PlainName[];

/** Settings as texts: what an address would say, all of it. */
function textsOf(settings: Settings): Map<string, string> {
  const texts = new Map<string, string>();
  for (const name of PLAIN) {
    const field = FIELDS[name] as Field<unknown>;
    texts.set(name, field.write(settings[name]));
  }
  for (const option of OPTIONS)
    for (const [field, value] of Object.entries(settings[option]))
      texts.set(field === "name" ? option : `${option}.${field}`, optionField(value).write(value));
  return texts;
}

/** What an address needs not say: `base`, and the usual fields of options that are others there. */
function unsaid(settings: Settings, base: Settings): Map<string, string> {
  const texts = textsOf(base);
  // What a lesson's state is the base of must name the lesson.
  texts.set("lesson", DEFAULTS.lesson);
  for (const option of OPTIONS) {
    const { name } = settings[option];
    if (name === base[option].name) continue;
    for (const [field, value] of Object.entries(optionRecord(FAMILIES[option], name)))
      if (field !== "name") texts.set(`${option}.${field}`, optionField(value).write(value));
  }
  return texts;
}

/** Encoded as far as an address needs it, and no further: commas and semicolons stay. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll("%2C", ",").replaceAll("%3B", ";");

/** A state as the text behind "#": only what differs from `base`. */
export function writeState(state: State, base: State): string {
  const { settings } = state;
  const usual = unsaid(settings, base.settings);
  const parts = [...textsOf(settings)].filter(([name, text]) => usual.get(name) !== text);
  if (settings.set === "own") parts.push(...differs(pointTexts(state), pointTexts(base)));
  parts.push(...differs(weightTexts(state), weightTexts(base)));
  return [["v", VERSION], ...parts].map(([name, text]) => `${name}=${escaped(text)}`).join("&");
}

type Texts = [name: string, text: string][];

/** All of them where one differs. */
const differs = (texts: Texts, usual: Texts): Texts =>
  texts.join() === usual.join() ? [] : texts;

function pointTexts({ table }: State): Texts {
  if (!table || !carries(table)) return [];
  const classes = table.kind === "classes" ? table.outputs.length : 0;
  return [["points", writePoints(table)], ["points_classes", String(classes)]];
}

function weightTexts({ weights }: State): Texts {
  return [["w", weights && weights.length <= MOST_WEIGHTS ? writeWeights(weights) : NO_WEIGHTS]];
}

const shown = (text: string): string => (text.length > 24 ? `${text.slice(0, 24)}…` : text);

/** Takes texts one by one and remembers what was wrong with them. */
class Asked {
  readonly problems: string[] = [];
  private readonly texts = new Map<string, string>();

  constructor(hash: string) {
    const text = hash.replace(/^#/, "");
    if (text.length > MOST_LETTERS) {
      this.problems.push(`an address of ${text.length} letters, of ${MOST_LETTERS} at most`);
      return;
    }
    for (const [name, value] of new URLSearchParams(text))
      if (!this.texts.has(name)) this.texts.set(name, value);
  }

  /** The text under a name, which is used up by that. */
  take<T>(name: string, read: (text: string) => T): T | null {
    const text = this.texts.get(name);
    if (text === undefined) return null;
    this.texts.delete(name);
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const got = text === "" ? "nothing" : shown(text);
      this.problems.push(`${name}, which must be ${error.message} (got ${got})`);
      return null;
    }
  }

  /** What nothing took, by its name, or by what it says where it has none. */
  left(): string[] {
    return [...this.texts].map(([name, text]) => name || `=${text}`);
  }
}

function readVersion(texts: Asked): void {
  texts.take("v", (text) => {
    if (text !== VERSION) throw new Unreadable(`${VERSION}, the version of this page`);
  });
}

function readOption(texts: Asked, option: OptionName, base: Named): Named {
  const name = texts.take(option, OPTION_NAMES[option].read) ?? base.name;
  const usual = optionRecord(FAMILIES[option], name);
  const fields: Record<string, unknown> = name === base.name ? { ...base } : { ...usual };
  for (const [field, value] of Object.entries(usual)) {
    if (field === "name") continue;
    const found = texts.take(`${option}.${field}`, optionField(value).read);
    if (found !== null) fields[field] = found;
  }
  for (const [field, { read }] of Object.entries(BROUGHT[option])) {
    const found = texts.take(`${option}.${field}`, read);
    if (found !== null) fields[field] = found;
  }
  return { ...fields, name };
}

function readTable(texts: Asked): TableRead | null {
  const classes = texts.take("points_classes", (text) => {
    if (!/^[0-9]$/.test(text)) throw new Unreadable("a number from 0 (values) to 9");
    return Number(text);
  });
  return texts.take("points", (text) => readPoints(text, classes ?? 2));
}

/**
 * The state that a text behind "#" tells.
 *
 * `own` is the table of one's own that the page has already, which no long address needs to carry.
 */
export function readState(hash: string, base: State, own: TableRead | null = null): Read {
  const texts = new Asked(hash);
  readVersion(texts);
  const settings: { -readonly [K in keyof Settings]: Settings[K] } = { ...base.settings };
  for (const name of PLAIN) {
    const found = texts.take(name, FIELDS[name].read as (text: string) => unknown);
    if (found !== null) Object.assign(settings, { [name]: found });
  }
  for (const option of OPTIONS) settings[option] = readOption(texts, option, settings[option]);
  const points = readTable(texts);
  const weights = texts.take("w", (text) => ({
    vector: text === NO_WEIGHTS ? null : readWeights(text),
  }));
  const problems = [...texts.problems];
  for (const name of texts.left()) problems.push(`${shown(name)}, which is no setting`);
  if (points) settings.set = "own";
  const table = points ?? base.table;
  if (settings.set === "own" && !table && !own) {
    settings.set = DEFAULTS.set;
    problems.push("its own table, which is not in it");
  }
  const state = { settings, table, weights: weights ? weights.vector : base.weights };
  return { state, problems };
}

/** One setting as an address says it, "optimizer.momentum" too; null where there is none. */
export function settingText(settings: Settings, name: string): string | null {
  return textsOf(settings).get(name) ?? null;
}

/** What could not be read. */
export function problemsInWords(problems: readonly string[]): string {
  const named = problems.slice(0, 3).join("; ");
  return problems.length > 3 ? `${named}; and ${problems.length - 3} more` : named;
}

/** The same as one sentence. */
export function problemSentence(problems: readonly string[]): string {
  if (!problems.length) return "";
  const named = problemsInWords(problems);
  return `The page could not read from its address: ${named}. The rest was taken.`;
}

/** The settings of `after` that say another thing than in `before`. */
export function differing(before: Settings, after: Settings): Partial<Settings> {
  const changes: Record<string, unknown> = {};
  const [old, fresh] = [textsOf(before), textsOf(after)];
  for (const name of PLAIN) if (old.get(name) !== fresh.get(name)) changes[name] = after[name];
  for (const option of OPTIONS) {
    const names = [...new Set([...old.keys(), ...fresh.keys()])];
    const own = names.filter((name) => name === option || name.startsWith(`${option}.`));
    if (own.some((name) => old.get(name) !== fresh.get(name))) changes[option] = after[option];
  }
  return changes;
}
