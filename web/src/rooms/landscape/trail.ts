/** The way of the training that is open: where its weights were, as far as the page has seen. */
import { effect, signal } from "@preact/signals";
import type { Opened } from "../../protocol";
import { moved, opened } from "../../model/bench";

interface Place {
  readonly step: number;
  readonly vector: Float64Array;
  /** It was not trained to: the weights were put there. */
  readonly jump: boolean;
}

export const trail = signal<readonly Place[]>([]);

/** Numbers of a trail that are kept; beyond it every other place is left out. */
const MOST_NUMBERS = 2_000_000;
const MOST_PLACES = 1500;

let of: Opened | null = null;

effect(() => {
  const [now, training] = [moved.value, opened.value];
  if (!now || !training) return;
  const { step, vector } = now.state;
  if (vector.length !== training.size) return;
  const before = of === training ? trail.peek() : [];
  of = training;
  // After going back, what lies ahead has not happened; other weights by hand are a place of their own.
  const kept = before.filter((place) => place.step <= step);
  const last = kept[kept.length - 1];
  if (last && same(last.vector, vector)) {
    if (kept.length < before.length) trail.value = kept;
    return;
  }
  const all = [...kept, { step, vector: vector.slice(), jump: last?.step === step }];
  const full = all.length > MOST_PLACES || all.length * vector.length > MOST_NUMBERS;
  trail.value = full
    ? all.filter((_, i) => i === 0 || all[i].jump || (all.length - 1 - i) % 2 === 0)
    : all;
});

/** The trail in pieces, each from where the weights were put to where they were trained. */
export function segments(places: readonly Place[]): Float64Array[][] {
  const found: Float64Array[][] = [];
  for (const { vector, jump } of places) {
    if (jump || !found.length) found.push([]);
    found[found.length - 1].push(vector);
  }
  return found;
}

function same(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, index) => value === b[index]);
}
