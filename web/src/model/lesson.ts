/**
 * The lesson that is open: its task at hand, what has happened since that began, what is done.
 *
 * A shipped lesson is open while `settings.lesson` names it, so that its link opens it; a lesson of
 * one's own is open until it is closed. What is done stays done while the lesson is open.
 */
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { lessonNamed } from "../lessons";
import type { Opened, Traced } from "../protocol";
import { readState, type State } from "./address";
import {
  ask,
  choose,
  first,
  moved,
  NEW,
  opened,
  PLANNED,
  playing,
  settings,
  stopped,
  traced,
} from "./bench";
import { holds, needsTrace, type Facts, type Log, type Training } from "./lesson_conditions";
import type { Lesson, Press, Task } from "./lesson_file";
import { measured, MEASURES } from "./lesson_measures";
import type { Room, Settings } from "./settings";
import { adopt, stateNow, visit } from "./visit";

const ownLesson = signal<Lesson | null>(null);
export const lesson = computed(() => ownLesson.value ?? lessonNamed(settings.value.lesson));

/** Which task is at hand, and which are done. */
export const place = signal(0);
export const done = signal<ReadonlySet<number>>(new Set());
export const task = computed<Task | null>(() => lesson.value?.tasks[place.value] ?? null);

const NOTHING: Log = {
  settings: settings.peek(),
  steps: 0,
  epochs: 0,
  rooms: new Set(),
  trainings: [],
};
const log = signal<Log>(NOTHING);
/** While a task is being set up nothing counts. */
const settingUp = signal(false);
/** The next step of one row, where the task needs it and no room has asked for it. */
const looked = signal<Traced | null>(null);

export const facts = computed<Facts>(() => ({
  settings: settings.value,
  opened: opened.value,
  moved: moved.value,
  traced: traced.value ?? looked.value,
  stopped: stopped.value?.reason ?? null,
  log: log.value,
}));

const traces = (goal: Task["goal"]): boolean =>
  (goal.kind === "check" && needsTrace(goal.condition)) ||
  (goal.kind === "number" && goal.measure !== null && MEASURES[goal.measure.name].traced);

/** The training that is open; its plan may change on the way. */
function trainingNow(began: Settings): Training {
  const at = moved.peek();
  const plan = Object.fromEntries(PLANNED.map((name) => [name, settings.peek()[name]]));
  return {
    settings: { ...began, ...plan },
    epochs: at?.state.epoch ?? 0,
    objective: at?.measures.objective ?? NaN,
  };
}

/** The task begins: what happened before is none of its business. */
function forget(): void {
  const began = settings.peek();
  log.value = { ...NOTHING, settings: began, trainings: [trainingNow(began)] };
  looked.value = null;
}

let open: Opened | null = null;
let step = 0;
let epoch = 0;

/** Adds what has moved to the log. */
function note(): void {
  const [at, now] = [moved.value, opened.value];
  if (!at || !now) return;
  const before = untracked(() => log.value);
  const begins = now !== open;
  const steps = begins ? 0 : Math.max(0, at.state.step - step);
  const epochs = begins ? 0 : Math.max(0, at.state.epoch - epoch);
  [open, step, epoch] = [now, at.state.step, at.state.epoch];
  const began = begins ? settings.peek() : before.settings;
  const former = begins ? before.trainings : before.trainings.slice(0, -1);
  log.value = {
    ...before,
    settings: began,
    steps: before.steps + steps,
    epochs: before.epochs + epochs,
    trainings: [...former, trainingNow(began)].slice(-100),
  };
}

function noteRoom(): void {
  const { room } = settings.value;
  const before = untracked(() => log.value);
  if (!before.rooms.has(room)) log.value = { ...before, rooms: new Set(before.rooms).add(room) };
}

function finish(): void {
  if (!done.value.has(place.value)) done.value = new Set(done.value).add(place.value);
}

/** Whether what is chosen is open: while a choice is under way the numbers are of another. */
function isSettled(): boolean {
  const began = log.value.settings;
  return !settingUp.value && NEW.every((name) => settings.value[name] === began[name]);
}

function judge(): void {
  const at = task.value;
  if (!at || at.goal.kind !== "check" || !isSettled()) return;
  if (holds(at.goal.condition, facts.value)) untracked(finish);
}

async function look(): Promise<void> {
  const from = moved.peek();
  const found = await ask("trace", { x: null, d: null, numeric: false });
  if (found && moved.peek() === from) looked.value = found;
}

function lookAhead(): void {
  const at = task.value;
  if (settingUp.value || !moved.value || playing.value || !at || !traces(at.goal)) return;
  untracked(() => {
    looked.value = null;
    if (!traced.value) void look();
  });
}

/** A lesson begins with its first task, whoever opened it. */
function restart(): void {
  if (!lesson.value) return;
  untracked(() =>
    batch(() => {
      place.value = 0;
      done.value = new Set();
      forget();
    }),
  );
}

/** Keeps the log and judges the task at hand, as long as the page is open. */
export function followLesson(): void {
  effect(restart);
  effect(note);
  effect(noteRoom);
  effect(lookAhead);
  effect(judge);
}

/** What the page looks like when a task begins: its own state or the nearest one before it. */
function stateOf(of: Lesson, at: number): State {
  const texts = of.tasks.slice(0, at + 1).map((entry) => entry.state);
  const text = texts.filter((entry) => entry !== null).at(-1);
  const state = text === undefined ? of.state : readState(text, of.state).state;
  const { theme, hide } = settings.value;
  const hidden = state.settings.hide.length ? state.settings.hide : hide;
  return { ...state, settings: { ...state.settings, theme, hide: hidden } };
}

function setUp(state: State): Promise<void> {
  const arranged = async () => {
    settingUp.value = true;
    await adopt(state);
    batch(() => {
      forget();
      settingUp.value = false;
    });
  };
  return first(arranged());
}

/** Opens a lesson: `shipped` by its name in the settings, any other as one's own. */
export async function beginLesson(chosen: Lesson): Promise<void> {
  ownLesson.value = chosen.name ? null : chosen;
  restart();
  await setUp(stateOf(chosen, 0));
}

/** How far the lesson that is open has come. */
export interface Progress {
  /** Its name, or the whole of one that is the person's own. */
  readonly lesson: string | Lesson;
  readonly place: number;
  readonly done: readonly number[];
  readonly log: Omit<Log, "rooms"> & { readonly rooms: readonly Room[] };
}

export function progressOf(): Progress | null {
  if (!lesson.value) return null;
  return {
    lesson: ownLesson.value ?? lesson.value.name,
    place: place.value,
    done: [...done.value],
    log: { ...log.value, rooms: [...log.value.rooms] },
  };
}

/** Goes on with a lesson where a page before this one left it. */
export function takeUpProgress({ lesson: which, ...told }: Progress): void {
  if (typeof which !== "string") ownLesson.value = which;
  else if (lesson.value?.name !== which) return;
  batch(() => {
    place.value = told.place;
    done.value = new Set(told.done);
    log.value = { ...told.log, rooms: new Set(told.log.rooms) };
  });
}

export function closeLesson(): void {
  ownLesson.value = null;
  if (settings.value.lesson) void choose({ lesson: "" });
}

/** To a task; one without a state of its own goes on where the one before it ended. */
export async function goTo(at: number): Promise<void> {
  const of = lesson.value;
  if (!of || at < 0 || at >= of.tasks.length) return;
  const goesOn = at === place.value + 1 && of.tasks[at].state === null;
  place.value = at;
  if (goesOn) forget();
  else await setUp(stateOf(of, at));
}

/** The task's begin once more. */
export async function again(): Promise<void> {
  if (lesson.value) await setUp(stateOf(lesson.value, place.value));
}

/** A button of the task. */
export async function press({ state, next }: Press): Promise<void> {
  if (next === "seed") await choose({ seed: settings.value.seed + 1 });
  else if (state !== null) await visit(readState(state, stateNow()).state);
}

/** Takes the answer to a question. */
export function answer(choice: number): void {
  const goal = task.value?.goal;
  if (goal?.kind === "question" && goal.choices[choice]?.right) finish();
}

/** Whether a number is the one that is asked for; null where the page does not know it yet. */
export function tryNumber(value: number): boolean | null {
  const goal = task.value?.goal;
  if (goal?.kind !== "number") return null;
  const wanted = goal.measure ? measured(goal.measure, facts.value) : goal.is!;
  if (Number.isNaN(wanted)) return null;
  const right = Math.abs(value - wanted) <= goal.within;
  if (right) finish();
  return right;
}
