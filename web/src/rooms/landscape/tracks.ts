/**
 * Trainings beside each other, as far as they are: losses, places on the way, where each stands.
 *
 * All of them go forward together from mark to mark, so that their curves grow side by side and a
 * run's way costs nothing: its points are where the asks ended.
 */
import type { Plan, Run, RunDone, State } from "../../protocol";
import { ask, opened } from "../../model/bench";
import type { Job } from "./job";
import { Pace } from "./pace";

export interface Track {
  readonly name: string;
  readonly run: Run;
  /** J at the first weights; NaN before the first answer. */
  begun: number;
  /** J now; infinite where it diverged. */
  objective: number;
  diverged: boolean;
  /** It will not go further by itself. */
  over: boolean;
  state: State | null;
  /** J at the epochs where it was looked at, the first weights among them. */
  readonly epoch: number[];
  readonly seen: number[];
  /** Losses as the epochs met them, where they are kept, and which epochs those are. */
  readonly met: { readonly epoch: number[]; readonly loss: number[] };
  readonly path: Float64Array[];
}

export function newTrack(name: string, run: Run): Track {
  return {
    name,
    run,
    begun: NaN,
    objective: NaN,
    diverged: false,
    over: false,
    state: null,
    epoch: [],
    seen: [],
    met: { epoch: [], loss: [] },
    path: [],
  };
}

/** A run from first weights that `seed` draws, its rows met in the order of the same seed. */
export function runOf(
  plan: Plan,
  open: { initializer: Run["initializer"]; train: Run["train"] },
  seed: number,
): Run {
  return {
    plan: { ...plan, key: seed },
    initializer: open.initializer,
    seed,
    start: null,
    from: null,
    train: open.train,
  };
}

/** Bytes of the states of one ask, and of all ways that are kept. */
const ASK_BYTES = 8e6;
const WAY_BYTES = 64e6;

/** Runs of one ask at most. */
const MOST_RUNS = 200;

export interface Going {
  readonly epochs: number;
  /** Epochs at which J is looked at. */
  readonly marks: readonly number[];
  /** Points of a way that each ask answers; 2: only its ends, which lets runs go in lanes. */
  readonly keep: number;
  /** Whether the losses of all epochs are kept. */
  readonly losses: boolean;
}

/** An answer holds so many epochs' losses without leaving any out. */
const MOST_LOSSES = 1000;

/** So many marks up to the last epoch, as a power spaces them: 1 evenly, 2 closer at first. */
export function marksOf(epochs: number, count: number, power: number): number[] {
  const marks = new Set<number>();
  for (let mark = 1; mark <= count; mark += 1)
    marks.add(Math.max(1, Math.round(epochs * (mark / count) ** power)));
  return [...marks];
}

const at = (track: Track): number => track.state?.epoch ?? 0;

/** Train all tracks, and call `seen` whenever some of them have gone further. */
export async function trainTracks(
  tracks: Track[],
  going: Going,
  job: Job,
  seen: () => void,
): Promise<void> {
  const { train } = tracks[0].run;
  const pace = new Pace(train.rows, opened.value?.size ?? 1);
  const total = tracks.length * going.epochs;
  for (const mark of going.marks) {
    for (;;) {
      const behind = tracks.filter((track) => !track.over && at(track) < mark);
      if (!behind.length) break;
      const least = Math.min(...behind.map(at));
      const alike = behind.filter((track) => at(track) === least);
      const group = alike.slice(0, Math.min(MOST_RUNS, runsOfAnAsk(tracks), pace.runs()));
      const most = going.losses ? MOST_LOSSES : Infinity;
      const epochs = Math.min(mark - least, pace.epochs(group.length), most);
      if (!job.wanted) return;
      const began = performance.now();
      const runs = group.map((track) => ({ ...track.run, from: track.state }));
      const answer = await ask("runs", { runs, epochs, keep: going.keep });
      if (!answer || !job.wanted) return;
      pace.note(group.length * epochs, (performance.now() - began) / 1000);
      group.forEach((track, index) =>
        take(track, answer.runs[index], epochs, going, keepsWay(tracks)),
      );
      job.tell(
        tracks.reduce((sum, track) => sum + (track.over ? going.epochs : at(track)), 0) / total,
      );
      seen();
    }
  }
}

function runsOfAnAsk(tracks: readonly Track[]): number {
  const bytes = tracks[0].state
    ? 8 * (tracks[0].state.vector.length + tracks[0].state.moments.length)
    : 0;
  return Math.max(1, Math.floor(ASK_BYTES / Math.max(bytes, 8e4)));
}

function keepsWay(tracks: readonly Track[]): boolean {
  const size = tracks[0].state?.vector.length ?? 0;
  return tracks.length * size * 8 * 40 < WAY_BYTES;
}

function take(track: Track, done: RunDone, asked: number, going: Going, way: boolean): void {
  const size = done.vector.length;
  if (!track.state) {
    track.begun = done.begun;
    track.epoch.push(0);
    track.seen.push(done.begun);
    track.path.push(done.path.slice(0, size));
  }
  if (going.losses) {
    track.met.epoch.push(...done.epoch);
    track.met.loss.push(...done.loss);
  }
  if (way)
    for (let point = size; point < done.path.length; point += size)
      track.path.push(done.path.slice(point, point + size));
  else track.path[1] = done.vector.slice();
  // Arrays of an answer share one buffer: what is kept is copied out of it.
  track.state = {
    ...done.state,
    vector: done.state.vector.slice(),
    moments: done.state.moments.slice(),
    buffers: done.state.buffers.slice(),
  };
  track.diverged = Number.isNaN(done.objective);
  track.objective = track.diverged ? Infinity : done.objective;
  track.over = done.epochs < asked;
  track.epoch.push(track.state.epoch + (track.diverged ? 1 : 0));
  track.seen.push(track.objective);
}
