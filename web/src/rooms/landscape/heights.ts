/** J over a slice, from the engine: first coarse, then as fine as a few seconds allow. */
import { ask } from "../../model/bench";
import { SECONDS_OF_AN_ASK, type Job } from "./job";
import type { Slice } from "./slices";

export interface Heights {
  readonly slice: Slice;
  /** Points along u and along v, and J at them: `index = i · rows + j`. */
  readonly columns: number;
  readonly rows: number;
  readonly values: Float64Array;
}

/** Points a side: at first, and the finest that takes at most so many seconds. */
const COARSE = { plane: 17, line: 41 };
const FINE = { plane: [33, 49, 65, 97], line: [101, 401] };
const SECONDS = 4;

/** One grid, at first `atOnce` columns of it an ask; null where it is not wanted any more. */
export async function measure(
  slice: Slice,
  count: number,
  wanted: () => boolean,
  told: (done: number) => void,
  atOnce = Math.max(1, Math.floor(200 / count)),
): Promise<{ heights: Heights; seconds: number } | null> {
  const rows = slice.second ? count : 1;
  const values = new Float64Array(count * rows);
  const [low, high] = slice.u;
  const at = (index: number): number => low + ((high - low) * index) / (count - 1);
  const began = performance.now();
  let some = atOnce;
  for (let done = 0; done < count;) {
    const columns = Math.min(some, count - done);
    const asked = performance.now();
    const answer = await ask("surface", {
      origin: slice.origin,
      first: slice.first,
      second: slice.second,
      u: [at(done), at(done + columns - 1), columns],
      v: [...slice.v, rows],
    });
    if (!answer || !wanted()) return null;
    values.set(answer.objective, done * rows);
    done += columns;
    if ((performance.now() - asked) / 1000 < SECONDS_OF_AN_ASK / 2) some *= 2;
    else some = Math.max(1, Math.floor(some / 2));
    told(done / count);
  }
  const seconds = (performance.now() - began) / 1000;
  return { heights: { slice, columns: count, rows, values }, seconds };
}

/** Coarse, then fine; `seen` hears both. */
export async function measureFiner(
  slice: Slice,
  job: Job,
  seen: (heights: Heights) => void,
): Promise<void> {
  const kind = slice.second ? "plane" : "line";
  const wanted = () => job.wanted;
  const coarse = await measure(slice, COARSE[kind], wanted, (done) => job.tell(0.05 * done));
  if (!coarse) return;
  seen(coarse.heights);
  const each = coarse.seconds / coarse.heights.values.length;
  const points = (count: number) => (slice.second ? count * count : count);
  const fitting = FINE[kind].filter((count) => each * points(count) < SECONDS);
  const count = fitting.length ? fitting[fitting.length - 1] : FINE[kind][0];
  const fine = await measure(slice, count, wanted, (done) => job.tell(0.05 + 0.95 * done));
  if (fine) seen(fine.heights);
}

/** Where on the slice J is lowest: the point's u, v and J. */
export function lowest({ slice, columns, rows, values }: Heights): {
  u: number;
  v: number;
  objective: number;
} {
  let best = -1;
  for (let index = 0; index < values.length; index += 1)
    if (Number.isFinite(values[index]) && (best < 0 || values[index] < values[best])) best = index;
  const i = Math.floor(Math.max(best, 0) / rows);
  const j = Math.max(best, 0) % rows;
  const between = ([low, high]: readonly [number, number], index: number, count: number) =>
    count > 1 ? low + ((high - low) * index) / (count - 1) : low;
  return {
    u: between(slice.u, i, columns),
    v: between(slice.v, j, rows),
    objective: best < 0 ? Infinity : values[best],
  };
}
