/** What the step room has open: the sample, the line of the walk, and how much is written out. */
import { batch, computed, signal } from "@preact/signals";
import type { Traced } from "../../protocol";
import { advance, moved, opened, playing, problem, setWeights, settings, trace } from "../../model/bench";
import { planOf } from "../../model/problem";
import type { Line, Phase } from "./row";
import { Script } from "./script";

/** The row that is drawn for the next step, a row of the table, or numbers of one's own. */
export type Sample =
  | { readonly kind: "drawn" }
  | { readonly kind: "row"; readonly row: number }
  | { readonly kind: "own"; readonly x: Float64Array; readonly d: Float64Array };

/** Parameters up to which the gradient is checked unasked, and at all. */
const CHECKED_UNASKED = 300;
const MOST_CHECKED = 5000;

/** Milliseconds between looks while the training plays, and of a line that is played. */
const LOOK = 250;
const LINE = 2500;

const DRAWN: Sample = { kind: "drawn" };

export const sample = signal<Sample>(DRAWN);
/** The trace on show. */
export const shown = signal<Traced | null>(null);
export const lineId = signal("");
/** The unit of each layer that stands for it where it is wide. */
export const chosen = signal<readonly number[]>([]);
/** Layers whose weights are all listed, and sums that are written out whole. */
export const wide = signal<ReadonlySet<number>>(new Set());
export const unfolded = signal<ReadonlySet<string>>(new Set());
export const allDigits = signal(false);
/** null: as the size of the network suggests. */
export const checkWish = signal<boolean | null>(null);
/** The number in the card that is being changed: its place in the formulas. */
export const editing = signal("");
export const walking = signal(false);
/** What has just been done, in a sentence. */
export const said = signal("");

export const canCheck = computed(() => (opened.value?.size ?? 0) <= MOST_CHECKED);
export const checks = computed(
  () => canCheck.value && (checkWish.value ?? (opened.value?.size ?? 0) <= CHECKED_UNASKED),
);

export const script = computed((): Script | null => {
  const traced = shown.value;
  if (!traced || !problem.value || !opened.value) return null;
  if (traced.before.length !== opened.value.size) return null;
  return new Script({
    traced,
    network: problem.value.open.network,
    slots: opened.value.slots,
    optimizer: planOf(settings.value).optimizer,
    chosen: chosen.value,
    wide: wide.value,
  });
});
export const lines = computed((): readonly Line[] => script.value?.lines() ?? []);
export const current = computed(() =>
  Math.max(
    0,
    lines.value.findIndex((line) => line.id === lineId.value),
  ),
);
export const phase = computed((): Phase => lines.value[current.value]?.phase ?? "forward");

// The trace

/** Ask for the step anew, of the sample that is chosen. */
export async function look(): Promise<void> {
  if (!opened.value) return;
  const { x, d } = given(sample.value);
  await trace(checks.value && !playing.value, x, d);
}

function given(of: Sample): { x: Float64Array | null; d: Float64Array | null } {
  if (of.kind === "own") return { x: of.x, d: of.d };
  const made = problem.value;
  if (of.kind === "drawn" || !made) return { x: null, d: null };
  const { train, held } = made.open;
  const place = made.train.indexOf(of.row);
  const rows = place >= 0 || !held ? train : held;
  const at = Math.max(place >= 0 ? place : made.held.indexOf(of.row), 0);
  const part = (all: Float64Array) => {
    const width = all.length / rows.rows;
    return all.slice(at * width, (at + 1) * width);
  };
  return { x: part(rows.X), d: part(rows.D) };
}

let timer = 0;
/** While the training plays it is looked at now and then. */
export function lookSoon(): void {
  if (timer) return;
  timer = window.setTimeout(() => {
    timer = 0;
    void look();
  }, LOOK);
}

export function choose(next: Sample): void {
  sample.value = next;
  said.value = "";
  void look();
}

/** After another network or other rows: nothing of before fits. */
export function reset(): void {
  batch(() => {
    sample.value = DRAWN;
    shown.value = null;
    lineId.value = "";
    chosen.value = [];
    wide.value = new Set();
    unfolded.value = new Set();
    editing.value = "";
    walking.value = false;
    said.value = "";
  });
}

// The walk

export function goTo(id: string): void {
  batch(() => {
    lineId.value = id;
    editing.value = "";
  });
}

export function walk(by: number): void {
  const to = Math.min(Math.max(current.value + by, 0), lines.value.length - 1);
  if (lines.value[to]) goTo(lines.value[to].id);
}

export function goToPhase(to: Phase): void {
  const first = lines.value.find((line) => line.phase === to);
  if (first) goTo(first.id);
}

let ticking = 0;
export function playLines(on: boolean): void {
  clearInterval(ticking);
  if (on && current.value === lines.value.length - 1) walk(-lines.value.length);
  walking.value = on;
  if (!on) return;
  ticking = window.setInterval(() => {
    walk(1);
    if (current.value === lines.value.length - 1) playLines(false);
  }, LINE);
}

/** The line where a number comes from. */
export function lineOf(thing: string): Line | undefined {
  return lines.value.find(({ rows }) => rows.some((row) => row.thing === thing));
}

function pick(layer: number, unit: number): void {
  const next = [...chosen.value];
  for (let below = 0; below <= layer; below += 1) next[below] ??= 0;
  next[layer] = unit;
  chosen.value = next;
}

/** A unit of the picture: its line in this phase. */
export function pickUnit(layer: number, unit: number): void {
  const now = phase.value;
  batch(() => {
    pick(layer, unit);
    if (now === "update") {
      const to = script.value!.written(Math.max(layer, 1))[0];
      const ids = [layer === 0 ? `w-0-${unit}-${to}` : `w-${layer - 1}-0-${unit}`, `gain-${layer}-${unit}`];
      // No number of dropout's moves.
      const found = lines.value.find(({ id }) => ids.includes(id));
      if (found) goTo(found.id);
    } else if (layer > 0) goTo(`${now === "forward" ? "a" : "delta"}-${layer}-${unit}`);
  });
}

/** An edge of the picture: where this phase uses it. */
export function pickEdge(layer: number, from: number, to: number): void {
  const now = phase.value;
  batch(() => {
    if (from >= 0) pick(layer, from);
    pick(layer + 1, to);
    if (now === "update") goTo(`w-${layer}-${from}-${to}`);
    else if (now === "forward" || layer === 0) goTo(`a-${layer + 1}-${to}`);
    else goTo(`delta-${layer}-${from}`);
  });
}

export function toggled<T>(set: ReadonlySet<T>, entry: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(entry)) next.add(entry);
  return next;
}

// Changes

/** Another number for a weight, an input or a target, by the name that formulas have for it. */
export function change(thing: string, value: number): void {
  // "w-0--1-2": the letter, then the numbers, of which a bias has −1.
  const kind = thing[0];
  const at = [...thing.matchAll(/-(-?\d+)/g)].map((found) => Number(found[1]));
  const traced = shown.value;
  if (!traced || !script.value) return;
  editing.value = "";
  if (kind === "w") {
    const vector = moved.value!.state.vector.slice();
    vector[script.value.place(at[0], at[1], at[2])] = value;
    void setWeights(vector);
    return;
  }
  const x = traced.x.slice();
  const d = traced.d.slice();
  if (kind === "d") d[at[0]] = value;
  else x[at[1]] = value;
  choose({ kind: "own", x, d });
}

/** All weights with two digits after the point: then a sheet can be worked through exactly. */
export function roundWeights(): void {
  void setWeights(moved.value!.state.vector.map((weight) => Math.round(100 * weight) / 100));
}

/** Move the training on by the step that is shown, and say whether it came out as shown. */
export async function doThisStep(): Promise<void> {
  const due = shown.value;
  if (!due) return;
  const batched = settings.value.batch_size > 1;
  await advance("step");
  const now = moved.value?.state.vector;
  if (!now) return;
  const same = due.after.every((weight, place) => Object.is(weight, now[place]));
  goTo("");
  if (batched) said.value = "The whole mini-batch is done: the weights moved by the mean over its rows.";
  else if (same)
    said.value = `Step ${due.step} is done: the weights are the new ones that were shown, bit for bit.`;
  else said.value = `Step ${due.step} is done. Its new weights are not those that were shown.`;
}

/** The new weights of a sample that is not the drawn one. */
export function takeNewWeights(): void {
  const due = shown.value;
  if (!due) return;
  goTo("");
  said.value = "The new weights are taken, as if set by hand: the count of steps stays.";
  void setWeights(due.after.slice());
}
