/** The numbers that a lesson's conditions speak of: all of them are the engine's, read off here. */
import { short, subscript } from "../parts/numbers";
import type { Moved, Opened, Slot, Traced } from "../protocol";

export interface Numbers {
  readonly opened: Opened | null;
  readonly moved: Moved | null;
  /** The next step of one row, where a condition needs it. */
  readonly traced: Traced | null;
}

/** Layers and units are counted from 1, as the formulas do: layer 1 is W, layer 2 V. */
export interface Place {
  readonly layer: number;
  readonly unit: number;
  readonly from: number;
}

type Needs = readonly (keyof Place)[];

interface Measured {
  /** Which of layer, unit and from say what is meant. */
  readonly needs: Needs;
  /** Whether it is a number of the next step. */
  readonly traced: boolean;
  readonly words: (place: Place) => string;
  readonly of: (numbers: Numbers, place: Place) => number | undefined | null;
}

const largest = (values: Iterable<number> | undefined): number | undefined => {
  if (!values) return undefined;
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
};

const slotOf = (opened: Opened | null, layer: number, block: string): Slot | undefined =>
  opened?.slots.find((slot) => slot.layer === layer - 1 && slot.block === block);

/** The weight that leads from unit `from` to unit `unit`; undefined where there is none. */
function weight({ opened, moved }: Numbers, { layer, unit, from }: Place): number | undefined {
  const slot = slotOf(opened, layer, "weight");
  if (!slot || !moved || from > slot.shape[0] || unit > slot.shape[1]) return undefined;
  return moved.state.vector[slot.start + (from - 1) * slot.shape[1] + unit - 1];
}

const at = (letter: string, { layer, unit }: Place): string =>
  `${letter}${subscript(unit)} of layer ${layer}`;

export const MEASURES = {
  objective: {
    needs: [],
    traced: false,
    words: () => "the objective J",
    of: ({ moved }) => moved?.measures.objective,
  },
  held_loss: {
    needs: [],
    traced: false,
    words: () => "the held-out loss",
    of: ({ moved }) => moved?.measures.held_loss,
  },
  epoch: {
    needs: [],
    traced: false,
    words: () => "the epoch",
    of: ({ moved }) => moved?.state.epoch,
  },
  layers: {
    needs: [],
    traced: false,
    words: () => "the number of layers with weights",
    of: ({ opened }) => opened && new Set(opened.slots.map((slot) => slot.layer)).size,
  },
  largest_weight: {
    needs: [],
    traced: false,
    words: () => "the largest weight",
    of: ({ moved }) => largest(moved?.state.vector),
  },
  weight: {
    needs: ["layer", "unit", "from"],
    traced: false,
    words: ({ layer, unit, from }) => `the weight from ${from} to ${unit} in layer ${layer}`,
    of: weight,
  },
  loss: {
    needs: [],
    traced: true,
    words: () => "the loss f of the sample",
    of: ({ traced }) => traced?.loss,
  },
  rate: {
    needs: [],
    traced: true,
    words: () => "the step size α",
    of: ({ traced }) => traced?.rate,
  },
  x: {
    needs: ["unit"],
    traced: true,
    words: ({ unit }) => `the input x${subscript(unit)}`,
    of: ({ traced }, { unit }) => traced?.x[unit - 1],
  },
  z: {
    needs: ["layer", "unit"],
    traced: true,
    words: (place) => at("z", place),
    of: ({ traced }, { layer, unit }) => traced?.z[layer - 1]?.[unit - 1],
  },
  a: {
    needs: ["layer", "unit"],
    traced: true,
    words: (place) => at("the output a", place),
    of: ({ traced }, { layer, unit }) => traced?.a[layer - 1]?.[unit - 1],
  },
  delta: {
    needs: ["layer", "unit"],
    traced: true,
    words: (place) => at("δ", place),
    of: ({ traced }, { layer, unit }) => traced?.delta[layer - 1]?.[unit - 1],
  },
  largest_delta: {
    needs: ["layer"],
    traced: true,
    words: ({ layer }) => `the largest δ of layer ${layer}`,
    of: ({ traced }, { layer }) => largest(traced?.delta[layer - 1]),
  },
} as const satisfies Readonly<Record<string, Measured>>;

export type MeasureName = keyof typeof MEASURES;
export const MEASURE_NAMES = Object.keys(MEASURES) as MeasureName[];

/** A measure of one thing. */
export interface Measure extends Place {
  readonly name: MeasureName;
}

/** The number, or NaN where there is none now. */
export function measured(measure: Measure, numbers: Numbers): number {
  return (MEASURES[measure.name] as Measured).of(numbers, measure) ?? NaN;
}

export function measureWords(measure: Measure): string {
  return (MEASURES[measure.name] as Measured).words(measure);
}

/** A number as it is shown beside a condition. */
export function nowWords(value: number): string {
  return Number.isNaN(value) ? "not known yet" : `now ${short(value)}`;
}

/** Whether all units of a layer have the same weights coming in, as they keep having from a guess
 * that is the same for all. */
export function sameWeights({ opened, moved }: Numbers, layer: number): boolean {
  const slot = slotOf(opened, layer, "weight");
  if (!slot || !moved || slot.shape[1] < 2) return false;
  const [inputs, units] = slot.shape;
  for (let input = 0; input < inputs; input += 1) {
    const first = moved.state.vector[slot.start + input * units];
    for (let unit = 1; unit < units; unit += 1)
      if (moved.state.vector[slot.start + input * units + unit] !== first) return false;
  }
  return true;
}

/** Whether the weights into a layer stand exactly where they began. */
export function unmovedWeights({ opened, moved }: Numbers, layer: number): boolean {
  const slot = slotOf(opened, layer, "weight");
  if (!slot || !opened || !moved) return false;
  const [start, now] = [opened.state.vector, moved.state.vector];
  for (let index = slot.start; index < slot.stop; index += 1)
    if (start[index] !== now[index]) return false;
  return true;
}
