/** What the surface view shows: which slice, J over it, and the point that is chosen on it. */
import { batch, computed, effect, signal } from "@preact/signals";
import { ask, moved, opened, playing, problem, settings } from "../../model/bench";
import type { Problem } from "../../model/problem";
import { short } from "../../parts/numbers";
import { Job, sameProblem, standing } from "./job";
import { measure, measureFiner, type Heights } from "./heights";
import { outcomes } from "./restarts_state";
import {
  alongLine,
  throughPlaces,
  throughWeights,
  usualReach,
  type Place,
  type Slice,
} from "./slices";
import type { Track } from "./tracks";
import { trail } from "./trail";
import { weightNames } from "./weights";

export const KINDS = ["weights", "line", "plane"] as const;
export type Kind = (typeof KINDS)[number];

export const kind = signal<Kind>("weights");
/** Which two parameters, as places in the vector; null: none are chosen yet. */
export const indexes = signal<readonly [number, number] | null>(null);
/** Half the width of a slice through two weights; null: as wide as their way. */
export const reach = signal<number | null>(null);
/** The places that a line or a plane goes through: "now", "first", or the rank of a restart. */
export const chosenPlaces = signal<readonly [string, string, string]>(["0", "worst", "first"]);
export const log = signal(false);
/** Draw a slice through two weights anew while the training moves. */
export const follow = signal(true);
/** A point of the slice, and J there once the engine has said it. */
export const point = signal<{ u: number; v: number; objective: number | null } | null>(null);

interface Drawn {
  readonly made: Problem;
  readonly kind: Kind;
  readonly epoch: number;
  readonly places: readonly Place[];
  readonly tracks: readonly Track[];
  readonly heights: Heights;
  /** It was drawn anew while the training moved, and no finer than there was time for. */
  readonly hasty: boolean;
}

const kept = signal<Drawn | null>(null);

/** Null where none is drawn of what is chosen now. */
export const drawn = computed(() => {
  const found = kept.value;
  const fits =
    found !== null && found.kind === kind.value && sameProblem(found.made, problem.value);
  return fits ? found : null;
});

export const names = computed(() => weightNames(opened.value?.slots ?? []));

const LETTERS = ["A", "B", "C"];

/** Finite restarts, best first: the places that can be chosen. */
const ends = computed(() =>
  (outcomes.value?.ranked ?? []).filter((track) => track.state && !track.diverged),
);

export function trackOf(choice: string): Track | null {
  if (choice === "now" || choice === "first") return null;
  const all = ends.value;
  return (choice === "worst" ? all[all.length - 1] : all[Number(choice)]) ?? null;
}

export function placeChoices(): [string, string][] {
  const runs = ends.value.map((track, rank): [string, string] => [
    String(rank),
    `${rank === 0 ? "best" : `${rank + 1}.`} J = ${short(track.objective)} (${track.name})`,
  ]);
  return [["now", "the training now"], ["first", "its first weights"], ...runs];
}

/** The choice as the list has it: the worst is the last of the restarts. */
export function choiceOf(choice: string): string {
  return choice === "worst" ? String(Math.max(ends.value.length - 1, 0)) : choice;
}

function placeOf(choice: string, letter: string): Place | null {
  const [way, now] = [trail.value, moved.value?.state];
  if (choice === "now")
    return now ? { name: "the training now", letter, vector: now.vector } : null;
  if (choice === "first")
    return way.length ? { name: "its first weights", letter, vector: way[0].vector } : null;
  const track = trackOf(choice);
  return track?.state ? { name: track.name, letter, vector: track.state.vector } : null;
}

/** The two weights of a slice. */
export const twoWeights = computed((): readonly [number, number] => {
  const size = opened.value?.size ?? 0;
  const chosen = indexes.value;
  if (chosen && Math.max(...chosen) < size) return chosen;
  // The first weight into the first unit, and the first one out of it.
  const second = (opened.value?.slots ?? []).find(
    ({ block, layer }) => block === "weight" && layer > 0,
  );
  return [0, second?.start ?? Math.min(1, size - 1)];
});

interface Choice {
  readonly slice: Slice | null;
  readonly places: readonly Place[];
  readonly tracks: readonly Track[];
}

function chosenSlice(): Choice {
  const now = moved.value?.state;
  if (kind.value === "weights") {
    if (!now) return { slice: null, places: [], tracks: [] };
    const pair = twoWeights.value;
    const way = trail.value.map((place) => place.vector);
    const wide = reach.value ?? usualReach(now.vector, way, pair);
    const titles = [names.value[pair[0]], names.value[pair[1]]] as const;
    return { slice: throughWeights(now.vector, pair, titles, wide), places: [], tracks: [] };
  }
  const count = kind.value === "line" ? 2 : 3;
  const choices = chosenPlaces.value.slice(0, count);
  const found = choices.map((choice, index) => placeOf(choice, LETTERS[index]));
  const tracks = choices.map(trackOf).filter((track) => track !== null);
  if (found.some((place) => place === null)) return { slice: null, places: [], tracks: [] };
  const places = found as Place[];
  if (kind.value === "line") return { slice: alongLine(places[0], places[1]), places, tracks };
  const shown = [...tracks.flatMap((track) => track.path)];
  if (choices.some((choice) => choice === "now" || choice === "first"))
    shown.push(...trail.value.map((place) => place.vector));
  return { slice: throughPlaces(places[0], places[1], places[2], shown), places, tracks };
}

/** Why nothing can be drawn, or "". */
export const trouble = signal("");

/** Draw what is chosen; `ranges` are those of a picture that it takes the place of. */
export async function draw(ranges: Partial<Pick<Slice, "u" | "v">> = {}): Promise<void> {
  const made = problem.value;
  if (!made) return;
  const { slice: found, places, tracks } = chosenSlice();
  const slice = found && { ...found, ...ranges };
  if (!slice) {
    trouble.value =
      places.length === 0
        ? "There are no restarts yet to go between: train some first."
        : places.length === 2
          ? "The two places are the same: choose another one."
          : "The three places lie on one line: choose another one.";
    return;
  }
  trouble.value = "";
  point.value = null;
  const job = Job.begin("Measuring J", made);
  const epoch = moved.value?.state.epoch ?? 0;
  const of = kind.value;
  await measureFiner(slice, job, (heights) => {
    kept.value = { made, kind: of, epoch, places, tracks, heights, hasty: false };
  });
  job.end();
}

/** A choice that was made; what is on show already is drawn anew. */
export function change(changes: () => void): void {
  const shown = drawn.value !== null;
  batch(changes);
  if (shown) void draw();
}

/** Ask for J at a point. */
export async function choosePoint(u: number, v: number): Promise<void> {
  const shown = drawn.value;
  if (!shown) return;
  point.value = { u, v, objective: null };
  const { origin, first, second } = shown.heights.slice;
  const answer = await ask("surface", { origin, first, second, u: [u, u, 1], v: [v, v, 1] });
  const now = point.value;
  if (answer && now && now.u === u && now.v === v)
    point.value = { u, v, objective: answer.objective[0] };
}

// While the training moves, a slice through two weights is drawn anew through where it stands.

/** Points a side of a slice that follows: the finest that takes at most so many seconds. */
const FOLLOWING = [21, 33, 49, 65];
const SECONDS = 0.12;
let count = 1;
let busy = false;

async function goAfter(shown: Drawn, vector: Float64Array, epoch: number): Promise<void> {
  busy = true;
  const old = shown.heights.slice;
  const moves = throughWeights(vector, twoWeights.peek(), old.titles as [string, string], 1);
  const [u, v] = moves.project(vector);
  const slice = { ...moves, u: including(old.u, u), v: including(old.v, v) };
  const wanted = () => kept.value === shown;
  const side = FOLLOWING[count];
  const found = await measure(slice, side, wanted, () => undefined, side);
  if (found) {
    if (found.seconds < SECONDS / 2.5) count = Math.min(count + 1, FOLLOWING.length - 1);
    else if (found.seconds > SECONDS) count = Math.max(count - 1, 0);
    kept.value = { ...shown, epoch, heights: found.heights, hasty: true };
  }
  busy = false;
}

/** A range that holds a value, with some room beyond it. */
function including(
  [low, high]: readonly [number, number],
  value: number,
): readonly [number, number] {
  const room = 0.15 * (high - low);
  if (value < low) return [value - room, high];
  return value > high ? [low, value + room] : [low, high];
}

effect(() => {
  const [now, shown] = [moved.value, drawn.value];
  const here = settings.value.room === "landscape" && settings.value.view === "surface";
  if (!here || !now || !shown || kind.value !== "weights" || !follow.value) return;
  const { vector, epoch } = now.state;
  const { origin, first, second } = shown.heights.slice;
  const apart = vector.some(
    (value, i) => first[i] === 0 && second?.[i] === 0 && value !== origin[i],
  );
  // A busy one comes back here by what it has drawn.
  if (apart && !busy && !standing.value) void goAfter(shown, vector, epoch);
  else if (!apart && !busy && !standing.value && !playing.value && shown.hasty) {
    const { u, v } = shown.heights.slice;
    kept.value = { ...shown, hasty: false };
    void draw({ u, v });
  }
});
