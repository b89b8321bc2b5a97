/** More and fewer layers and units. */
import { choose, settings } from "../../model/bench";
import { MOST_HIDDEN, MOST_UNITS } from "../../model/settings";

/** One unit more, or fewer, in a hidden layer; from a layer too wide to be drawn to the widest that is. */
export function addUnits(layer: number, more: number): void {
  const { hidden } = settings.peek();
  const units = Math.min((hidden[layer] ?? 0) + more, MOST_UNITS);
  if (hidden[layer] === undefined || units < 1 || units === hidden[layer]) return;
  if (more > 0 && hidden[layer] > MOST_UNITS) return;
  void choose({ hidden: hidden.map((width, index) => (index === layer ? units : width)) });
}

/** A hidden layer more, as wide as the last, or the last one away. */
export function addLayers(more: 1 | -1): void {
  const { hidden } = settings.peek();
  if (more > 0 && hidden.length < MOST_HIDDEN) void choose({ hidden: [...hidden, hidden.at(-1) ?? 3] });
  if (more < 0 && hidden.length > 0) void choose({ hidden: hidden.slice(0, -1) });
}
