/** What of the network a person looks at: a unit or a weight, under the pointer or kept by a click. */
import { computed, signal } from "@preact/signals";
import { opened, problem } from "../../model/bench";
import { unitsOf, type Problem } from "../../model/problem";
import { subscript } from "../../parts/numbers";
import { weightSlots } from "./geometry";

export interface UnitChoice {
  readonly kind: "unit";
  readonly column: number;
  readonly unit: number;
}

export interface WeightChoice {
  readonly kind: "weight";
  /** The layer whose weight it is: from its column to the next. */
  readonly layer: number;
  readonly from: number;
  readonly to: number;
}

export type Selection = UnitChoice | WeightChoice;

export const pointed = signal<Selection | null>(null);
export const kept = signal<Selection | null>(null);

function exists(chosen: Selection, units: readonly number[]): boolean {
  if (chosen.kind === "unit") return chosen.unit < (units[chosen.column] ?? 0);
  return chosen.from < units[chosen.layer] && chosen.to < (units[chosen.layer + 1] ?? 0);
}

/** Widths from the inputs to the outputs. */
export const widths = computed(() => (problem.value ? unitsOf(problem.value.open) : []));

/** What is looked at; a unit of an earlier network is gone with it. */
export const shown = computed<Selection | null>(() => {
  const chosen = pointed.value ?? kept.value;
  return chosen && exists(chosen, widths.value) ? chosen : null;
});

export function same(a: Selection | null, b: Selection | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === "unit") return b.kind === "unit" && a.column === b.column && a.unit === b.unit;
  return b.kind === "weight" && a.layer === b.layer && a.from === b.from && a.to === b.to;
}

/** x₁, h₂ or d̂; the names of a table's own inputs. */
export function unitLetter(made: Problem, column: number, unit: number): string {
  const units = unitsOf(made.open);
  if (column === 0) return made.table.inputs[unit] ?? `x${subscript(unit + 1)}`;
  if (column < units.length - 1) return `h${subscript(unit + 1)}`;
  return units[column] === 1 ? "d̂" : `d̂${subscript(unit + 1)}`;
}

/** As a heading: "Unit h₂ of hidden layer 1". */
export function unitName(made: Problem, column: number, unit: number): string {
  const letter = unitLetter(made, column, unit);
  const last = unitsOf(made.open).length - 1;
  if (column === 0) return `Input ${letter}`;
  if (column < last) return last > 2 ? `Unit ${letter} of hidden layer ${column}` : `Hidden unit ${letter}`;
  const of = made.outputs[unit];
  return of === undefined ? `Output ${letter}` : `Output ${letter} for ${of}`;
}

/** Where a weight stands in the vector; −1 where the layer has none. */
export function weightPlace(layer: number, from: number, to: number): number {
  const found = opened.value && weightSlots(opened.value).find((slot) => slot.layer === layer);
  return found ? found.start + from * found.shape[1] + to : -1;
}
