/** How restarts ended: in which order, how many in a worse place than the best, and how far apart. */
import type { Track } from "./tracks";

/**
 * An end is worse than the best by more than this share of the way down to it from the usual first
 * J, and of the best J itself: where all came down little, or not at all, none is called worse.
 */
const SHARE = 0.1;

export interface Outcomes {
  /** Best first; those that diverged last. */
  readonly ranked: readonly Track[];
  /** The usual J at the first weights. */
  readonly begun: number;
  readonly best: number;
  readonly median: number;
  /** J above this is worse than the best. */
  readonly limit: number;
  readonly worse: number;
  readonly diverged: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Of those that have numbers by now; null where none has. */
export function outcomesOf(tracks: readonly Track[]): Outcomes | null {
  const known = tracks.filter((track) => !Number.isNaN(track.objective));
  if (!known.length) return null;
  const ranked = [...known].sort((a, b) => a.objective - b.objective || 0);
  const finite = ranked.filter((track) => Number.isFinite(track.objective));
  const begun = median(known.map((track) => track.begun));
  const best = finite.length ? finite[0].objective : Infinity;
  const limit = best + SHARE * Math.max(begun - best, best);
  return {
    ranked,
    begun,
    best,
    median: median(ranked.map((track) => track.objective)),
    limit,
    worse: finite.filter((track) => track.objective > limit).length,
    diverged: ranked.length - finite.length,
  };
}

export interface Bars {
  readonly low: number;
  readonly high: number;
  readonly tracks: readonly (readonly Track[])[];
}

/** Finite outcomes in even bars between two J, or even ones of log J. */
export function barsOf(
  tracks: readonly Track[],
  low: number,
  high: number,
  count: number,
  log: boolean,
): Bars {
  const bars: Track[][] = Array.from({ length: count }, () => []);
  const place = (value: number) => (log ? Math.log10(Math.max(value, 1e-300)) : value);
  const [from, to] = [place(low), place(high)];
  for (const track of tracks) {
    if (!Number.isFinite(track.objective)) continue;
    const share = (place(track.objective) - from) / (to - from || 1);
    bars[Math.min(count - 1, Math.max(0, Math.floor(share * count)))].push(track);
  }
  return { low, high, tracks: bars };
}

/** The first epoch at which J was seen to be at most `level`, or null. */
export function epochsTo(track: Track, level: number): number | null {
  const index = track.seen.findIndex((objective) => objective <= level);
  return index < 0 ? null : track.epoch[index];
}
