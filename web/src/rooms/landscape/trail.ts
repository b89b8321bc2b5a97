/** The way of the training that is open: where its weights were, as far as the page has seen. */
import { effect, signal } from "@preact/signals";
import type { Opened } from "../../protocol";
import { moved, opened } from "../../model/bench";

interface Place {
  readonly step: number;
  readonly vector: Float64Array;
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
  if (last && kept.length === before.length && same(last.vector, vector)) return;
  const all = [...kept, { step, vector: vector.slice() }];
  const full = all.length > MOST_PLACES || all.length * vector.length > MOST_NUMBERS;
  trail.value = full ? all.filter((_, i) => i === 0 || (all.length - 1 - i) % 2 === 0) : all;
});

function same(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, index) => value === b[index]);
}
