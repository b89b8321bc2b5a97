/** The names of single parameters, as the step room has them. */
import { indices, Letters, scripted, type Name } from "../../parts/letters";
import type { Slot } from "../../protocol";

/** Names of all parameters, in the order of the vector. */
export function weightNames(slots: readonly Slot[]): string[] {
  const letters = new Letters(1 + Math.max(...slots.map(({ layer }) => layer)));
  const names: string[] = [];
  for (const slot of slots) {
    const [inputs, units = 1] = slot.shape;
    for (let place = 0; place < inputs * units; place += 1)
      names[slot.start + place] = scripted(nameOf(letters, slot, Math.floor(place / units), place % units));
  }
  return names;
}

/** Of a block of a number a unit, `first` is the unit; of weights the one that they come from. */
function nameOf(letters: Letters, { layer, block, shape }: Slot, first: number, to: number): Name {
  if (block === "weight" && shape.length === 2) return letters.weight(layer, first, to);
  if (block === "bias") return letters.bias(layer, first);
  // The notes have no letter for it: the library's word.
  return { letter: `${block} `, upper: `${layer + 1}`, lower: indices(first) };
}

/** The parameter that a person means who writes its name without small letters, W2 1,13 or w^2_1,13. */
export function weightCalled(names: readonly string[], text: string): number {
  const exact = names.indexOf(text.trim());
  const wanted = bare(text);
  return exact >= 0 ? exact : names.findIndex((name) => bare(name) === wanted);
}

function bare(name: string): string {
  const small = "₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹";
  return name
    .toLowerCase()
    .replace(/[\s^_]/g, "")
    .replace(/[₀-₉⁰¹²³⁴-⁹]/g, (digit) => String(small.indexOf(digit) % 10));
}
