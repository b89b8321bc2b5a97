/** What the step room writes: lines in three phases, each of rows with a formula and its number. */
import type { Expression, Leaf } from "./expression";
import type { Name } from "../../parts/letters";

export const PHASES = ["forward", "backward", "update"] as const;
export type Phase = (typeof PHASES)[number];

export interface Row {
  readonly id: string;
  readonly name: Name;
  /** null where the formula is not written out; `says` says why. */
  readonly formula: Expression | null;
  readonly value: number;
  readonly thing: string;
  readonly place: string;
  /** Whose number the result is. */
  readonly of: "engine" | "page";
  readonly says?: string;
}

export interface Line {
  readonly id: string;
  readonly phase: Phase;
  /** The unit or edge that it is about. */
  readonly place: string;
  readonly title: string;
  readonly rows: readonly Row[];
  /** The layer (0: inputs) and the unit that it is about; of an update the unit that a weight of
   * `layer` goes to, and the one that it comes from. */
  readonly layer: number;
  readonly unit: number;
  readonly from: number;
  /** Of an update: the number that moves, as it was, and where it stands in the vector. */
  readonly moves?: { readonly old: Leaf; readonly at: number };
}

export const leafOf = ({ name, value, thing, place }: Row): Leaf => ({ is: "leaf", name, value, thing, place });

export function engineRow(leaf: Leaf, formula: Expression | null, says?: string): Row {
  const { name, value, thing, place } = leaf;
  return { id: thing, name, formula, value, thing, place, of: "engine", ...(says ? { says } : {}) };
}
