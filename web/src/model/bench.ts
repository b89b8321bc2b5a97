/**
 * The workbench: what is chosen, what is open at the engine, where the training stands.
 *
 * One direction: a choice changes `settings`; what follows from it is opened at the engine, or is
 * another plan for the training that is open; what the engine answers lands in signals, and the
 * rooms draw those. A change that makes another network or other rows begins a new training.
 */
import { batch, computed, signal } from "@preact/signals";
import type {
  Curve,
  Engine,
  Hello,
  Moved,
  NetworkRecord,
  Opened,
  Requests,
  State,
  Subject,
  TableRead,
  Traced,
} from "../protocol";
import { EngineError } from "../protocol";
import { modelProblem, type LoadedModel } from "./loaded";
import { makeProblem, planOf, type Problem } from "./problem";
import { CLASSICS, classicTable } from "./sets";
import { DEFAULTS, type Settings } from "./settings";
import { SHIPPED, shippedTable } from "./shipped";
import { choicesOfSubject, problemOfSubject } from "./subject";

export const settings = signal<Settings>(DEFAULTS);
/** What the engine says of itself and of what it can do; null until it has. */
export const engineIs = signal<Hello | null>(null);
/** A table that the person brought: drawn, pasted, read from a file, or opened with the page. */
export const ownTable = signal<TableRead | null>(null);
/** Weights that a training begins with in place of such drawn with the seed, while they fit. */
export const given = signal<Float64Array | null>(null);
export const problem = signal<Problem | null>(null);
export const opened = signal<Opened | null>(null);
export const moved = signal<Moved | null>(null);
export const playing = signal(false);
/** What the page has to say: the newest sentence, or none. */
export const notice = signal("");
export const connection = signal<"open" | "lost">("open");
/** The next step of one row; null until it is asked for. */
export const traced = signal<Traced | null>(null);
/** How far a long ask is, 0 … 1; null where none is under way. */
export const progress = signal<number | null>(null);

/** The model that was opened with the page, while it is on the bench. */
export const subject = signal<Subject | null>(null);
/** It is being fitted elsewhere: the page shows it and moves nothing. */
export const live = computed(() => subject.value?.fitting === true);

/** Whether the training can be moved now. */
export const movable = computed(
  () => moved.value !== null && !live.value && connection.value === "open",
);

export const stopped = computed(() => moved.value?.stopped ?? null);

/** All epochs of the training that is open, thinned as they grow many. */
export interface Curves {
  readonly epoch: number[];
  readonly loss: number[];
  readonly held: number[];
}
export const curves = signal<Curves>({ epoch: [], loss: [], held: [] });

/** Points of a curve that are kept. */
const MOST_POINTS = 2000;

let engine: Engine | null = null;
/** Rows that frames show maps on, as the room last asked for. */
let watched: { readonly X: Float64Array | null; readonly layers: boolean } | null = null;
/** Openings in order: an answer to an earlier one is of no use any more. */
let openings = 0;

export function useEngine(chosen: Engine): void {
  engine = chosen;
  chosen.on("frame", (told) => {
    if (told.state.vector.length === opened.value?.size) take(told);
    if (told.stopped) playing.value = false;
    // One frame is under way at a time. The next is made while this one is drawn; on a page that
    // nobody sees, not before it is drawn.
    const ready = () => void chosen.ask("ready", {});
    if (document.hidden) requestAnimationFrame(ready);
    else ready();
  });
  chosen.on("live", (told) => {
    if (live.value) take(told);
    requestAnimationFrame(() => void chosen.ask("ready", {}));
  });
  chosen.on("subject", (found) => {
    if (engineIs.value) engineIs.value = { ...engineIs.value, subject: found };
    void openSubject(found);
  });
  chosen.on("trouble", ({ sentence }) => {
    playing.value = false;
    notice.value = sentence;
  });
  chosen.on("progress", ({ done }) => {
    progress.value = done < 1 ? done : null;
  });
  chosen.on("connection", ({ standing, sentence }) => {
    const back = standing === "open" && connection.value === "lost";
    connection.value = standing === "open" ? "open" : "lost";
    notice.value = sentence;
    if (standing !== "open") playing.value = false;
    if (back) void first(reopen());
  });
}

/** Hear what the engine says of itself, and whether it brings a model along. */
export async function meet(): Promise<void> {
  const said = await ask("hello", {});
  if (said) engineIs.value = said;
}

/** Ask the engine; a refusal is thrown, for who says it in a place of its own. */
export function request<A extends keyof Requests>(
  what: A,
  given: Requests[A][0],
): Promise<Requests[A][1]> {
  if (!engine) throw new EngineError("There is no engine yet. Wait a moment.");
  return engine.ask(what, given);
}

/** Ask the engine; a refusal becomes the page's sentence and null. */
export async function ask<A extends keyof Requests>(
  what: A,
  given: Requests[A][0],
): Promise<Requests[A][1] | null> {
  if (!engine) return null;
  try {
    return await request(what, given);
  } catch (error) {
    notice.value = error instanceof Error ? error.message : String(error);
    return null;
  }
}

async function tableOf(chosen: Settings): Promise<TableRead> {
  if (chosen.set === "own" && ownTable.value) return ownTable.value;
  if (Object.hasOwn(SHIPPED, chosen.set)) return shippedTable(chosen.set);
  const name = chosen.set in CLASSICS ? chosen.set : DEFAULTS.set;
  return classicTable(name, chosen.rows, chosen.noise, chosen.set_seed);
}

/** A model that was opened with the page: its network, plan and rows, from where it stands. */
export async function openSubject(found: Subject): Promise<boolean> {
  batch(() => {
    ownTable.value = found.table;
    given.value = null;
    settings.value = { ...settings.value, ...choicesOfSubject(found) };
  });
  return open(problemOfSubject(found), found);
}

/** Whether what is chosen is still the network of a model, on its rows. */
function isStill(found: Subject): boolean {
  const own = Object.entries(choicesOfSubject(found)) as [keyof Settings, unknown][];
  const same = ([name, value]: [keyof Settings, unknown]) =>
    !NEW.includes(name) || JSON.stringify(settings.value[name]) === JSON.stringify(value);
  return ownTable.value === found.table && own.every(same);
}

/**
 * Begin anew with what is chosen: first weights, no step; a model that was opened with the page where
 * it stood. The page's first beginning is with the model that the engine brings along, if any. False
 * where the engine refuses.
 */
export async function begin(): Promise<boolean> {
  const brought = engineIs.value?.subject;
  if (!problem.value && brought) return openSubject(brought);
  if (subject.value && isStill(subject.value)) {
    const made = problemOfSubject(subject.value);
    return open({ ...made, open: { ...made.open, plan: planOf(settings.value) } }, subject.value);
  }
  openings += 1;
  const mine = openings;
  try {
    const table = await tableOf(settings.value);
    // While the rows were fetched, something else may have been chosen.
    return mine !== openings || (await open(makeProblem(settings.value, table)));
  } catch (error) {
    notice.value = error instanceof Error ? error.message : String(error);
    return false;
  }
}

/** The network of a model file, where it stands, on the rows that are in use. */
export async function useModel(model: LoadedModel): Promise<void> {
  if (!problem.value) return;
  const { made, choices } = modelProblem(model, settings.value, problem.value.table);
  settings.value = choices;
  await open(made);
}

async function open(made: Problem, of: Subject | null = null): Promise<boolean> {
  openings += 1;
  const mine = openings;
  let found = await ask("open", made.open);
  const first = given.value;
  if (found && first && first.length === found.size) {
    const start = { ...found.state, vector: first };
    found = await ask("open", { ...made.open, start });
  }
  if (mine !== openings) return true;
  if (!found) return false;
  // Rows of other inputs say nothing here; a room that shows maps watches its own.
  if (problem.value?.table.inputs.length !== made.table.inputs.length) watched = null;
  show(made, found, of);
  return true;
}

/** What is open now is on show. */
function show(made: Problem, found: Opened, of: Subject | null): void {
  measuredAt = performance.now();
  batch(() => {
    subject.value = of;
    if (given.value && given.value.length !== found.size) given.value = null;
    problem.value = made;
    opened.value = found;
    playing.value = false;
    traced.value = null;
    notice.value = "";
    curves.value = { epoch: [], loss: [], held: [] };
    if (of) addTo(of.curve, found.state.epoch);
    moved.value = {
      state: found.state,
      measures: found.measures,
      curve: { epoch: new Float64Array(), loss: new Float64Array(), held_loss: new Float64Array() },
      stopped: null,
      behind: 0,
      maps: null,
    };
  });
}

/** After the engine was gone: the same training, from the last state that the page has seen. */
async function reopen(): Promise<void> {
  // It may be another one, that was started anew.
  await meet();
  if (!problem.value || !moved.value) return void (await begin());
  const { open: given } = problem.value;
  const found = await ask("open", { ...given, plan: planOf(settings.value), start: moved.value.state });
  if (!found) return;
  playing.value = false;
  moved.value = { ...moved.value, state: found.state, measures: found.measures, behind: 0 };
  if (watched) await watch(watched.X, watched.layers);
}

/** The training as a page before this one left it; where the engine refuses, all stays as it is. */
export async function takeUp(network: NetworkRecord, state: State, drawn: Curves): Promise<void> {
  const made = problem.value;
  if (!made) return;
  openings += 1;
  const mine = openings;
  const same = { ...made, open: { ...made.open, network, plan: planOf(settings.value) } };
  const found = await ask("open", { ...same.open, start: state });
  if (!found || mine !== openings) return;
  batch(() => {
    show(same, found, subject.value);
    curves.value = drawn;
  });
}

/** Milliseconds after which losses of earlier weights are no longer shown as those of now. */
const MEASURES_LAST = 3000;
let measuredAt = 0;

const unknown = ({ held_loss }: Moved["measures"]): Moved["measures"] => ({
  objective: NaN,
  held_loss: held_loss === null ? null : NaN,
});

function take(told: Moved): void {
  batch(() => {
    const before = moved.value;
    // A frame may leave out what is costly: what was there before stays on show, for a while.
    const maps = told.maps ?? (before?.maps || null);
    const known = !Number.isNaN(told.measures.objective) || told.stopped !== null;
    if (known) measuredAt = performance.now();
    const lasts = performance.now() - measuredAt < MEASURES_LAST;
    const measures = known || !before ? told.measures : lasts ? before.measures : unknown(before.measures);
    moved.value = { ...told, maps, measures };
    traced.value = null;
    addTo(told.curve, told.state.epoch);
  });
}

function addTo(more: Curve, epoch: number): void {
  const old = curves.value;
  // After going back, what lies ahead has not happened.
  const keep = old.epoch.findIndex((at) => at > epoch);
  const till = keep < 0 ? old.epoch.length : keep;
  if (!more.epoch.length && till === old.epoch.length) return;
  const joined = {
    epoch: [...old.epoch.slice(0, till), ...more.epoch],
    loss: [...old.loss.slice(0, till), ...more.loss],
    held: [...old.held.slice(0, till), ...more.held_loss],
  };
  const thin = (values: number[]) => values.filter((_, index) => index % 2 === 0);
  curves.value =
    joined.epoch.length <= MOST_POINTS
      ? joined
      : { epoch: thin(joined.epoch), loss: thin(joined.loss), held: thin(joined.held) };
}

async function move<A extends "advance" | "back" | "pause" | "play" | "set" | "plan" | "watch">(
  what: A,
  given: Requests[A][0],
): Promise<Moved | null> {
  const told = (await ask(what, given)) as Moved | null;
  if (told) take(told);
  return told;
}

let beginning: Promise<unknown> = Promise.resolve();

/** Something is being set up: moves that are asked for meanwhile come after it. */
export function first<T>(work: Promise<T>): Promise<T> {
  beginning = work.catch(() => undefined);
  return work;
}

/** Steps or epochs by hand. */
export async function advance(unit: "step" | "epoch", count = 1): Promise<void> {
  await beginning;
  playing.value = false;
  await move("advance", { unit, count });
}

/** To where the last move began. */
export async function back(): Promise<void> {
  await beginning;
  playing.value = false;
  await move("back", {});
}

export async function play(): Promise<void> {
  await beginning;
  const { pace } = settings.value;
  const perEpoch = opened.value?.steps_per_epoch ?? 1;
  const told = await move("play", { steps_per_second: pace > 0 ? Math.max(1, pace * perEpoch) : null });
  playing.value = told !== null && told.stopped === null;
}

export async function pause(): Promise<void> {
  playing.value = false;
  await move("pause", {});
}

/** Other weights, by hand, or another run's with its running statistics. */
export async function setWeights(vector: Float64Array, buffers?: Float64Array): Promise<void> {
  playing.value = false;
  await move("set", buffers ? { vector, buffers } : { vector });
}

/** Changes of single weights, one after the other: each goes out from what the last has made. */
let changes: Promise<void> = Promise.resolve();

/** Another number for one weight of the training that is open. */
export function changeWeight(place: number, value: number): Promise<void> {
  const of = opened.value;
  changes = changes.then(async () => {
    const at = moved.value;
    if (!at || opened.value !== of) return;
    const vector = at.state.vector.slice();
    vector[place] = value;
    await setWeights(vector);
  });
  return changes;
}

/** The rows on which every frame shows what the units say, or the last layer's alone; asked for each problem. */
export async function watch(X: Float64Array | null, layers = true): Promise<void> {
  watched = { X, layers };
  if (opened.value) await move("watch", watched);
}

/** The next step, with or without the check of its gradient. */
export async function trace(numeric: boolean, x: Float64Array | null = null, d: Float64Array | null = null): Promise<void> {
  const found = await ask("trace", { x, d, numeric });
  if (found) traced.value = found;
}

/** Choices that begin a new training; the others are a matter of its plan, or of the page alone. */
export const NEW: readonly (keyof Settings)[] = [
  "set",
  "rows",
  "noise",
  "set_seed",
  "hidden",
  "activation",
  "output_activation",
  "loss",
  "slope",
  "huber_delta",
  "quantile",
  "bias",
  "initializer",
  "seed",
  "standardize",
  "held",
];
export const PLANNED: readonly (keyof Settings)[] = [
  "optimizer",
  "learning_rate_init",
  "schedule",
  "batch_size",
  "sampling",
  "l1",
  "l2",
  "max_epochs",
];

/** Choices of other first weights: those that were given are put away. */
const DRAWN: readonly (keyof Settings)[] = ["hidden", "bias", "initializer", "seed"];

/** Choose something, and let follow what follows from it; a choice that is refused is taken back. */
export async function choose(changes: Partial<Settings>): Promise<boolean> {
  const before = settings.value;
  const chosen = { ...before, ...changes };
  const differs = (name: keyof Settings) => chosen[name] !== before[name];
  batch(() => {
    settings.value = chosen;
    if (DRAWN.some(differs)) given.value = null;
  });
  notice.value = "";
  let taken = true;
  if (NEW.some(differs)) taken = await begin();
  else if (PLANNED.some(differs)) taken = (await move("plan", { plan: planOf(settings.value) })) !== null;
  if (!taken) takeBack(changes, before);
  else if (differs("pace") && playing.value) await play();
  return taken;
}

/** A choice that was refused is as it was, others that were made meanwhile stay. */
function takeBack(changes: Partial<Settings>, before: Settings): void {
  const now = settings.value;
  const refused = (Object.keys(changes) as (keyof Settings)[]).filter((name) => now[name] === changes[name]);
  settings.value = { ...now, ...Object.fromEntries(refused.map((name) => [name, before[name]])) };
}

/** A table of the person's own: it is chosen and a training on it begins. */
export async function bring(table: TableRead, changes: Partial<Settings> = {}): Promise<void> {
  ownTable.value = table;
  settings.value = { ...settings.value, ...changes, set: "own" };
  await begin();
}
