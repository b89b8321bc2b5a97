/** The names of single parameters: W₁[2,1] is the weight to unit 2 from unit 1 of the layer below. */
import { subscript } from "../../parts/numbers";
import type { Slot } from "../../protocol";

/** Letters of blocks that the notes name; others keep the library's word. */
const LETTERS: Readonly<Record<string, string>> = { weight: "W", bias: "b" };

/** Names of all parameters, in the order of the vector. */
export function weightNames(slots: readonly Slot[]): string[] {
  const names: string[] = [];
  for (const { layer, block, start, shape } of slots) {
    const letter = `${LETTERS[block] ?? `${block} `}${subscript(layer + 1)}`;
    const [inputs, units] = shape;
    if (shape.length === 1)
      for (let unit = 0; unit < inputs; unit += 1) names[start + unit] = `${letter}[${unit + 1}]`;
    else
      for (let from = 0; from < inputs; from += 1)
        for (let to = 0; to < units; to += 1)
          names[start + from * units + to] = `${letter}[${to + 1},${from + 1}]`;
  }
  return names;
}
