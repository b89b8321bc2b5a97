/** What the network says of rows, and the class that it means. */
import type { Problem } from "../../model/problem";

export interface Judged {
  /** Rows of the table, in the order of what is told of them. */
  readonly rows: Int32Array;
  readonly outputs: Float64Array;
  readonly loss: Float64Array;
  readonly width: number;
}

/** Half way between the targets of two classes: 0 and 1, or −1 and +1. */
const middleOf = (made: Problem): number => (["tanh", "sign"].includes(made.outputActivation) ? 0 : 0.5);

/** The class that a row is taken for: of the largest output, or of the one output's nearer end. */
export function classOf(made: Problem, { outputs, width }: Judged, place: number): number {
  if (width === 1) return Number(outputs[place] >= middleOf(made));
  let best = 0;
  for (let unit = 1; unit < width; unit += 1)
    if (outputs[place * width + unit] > outputs[place * width + best]) best = unit;
  return best;
}
