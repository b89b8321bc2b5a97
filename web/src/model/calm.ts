/**
 * Signals that follow others some times a second.
 *
 * Pictures follow every frame of a training; text that changes sixty times a second cannot be read,
 * and to lay it out anew each time costs more than to paint a picture. While nothing plays, they
 * follow at once.
 */
import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { curves, moved, playing } from "./bench";

export function calmed<T>(source: ReadonlySignal<T>, milliseconds: number): ReadonlySignal<T> {
  const calm = signal(source.peek());
  let last = -Infinity;
  let timer = 0;
  effect(() => {
    const value = source.value;
    clearTimeout(timer);
    const follow = () => {
      last = performance.now();
      calm.value = value;
    };
    const wait = playing.peek() ? last + milliseconds - performance.now() : 0;
    if (wait <= 0) follow();
    else timer = window.setTimeout(follow, wait);
  });
  return calm;
}

export const calmMoved = calmed(moved, 100);
export const calmCurves = calmed(curves, 150);
