/** The restarts that were trained, and which of them is looked at. */
import { computed, signal } from "@preact/signals";
import { problem, settings } from "../../model/bench";
import type { Plan } from "../../protocol";
import { planOf, type Problem } from "../../model/problem";
import { Job, sameProblem } from "./job";
import { outcomesOf } from "./outcomes";
import { marksOf, newTrack, runOf, trainTracks, type Track } from "./tracks";

interface Restarts {
  readonly made: Problem;
  readonly plan: Plan;
  /** Epochs that they were to be trained for, and those that all have behind them. */
  readonly epochs: number;
  readonly reached: number;
  readonly tracks: readonly Track[];
  /** Nothing more will come: they are at their end, or were stopped. */
  readonly whole: boolean;
}

/** Points of each curve. */
const MARKS = 40;

const kept = signal<Restarts | null>(null);

/** Null where none were trained on what is chosen now. */
export const restarts = computed(() => {
  const found = kept.value;
  return found && sameProblem(found.made, problem.value) ? found : null;
});

export const outcomes = computed(() => outcomesOf(restarts.value?.tracks ?? []));

/** Whether they were trained by another plan than the one that is chosen now. */
export const outdated = computed(() => {
  const found = restarts.value;
  const plan = (of: Plan) => JSON.stringify({ ...of, key: 0 });
  return found !== null && plan(found.plan) !== plan(planOf(settings.value));
});

export const selected = signal<Track | null>(null);

/** How many times restarts were begun: the last answer to an earlier time comes too late. */
let begun = 0;

export async function trainRestarts(): Promise<void> {
  const made = problem.value;
  if (!made) return;
  const { restarts: count, epochs, seed } = settings.value;
  const plan = planOf(settings.value);
  const job = Job.begin(`Training ${count} restarts`, made);
  const tracks = Array.from({ length: count }, (_, index) =>
    newTrack(`restart ${index + 1}`, runOf(plan, made.open, seed + index)),
  );
  selected.value = null;
  begun += 1;
  const mine = begun;
  const show = (whole: boolean) => {
    if (mine !== begun) return;
    const going = tracks.filter((track) => !track.over).map((track) => track.state?.epoch ?? 0);
    const reached = Math.min(epochs, ...going);
    kept.value = { made, plan, epochs, reached, tracks: [...tracks], whole };
  };
  const marks = marksOf(epochs, MARKS, 1.5);
  await trainTracks(tracks, { epochs, marks, keep: 2, losses: false }, job, () => show(false));
  if (sameProblem(made, problem.value)) show(true);
  job.end();
}
