/** A model that was opened with the page, as a problem of the bench, and as choices. */
import type { LayerRecord, Named, NetworkRecord, Subject } from "../protocol";
import { unitsOf, type Problem } from "./problem";
import type { Settings } from "./settings";

const isDense = (layer: LayerRecord): boolean => layer.name === "dense";

/** What the controls show of a network; what they have no word for stays as it was. */
export function choicesOfNetwork(network: NetworkRecord): Partial<Settings> {
  const dense = network.layers.filter(isDense);
  const last = dense[dense.length - 1];
  // Behind a normalisation the activation is that of the normalisation.
  const hidden = network.layers.slice(0, -1).filter((layer) => layer.function);
  const function_ = hidden[hidden.length - 1]?.function;
  return {
    hidden: dense.slice(0, -1).map((layer) => layer.units),
    ...(function_ ? { activation: function_.name } : {}),
    output_activation: last.function?.name ?? "identity",
    loss: network.heads[0].loss.name,
    bias: dense[0].bias !== false,
  };
}

/** Strengths of a penalty's record. */
function strengths(penalty: Named | null): { readonly l1: number; readonly l2: number } {
  if (!penalty) return { l1: 0, l2: 0 };
  if (penalty.name === "l1l2") return { l1: Number(penalty.l1), l2: Number(penalty.l2) };
  const strength = Number(penalty.strength);
  return penalty.name === "l1" ? { l1: strength, l2: 0 } : { l1: 0, l2: strength };
}

/** A short number for many: other numbers most likely have another one. */
function folded(numbers: Float64Array | undefined): number {
  const bytes = numbers ? new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength) : [];
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum >>> 0;
}

/** A text that is the same for the same model on the same rows. */
export function markOf({ title, open, table }: Subject): string {
  const numbers = [open.start?.vector, table.X, table.y].map(folded);
  return [title, JSON.stringify(open.network), ...numbers].join(" ");
}

export function choicesOfSubject({ open, scaling, axes }: Subject): Partial<Settings> {
  const { penalty, key, ...plan } = open.plan;
  return {
    ...choicesOfNetwork(open.network),
    ...plan,
    ...strengths(penalty),
    initializer: open.initializer,
    seed: key,
    set: "own",
    held: 0,
    axes: axes ?? [],
    standardize: scaling.scale.some((scale) => scale !== 1),
  };
}

export function problemOfSubject({ open, table, scaling }: Subject): Problem {
  const units = unitsOf(open);
  const single = units[units.length - 1] === 1 && table.kind === "classes";
  return {
    table,
    open,
    scaling,
    train: Int32Array.from({ length: table.rows }, (_, row) => row),
    held: new Int32Array(0),
    outputActivation: choicesOfNetwork(open.network).output_activation ?? "identity",
    outputs: single ? table.outputs.slice(-1) : table.outputs,
  };
}
