/**
 * Where units and weights stand in the picture: layers as columns from left to right.
 *
 * Column 0 holds the inputs, column l the units of layer l − 1 of the network; weights of layer l
 * run from column l to column l + 1. A column of more units than can be told apart is a bar.
 */
import type { Size } from "../../parts/canvas";
import type { Opened, Slot } from "../../protocol";
import { MOST_UNITS } from "../../model/settings";

export interface Column {
  readonly units: number;
  readonly x: number;
  /** The side of a unit's square; of a bar, its width. */
  readonly side: number;
  readonly top: number;
  /** From the middle of a unit to that of the next. */
  readonly step: number;
  readonly bar: boolean;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Pixels that names beside the first and the last column need. */
export interface Margins {
  readonly left: number;
  readonly right: number;
}

/** Pixels that a column needs at least: of many the picture is wider than a narrow screen. */
export const LEAST_COLUMN = 66;

export const unitY = (column: Column, unit: number): number => column.top + unit * column.step;

export function isBar(units: number): boolean {
  return units > MOST_UNITS;
}

/** The middle of each column: also the heads above the picture stand there. */
export function columnX(count: number, column: number, width: number, { left, right }: Margins): number {
  const edge = Math.min(52, width / count / 2);
  const first = left + edge;
  const last = width - right - edge;
  return count === 1 ? (first + last) / 2 : first + (column / (count - 1)) * (last - first);
}

export function columnsOf(units: readonly number[], size: Size, margins: Margins): Column[] {
  const gap = (size.width - margins.left - margins.right) / units.length;
  const room = size.height - 24;
  // On a larger screen, as a projector's, units are larger.
  const largest = Math.min(64, Math.max(40, size.height * 0.105));
  return units.map((count, place) => {
    const x = columnX(units.length, place, size.width, margins);
    if (isBar(count)) return { units: count, x, side: Math.min(44, gap / 2), top: 12, step: room, bar: true };
    const side = Math.max(3, Math.min(largest, (room / count) * 0.76, gap * 0.5));
    const step = Math.min(room / count, side * 1.75);
    return { units: count, x, side, top: size.height / 2 - ((count - 1) * step) / 2, step, bar: false };
  });
}

/** Blocks of weights between two columns, in order. */
export function weightSlots(opened: Opened): Slot[] {
  return opened.slots.filter((slot) => slot.block === "weight");
}

/** The numbers into a column that a bar shows: weights, or what a normalised layer scales by. */
export function barSlot(opened: Opened, layer: number): Slot | undefined {
  return opened.slots.find((slot) => slot.layer === layer && (slot.block === "weight" || slot.block === "gain"));
}

export function biasSlot(opened: Opened, layer: number): Slot | undefined {
  return opened.slots.find((slot) => slot.layer === layer && slot.block === "bias");
}

/** The share of the way down that a curve has come at a share of the way across. */
export function fall(across: number): number {
  // x(t) = 3/2 t − 3/2 t² + t³ of the curve whose handles stand in the middle, by bisection.
  let low = 0;
  let high = 1;
  for (let turn = 0; turn < 24; turn += 1) {
    const t = (low + high) / 2;
    if (1.5 * t - 1.5 * t * t + t * t * t < across) low = t;
    else high = t;
  }
  const t = (low + high) / 2;
  return t * t * (3 - 2 * t);
}

/** Which unit stands at a point, if any: its column and its number. */
export function unitAt(columns: readonly Column[], { x, y }: Point): [number, number] | null {
  for (let place = 0; place < columns.length; place += 1) {
    const column = columns[place];
    if (column.bar || Math.abs(x - column.x) > Math.max(column.side, 12) / 2) continue;
    const unit = Math.round((y - column.top) / column.step);
    const inside = unit >= 0 && unit < column.units;
    if (inside && Math.abs(y - unitY(column, unit)) <= Math.max(column.side, column.step * 0.9) / 2)
      return [place, unit];
  }
  return null;
}
