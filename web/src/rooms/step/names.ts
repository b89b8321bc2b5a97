/** What the numbers of a step belong to in the picture, and what its units are called in words. */

/** A unit of layer 0 (the inputs) … L (the outputs). */
export const unitPlace = (layer: number, unit: number): string => `u-${layer}-${unit}`;
/** The weight from a unit to one of the next layer; the bias stands at −1. */
export const edgePlace = (layer: number, from: number, to: number): string =>
  `e-${layer}-${from < 0 ? "b" : from}-${to}`;
/** The target of an output. */
export const targetPlace = (output: number): string => `t-${output}`;

/** What a layer is to a person: "input", "hidden unit", "output", with its number. */
export function unitTitle(depth: number, layer: number, unit: number): string {
  if (layer === 0) return `input ${unit + 1}`;
  if (layer === depth) return `output ${unit + 1}`;
  return depth === 2 ? `hidden unit ${unit + 1}` : `unit ${unit + 1} of hidden layer ${layer}`;
}
