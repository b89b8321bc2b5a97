/**
 * Formulas of the layers that have no weight matrix: equations (10) and (11) of the library.
 *
 *     x̂ = (a − mean) / √(var + ε),  z = gain · x̂ + shift     a normalised layer
 *     z = k · a,  k = 0 or 1 / (1 − rate)                     dropout
 *
 * In a step of one row batch normalisation goes by its running mean and variance, which the step
 * takes as they are; layer normalisation by those of the row over its units, so that each unit's
 * slope has two more terms.
 */
import type { Inner, LayerRecord, Traced } from "../../protocol";
import { less, over, plain, root, squared, sum, times, type Expression, type Leaf } from "./expression";
import { indices, type Name } from "../../parts/letters";
import { unitPlace } from "./names";
import { engineRow, type Line, type Row } from "./row";

/** What is read of a step that is written: numbers of its units, by layer (0: inputs) and place. */
export interface Reading {
  readonly layers: readonly LayerRecord[];
  readonly scene: { readonly traced: Traced };
  count(layer: number): number;
  sum(layer: number, unit: number): Leaf;
  output(layer: number, unit: number): Leaf;
  delta(layer: number, unit: number): Leaf;
  blockOf(layer: number, block: "gain" | "shift", unit: number, time?: string): Leaf;
}

export type InnerKind = "batch_normalization" | "layer_normalization" | "dropout";

/** What a layer without a weight matrix is; null of a dense one. */
export function innerKind(script: Reading, layer: number): InnerKind | null {
  const { name } = script.layers[layer - 1];
  return name === "dense" ? null : (name as InnerKind);
}

export const isNormalized = (kind: InnerKind | null): boolean => kind !== null && kind !== "dropout";

type Met = keyof Inner;

/** What layer normalisation has one number of, for all units. */
const OF_ALL: ReadonlySet<Met> = new Set<Met>(["mean", "variance", "sent", "along"]);

/** A number that the engine met inside a layer: one for each unit, or one for all of them. */
function met(script: Reading, layer: number, unit: number, what: Met, letter: string): Leaf {
  const values = script.scene.traced.inner[layer - 1]![what]!;
  const each = !OF_ALL.has(what) || ((what === "mean" || what === "variance") && isOfBatch(script, layer));
  const name: Name = { letter, upper: `${layer}`, ...(each ? { lower: indices(unit) } : {}) };
  return {
    is: "leaf",
    name,
    value: values[each ? unit : 0],
    thing: `${what}-${layer}${each ? `-${unit}` : ""}`,
    place: each ? unitPlace(layer, unit) : "",
  };
}

const isOfBatch = (script: Reading, layer: number): boolean => innerKind(script, layer) === "batch_normalization";

const hat = (script: Reading, layer: number, unit: number): Leaf => met(script, layer, unit, "normalized", "x̂");
const mean = (script: Reading, layer: number, unit: number): Leaf => met(script, layer, unit, "mean", "mean");
const sent = (script: Reading, layer: number): Leaf => met(script, layer, 0, "sent", "p");
const along = (script: Reading, layer: number): Leaf => met(script, layer, 0, "along", "q");
const factor = (script: Reading, layer: number, unit: number): Leaf => met(script, layer, unit, "factor", "k");

/** √(var + ε) */
function spread(script: Reading, layer: number, unit: number): Expression {
  const epsilon = Number(script.layers[layer - 1].epsilon);
  return root(sum(met(script, layer, unit, "variance", "var"), plain(epsilon)));
}

const units = (script: Reading, layer: number): number[] => Array.from({ length: script.count(layer) }, (_, unit) => unit);

const meanOf = (terms: readonly Expression[]): Expression => over(sum(...terms), plain(terms.length));

/** What comes before a layer's units on the way forward: by what the row is normalised. */
export function statistics(script: Reading, layer: number): Line[] {
  if (innerKind(script, layer) !== "layer_normalization") return [];
  const middle = mean(script, layer, 0);
  const variance = met(script, layer, 0, "variance", "var");
  const below = units(script, layer).map((unit) => script.output(layer - 1, unit));
  const rows = [
    engineRow(middle, meanOf(below)),
    engineRow(variance, meanOf(below.map((output) => squared(less(output, middle)))), "of this row, over its units"),
  ];
  const title = `mean and variance of hidden layer ${layer - 1}`;
  return [{ id: `mean-${layer}`, phase: "forward", place: "", title, rows, layer, unit: -1, from: 0 }];
}

/** From the layer before to z of a unit. */
export function innerRows(script: Reading, layer: number, unit: number): Row[] {
  const z = script.sum(layer, unit);
  const below = script.output(layer - 1, unit);
  if (innerKind(script, layer) === "dropout") {
    const share = factor(script, layer, unit);
    const { rate } = script.layers[layer - 1];
    const says = share.value ? `kept, and so times 1 / (1 − ${Number(rate)})` : "dropped in this step";
    return [engineRow(z, times(share, below), says)];
  }
  const found = hat(script, layer, unit);
  const by = isOfBatch(script, layer) ? "by the running mean and variance" : undefined;
  return [
    engineRow(found, over(less(below, mean(script, layer, unit)), spread(script, layer, unit)), by),
    engineRow(z, sum(times(script.blockOf(layer, "gain", unit), found), script.blockOf(layer, "shift", unit))),
  ];
}

/** Before the deltas below layer normalisation: what its mean and variance send back. */
export function means(script: Reading, layer: number): Line[] {
  if (innerKind(script, layer) !== "layer_normalization") return [];
  const pushes = units(script, layer).map((unit) => push(script, layer, unit));
  const rows = [
    engineRow(sent(script, layer), meanOf(pushes), "what comes back through the mean"),
    engineRow(
      along(script, layer),
      meanOf(pushes.map((one, unit) => times(one, hat(script, layer, unit)))),
      "what comes back through the variance",
    ),
  ];
  const title = `what comes back through mean and variance of hidden layer ${layer - 1}`;
  return [{ id: `sent-${layer}`, phase: "backward", place: "", title, rows, layer: layer - 1, unit: -1, from: 0 }];
}

/** gain · δ, with the gain of before the step. */
const push = (script: Reading, layer: number, unit: number): Expression =>
  times({ ...script.blockOf(layer, "gain", unit, "t"), old: true }, script.delta(layer, unit));

/** ∂f/∂a of a unit whose layer feeds `layer`, one of these. */
export function sentThrough(script: Reading, layer: number, unit: number): Expression {
  const kind = innerKind(script, layer);
  if (kind === "dropout") return times(factor(script, layer, unit), script.delta(layer, unit));
  const pushed = push(script, layer, unit);
  if (kind === "batch_normalization") return over(pushed, spread(script, layer, unit));
  const through = less(less(pushed, sent(script, layer)), times(hat(script, layer, unit), along(script, layer)));
  return over(through, spread(script, layer, unit));
}

/** ∂f of a unit's gain and of its shift. */
export function blockGradient(script: Reading, layer: number, block: "gain" | "shift", unit: number): Expression {
  const delta = script.delta(layer, unit);
  return block === "shift" ? delta : times(delta, hat(script, layer, unit));
}

/** What a layer does, in a sentence. */
export const INNER_WORDS: Readonly<Record<InnerKind, string>> = {
  batch_normalization:
    "A single row has no spread: its step goes by the running mean and variance, and no gradient runs through them. A step of a mini-batch goes by the mean and the variance of its rows.",
  layer_normalization: "Every row is normalised by itself, over the units of the layer; gain and shift are learned.",
  dropout: "In each step it is drawn anew which units are dropped; a prediction drops none.",
};
