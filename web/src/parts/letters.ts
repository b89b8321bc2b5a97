/**
 * What each number of a network is called, in the notes' letters.
 *
 * Of a network with one hidden layer: x, W, h, V, d̂, as the notes have them. Deeper ones number the
 * hidden layers (W¹, h¹, W², …); V are the weights into the output at any depth. z, b and δ always
 * say which layer they are of.
 */
import { subscript, superscript } from "./numbers";

/** A letter with a script above and one below. */
export interface Name {
  readonly letter: string;
  readonly upper?: string;
  readonly lower?: string;
}

/** Units are counted from 1, and 21 is second unit, first unit; 2,13 keeps two digits apart. */
export function indices(...units: readonly number[]): string {
  const counted = units.map((unit) => unit + 1);
  return counted.join(counted.some((unit) => unit > 9) ? "," : "");
}

export class Letters {
  /** `depth`: the number of layers, the output's among them. */
  constructor(readonly depth: number) {}

  output(layer: number, unit: number): Name {
    const lower = indices(unit);
    if (layer === 0) return { letter: "x", lower };
    if (layer === this.depth) return { letter: "d̂", lower };
    return this.depth === 2 ? { letter: "h", lower } : { letter: "h", upper: `${layer}`, lower };
  }

  sum(layer: number, unit: number): Name {
    return this.ofLayer("z", layer, indices(unit));
  }

  delta(layer: number, unit: number): Name {
    return this.ofLayer("δ", layer, indices(unit));
  }

  bias(layer: number, to: number, time = ""): Name {
    return timed(this.ofLayer("b", layer + 1, indices(to)), time);
  }

  /** The weight from a unit of `layer` to one of the next; `time` is "t" or "t+1" where it matters. */
  weight(layer: number, from: number, to: number, time = ""): Name {
    return timed({ ...this.weights(layer), lower: indices(to, from) }, time);
  }

  /** All weights of a layer: W, V, or W². */
  weights(layer: number): Name {
    if (layer === this.depth - 1) return { letter: this.depth === 1 ? "W" : "V" };
    return this.depth === 2 ? { letter: "W" } : { letter: "W", upper: `${layer + 1}` };
  }

  target(output: number): Name {
    return { letter: "d", lower: indices(output) };
  }

  private ofLayer(letter: string, layer: number, lower: string): Name {
    return this.depth === 1 ? { letter, lower } : { letter, upper: `${layer}`, lower };
  }
}

function timed(name: Name, time: string): Name {
  if (!time) return name;
  return { ...name, upper: name.upper ? `${name.upper},${time}` : time };
}

/** A name in one line of plain text, for labels that are read out: "V 11". */
export function spoken({ letter, upper, lower }: Name): string {
  return [letter, upper, lower].filter((part) => part).join(" ");
}

/** Whether a letter has no hat, tilde or other mark that not every font can place. */
export const isPlain = (letter: string): boolean => !/\p{M}/u.test(letter);

/** A name with its scripts as small letters: V₁₁, W²₂,₁₃. */
export function scripted({ letter, upper = "", lower = "" }: Name): string {
  const small = (text: string, script: (number: number) => string) =>
    text.replace(/[0-9]/g, (digit) => script(Number(digit)));
  return letter + small(upper, superscript) + small(lower, subscript);
}
