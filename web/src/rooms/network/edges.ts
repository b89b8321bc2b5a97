/**
 * The weights as lines: blue above 0, orange below, thick as they are large beside the others of
 * their layer; of few weights those below 0 are dashed, too.
 *
 * They are drawn anew only when one of them would look different, and of very many only the
 * strongest. A browser draws lines of one pixel of the screen a hundred times faster than others,
 * and fastest as one path: many lines are such.
 */
import type { Slot } from "../../protocol";
import { colorOf } from "../../parts/colors";
import { colors } from "../../parts/scheme";
import { fall, unitY, type Column, type Point } from "./geometry";
import type { WeightChoice } from "./selection";

/** Looks of a sign: from hardly there to the largest of the layer. */
const LOOKS = 10;

/** Lines of a layer that are drawn at most, and lines of all layers that are curves. */
export const MOST_LINES = 256;
const MOST_CURVES = 900;
/** Lines up to which each is as thick as it is strong. */
const MOST_THICK = 400;

/** Weights up to which those below 0 are dashed, which takes a browser about twice as long. */
const MOST_DASHED = 60;
const DASHES = [7, 4];

/** Whether the sign of a weight is told by dashes, and not by its colour alone. */
export function areDashed(slots: readonly Slot[]): boolean {
  return slots.reduce((sum, { start, stop }) => sum + stop - start, 0) <= MOST_DASHED;
}

/** Steps in which the sizes of very many weights are told apart. */
const STEPS = 256;

/** −LOOKS … LOOKS of each weight, 0 where it is not drawn. */
function looksOf(vector: Float64Array, { start, stop }: Slot, into: Int8Array): void {
  let largest = 0;
  for (let place = start; place < stop; place += 1) {
    const size = Math.abs(vector[place]);
    if (size > largest && size < Infinity) largest = size;
  }
  const many = stop - start > MOST_LINES;
  const least = many ? leastOf(vector, start, stop, largest) : 0;
  // Few and small weights are few and thin lines; of many the largest is thick whatever it is.
  const full = many ? largest : Math.max(largest, 1);
  for (let place = start; place < stop; place += 1) {
    const share = vector[place] / (full || 1);
    const size = Math.abs(share);
    // A number that ran away is not drawn.
    into[place - start] = size >= least && size <= 1 ? Math.round(share * LOOKS) : 0;
  }
}

/** The share of the largest that a weight must have to be among the strongest that are drawn. */
function leastOf(vector: Float64Array, start: number, stop: number, largest: number): number {
  const counts = new Uint32Array(STEPS + 1);
  for (let place = start; place < stop; place += 1) {
    const share = Math.abs(vector[place]) / (largest || 1);
    if (share <= 1) counts[Math.floor(share * STEPS)] += 1;
  }
  let lines = 0;
  for (let step = STEPS; step >= 0; step -= 1) {
    lines += counts[step];
    if (lines > MOST_LINES) return (step + 1) / STEPS;
  }
  return 0;
}

export class Edges {
  private looks: Int8Array[] = [];

  /** Whether lines look different from when they were drawn last; remembers how they look now. */
  change(vector: Float64Array, slots: readonly Slot[]): boolean {
    let changed = this.looks.length !== slots.length;
    const former = this.looks;
    this.looks = slots.map((slot, index) => {
      const looks = new Int8Array(slot.stop - slot.start);
      looksOf(vector, slot, looks);
      const before = former[index];
      changed ||= before?.length !== looks.length || looks.some((look, place) => look !== before[place]);
      return looks;
    });
    return changed;
  }

  draw(context: CanvasRenderingContext2D, columns: readonly Column[], slots: readonly Slot[]): void {
    const lines = this.looks.reduce((sum, looks) => sum + looks.reduce((all, look) => all + Number(look !== 0), 0), 0);
    const curved = lines <= MOST_CURVES;
    const pixel = 1 / (devicePixelRatio || 1);
    const below = areDashed(slots) ? DASHES : [];
    for (let look = 1; look <= LOOKS; look += 1)
      for (const sign of [-1, 1]) {
        const share = look / LOOKS;
        const thin = lines > MOST_THICK;
        context.lineWidth = thin ? pixel : 0.5 + 4.5 * share;
        context.strokeStyle = colorOf(sign * (0.25 + 0.75 * share));
        context.setLineDash(sign < 0 ? below : []);
        context.beginPath();
        slots.forEach((slot, index) =>
          this.path(context, columns, slot, this.looks[index], sign * look, curved, !thin),
        );
        context.stroke();
      }
    context.setLineDash([]);
    drawOthers(context, columns, slots);
  }

  private path(
    context: CanvasRenderingContext2D,
    columns: readonly Column[],
    slot: Slot,
    looks: Int8Array,
    look: number,
    curved: boolean,
    one: boolean,
  ): void {
    const outputs = slot.shape[1];
    const [from, to] = [columns[slot.layer], columns[slot.layer + 1]];
    if (from.bar || to.bar) return;
    for (let place = looks.indexOf(look); place >= 0; place = looks.indexOf(look, place + 1)) {
      const i = Math.floor(place / outputs);
      line(context, from, to, unitY(from, i), unitY(to, place - i * outputs), curved);
      if (!one) continue;
      // Thick lines that cross are drawn faster one by one.
      context.stroke();
      context.beginPath();
    }
  }

  /** The weight that runs within a few pixels of a point, the nearest of those that are drawn. */
  at(columns: readonly Column[], slots: readonly Slot[], { x, y }: Point): WeightChoice | null {
    let nearest = 7;
    let found: WeightChoice | null = null;
    slots.forEach((slot, index) => {
      const [from, to] = [columns[slot.layer], columns[slot.layer + 1]];
      const left = from.x + from.side / 2;
      const right = to.x - to.side / 2;
      const looks = this.looks[index];
      if (!looks || from.bar || to.bar || x < left || x > right) return;
      const share = fall((x - left) / (right - left));
      const outputs = slot.shape[1];
      looks.forEach((look, place) => {
        if (look === 0 && looks.length > MOST_LINES) return;
        const i = Math.floor(place / outputs);
        const j = place - i * outputs;
        const away = Math.abs(unitY(from, i) + share * (unitY(to, j) - unitY(from, i)) - y);
        if (away >= nearest) return;
        nearest = away;
        found = { kind: "weight", layer: slot.layer, from: i, to: j };
      });
    });
    return found;
  }
}

/** What is no weight's line: a band to and from a bar, and units that a layer without weights takes over. */
function drawOthers(context: CanvasRenderingContext2D, columns: readonly Column[], slots: readonly Slot[]): void {
  const { rule } = colors.peek();
  context.lineWidth = 1;
  for (let place = 1; place < columns.length; place += 1) {
    const [from, to] = [columns[place - 1], columns[place]];
    context.beginPath();
    if (from.bar || to.bar) {
      const [left, right] = [endsOf(from), endsOf(to)];
      context.moveTo(from.x + from.side / 2, left[0]);
      context.lineTo(to.x - to.side / 2, right[0]);
      context.lineTo(to.x - to.side / 2, right[1]);
      context.lineTo(from.x + from.side / 2, left[1]);
      context.fillStyle = rule;
      context.globalAlpha = 0.4;
      context.fill();
      context.globalAlpha = 1;
    } else if (!slots.some(({ layer }) => layer === place - 1)) {
      for (let unit = 0; unit < to.units; unit += 1)
        line(context, from, to, unitY(from, unit), unitY(to, unit), false);
      context.strokeStyle = colors.peek().soft;
      context.stroke();
    }
  }
}

/** Where a column begins and ends. */
function endsOf({ bar, top, step, side, units }: Column): readonly [number, number] {
  return bar ? [top, top + step] : [top - side / 2, top + (units - 1) * step + side / 2];
}

/** From the right side of one unit to the left side of the other. */
export function line(
  context: CanvasRenderingContext2D,
  from: Column,
  to: Column,
  y: number,
  end: number,
  curved = true,
): void {
  const left = from.x + from.side / 2;
  const right = to.x - to.side / 2;
  context.moveTo(left, y);
  if (!curved) context.lineTo(right, end);
  else {
    const middle = (left + right) / 2;
    context.bezierCurveTo(middle, y, middle, end, right, end);
  }
}
