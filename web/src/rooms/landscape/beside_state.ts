/** Two ways to train from the same first weights: what each side is, and how they went. */
import { computed, signal } from "@preact/signals";
import { problem, settings } from "../../model/bench";
import { makeProblem, planOf, type Problem } from "../../model/problem";
import { optionRecord, type Settings } from "../../model/settings";
import { short } from "../../parts/numbers";
import { measureFiner, type Heights } from "./heights";
import { Job, sameProblem } from "./job";
import { epochsTo } from "./outcomes";
import { throughPlaces, type Place } from "./slices";
import { marksOf, newTrack, runOf, trainTracks, type Track } from "./tracks";

/** What may differ between the sides; all else is what is chosen for the page. */
export type Side = Pick<
  Settings,
  | "optimizer"
  | "learning_rate_init"
  | "schedule"
  | "batch_size"
  | "sampling"
  | "standardize"
  | "l1"
  | "l2"
>;

export const ofSettings = (s: Settings): Side => ({
  optimizer: s.optimizer,
  learning_rate_init: s.learning_rate_init,
  schedule: s.schedule,
  batch_size: s.batch_size,
  sampling: s.sampling,
  standardize: s.standardize,
  l1: s.l1,
  l2: s.l2,
});

/** Rows of a mini-batch that is compared with single samples: of few rows half of them. */
const BATCH = 10;

export const batchOf = (rows: number): number => (rows >= 2 * BATCH ? BATCH : Math.max(2, Math.floor(rows / 2)));

const rowsNow = (): number => problem.value?.train.length ?? 2 * BATCH;

/** Pairs that the notes speak of; each changes a side from what is chosen for the page. */
export const PAIRS: readonly (readonly [
  title: string | (() => string),
  (s: Side) => readonly [Partial<Side>, Partial<Side>],
])[] = [
  [
    () => `per sample | mini-batch of ${batchOf(rowsNow())}`,
    () => [{ batch_size: 1 }, { batch_size: batchOf(rowsNow()) }],
  ],
  ["inputs as they are | standardised", () => [{ standardize: false }, { standardize: true }]],
  [
    "small step | large step",
    ({ learning_rate_init: rate }) => [
      { learning_rate_init: rate / 4 },
      { learning_rate_init: rate * 4 },
    ],
  ],
  [
    "no momentum | momentum 0.9",
    // Momentum takes steps that are ten times as long in the end: both begin with shorter ones.
    ({ learning_rate_init: rate }) => [
      { optimizer: optionRecord("optimizers", "sgd"), learning_rate_init: rate / 5 },
      { optimizer: optionRecord("optimizers", "momentum"), learning_rate_init: rate / 5 },
    ],
  ],
  [
    "sgd | adam",
    () => [
      { optimizer: optionRecord("optimizers", "sgd") },
      { optimizer: optionRecord("optimizers", "adam"), learning_rate_init: 0.02 },
    ],
  ],
  [
    "no penalty | L2 penalty",
    () => [
      { l2: 0, l1: 0 },
      { l2: 0.001, l1: 0 },
    ],
  ],
];

export const sides = signal<readonly [Side, Side] | null>(null);

/** Which of the pairs the sides are; −1: none of them. */
export const chosenPair = computed(() => {
  const now = JSON.stringify(bothSides.value);
  return PAIRS.findIndex((_, index) => JSON.stringify(pairOf(index)) === now);
});

/** The sides as they stand: the first pair until another is chosen. */
export const bothSides = computed((): readonly [Side, Side] => sides.value ?? pairOf(0));

export function pairOf(index: number): readonly [Side, Side] {
  const base = ofSettings(settings.value);
  const [first, second] = PAIRS[index][1](base);
  return [
    { ...base, ...first },
    { ...base, ...second },
  ];
}

/** What a side is, as far as it differs from the other one. */
export function sideName(side: Side, other: Side): string {
  const parts: string[] = [];
  const differs = (name: keyof Side) => JSON.stringify(side[name]) !== JSON.stringify(other[name]);
  if (differs("optimizer")) {
    const { momentum } = side.optimizer;
    parts.push(
      typeof momentum === "number" ? `${side.optimizer.name} ${momentum}` : side.optimizer.name,
    );
  }
  if (differs("learning_rate_init")) parts.push(`α₀ = ${short(side.learning_rate_init)}`);
  if (differs("schedule")) parts.push(`${side.schedule.name} steps`);
  if (differs("batch_size"))
    parts.push(side.batch_size === 1 ? "per sample" : `mini-batches of ${side.batch_size}`);
  if (differs("sampling")) parts.push(side.sampling);
  if (differs("standardize"))
    parts.push(side.standardize ? "inputs standardised" : "inputs as they are");
  if (differs("l2")) parts.push(side.l2 > 0 ? `L2 penalty ${short(side.l2)}` : "no L2 penalty");
  if (differs("l1")) parts.push(side.l1 > 0 ? `L1 penalty ${short(side.l1)}` : "no L1 penalty");
  return parts.join(", ");
}

export interface Runner {
  readonly letter: "A" | "B";
  readonly name: string;
  readonly side: Side;
  /** Its own rows, as they are scaled for it. */
  readonly made: Problem;
  readonly track: Track;
}

interface Pair {
  readonly made: Problem;
  readonly epochs: number;
  readonly runners: readonly [Runner, Runner];
  readonly whole: boolean;
  /** The plane through the first weights and both ends, where both live on one surface. */
  readonly heights: Heights | null;
  readonly places: readonly Place[];
}

const kept = signal<Pair | null>(null);

export const pair = computed(() => {
  const found = kept.value;
  return found && sameProblem(found.made, problem.value) ? found : null;
});

function runnerOf(letter: "A" | "B", side: Side, name: string, base: Problem): Runner {
  const chosen = settings.value;
  const all = { ...chosen, ...side };
  // Another scaling makes other rows of the same table; the network stays the one that is open.
  const made =
    side.standardize === chosen.standardize
      ? base
      : { ...makeProblem(all, base.table), outputs: base.outputs };
  const run = runOf(
    planOf(all),
    { initializer: base.open.initializer, train: made.open.train },
    chosen.seed,
  );
  return { letter, name, side, made, track: newTrack(letter, run) };
}

/** Whether a side trains on the rows of the training that is open, so that its J is the surface's. */
export const onSurface = (of: Pair): boolean => of.runners.every(({ made }) => made === of.made);

const MARKS = 100;

/** How many times two were begun: the last answer to an earlier time comes too late. */
let begun = 0;

export async function trainBoth(): Promise<void> {
  const base = problem.value;
  if (!base) return;
  const [a, b] = bothSides.value;
  const { epochs } = settings.value;
  const same = sideName(a, b) === "";
  const runners = [
    runnerOf("A", a, same ? "one" : sideName(a, b), base),
    runnerOf("B", b, same ? "the same again" : sideName(b, a), base),
  ] as const;
  const job = Job.begin("Training both", base);
  begun += 1;
  const mine = begun;
  const show = (more: Partial<Pair>) => {
    if (mine !== begun) return;
    kept.value = { made: base, epochs, runners, whole: false, heights: null, places: [], ...more };
  };
  const tracks = runners.map(({ track }) => track);
  await trainTracks(
    tracks,
    { epochs, marks: marksOf(epochs, MARKS, 1.3), keep: 2, losses: true },
    job,
    () => show({}),
  );
  if (sameProblem(base, problem.value) && tracks.every((track) => track.state)) {
    show({ whole: true });
    if (job.wanted && kept.value && onSurface(kept.value)) await drawSurface(kept.value, job, show);
  }
  job.end();
}

async function drawSurface(of: Pair, job: Job, show: (more: Partial<Pair>) => void): Promise<void> {
  const [a, b] = of.runners.map(({ track }) => track);
  if (!a.state || !b.state) return;
  const places: Place[] = [
    { name: "the first weights", letter: "W⁰", vector: a.path[0] },
    { name: of.runners[0].name, letter: "A", vector: a.state.vector },
    { name: of.runners[1].name, letter: "B", vector: b.state.vector },
  ];
  const slice = throughPlaces(places[0], places[1], places[2], [...a.path, ...b.path]);
  if (slice) await measureFiner(slice, job, (heights) => show({ whole: true, heights, places }));
}

/** Of the way down from the first J to the better of the last ones. */
const SHARE = 0.9;

export interface Outcome {
  readonly level: number;
  /** The epoch by which each was seen at that level, or null. */
  readonly reached: readonly (number | null)[];
}

/** Null where neither has numbers at its end. */
export function outcomeOf({ runners }: Pair): Outcome | null {
  const tracks = runners.map(({ track }) => track);
  const best = Math.min(...tracks.map((track) => track.objective));
  const begun = Math.max(...tracks.map((track) => track.begun));
  if (!Number.isFinite(best) || !(begun > best)) return null;
  const level = best + (1 - SHARE) * (begun - best);
  return { level, reached: tracks.map((track) => epochsTo(track, level)) };
}

/** What came out, measured. */
export function pairSentence(of: Pair): string {
  const ends = of.runners.map(({ letter, name, track }) =>
    track.diverged
      ? `${letter} (${name}) diverged in epoch ${track.state!.epoch}: its numbers ran away`
      : `${letter} (${name}) ends at J = ${short(track.objective)}`,
  );
  const reached = Math.max(...of.runners.map(({ track }) => track.state!.epoch));
  const first = `After ${reached} epochs ${ends.join(", ")}.`;
  const outcome = outcomeOf(of);
  if (!outcome) return first;
  const when = of.runners.map(({ letter }, index) => {
    const epoch = outcome.reached[index];
    return epoch === null
      ? `${letter} was never seen there`
      : `${letter} was there by epoch ${epoch}`;
  });
  return `${first} Nine tenths of the way down is J = ${short(outcome.level)}: ${when.join(", ")}.`;
}
