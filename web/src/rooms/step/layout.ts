/**
 * Where everything of the step's picture stands, and what of it is written at all.
 *
 * A number is written where it touches nothing else: with as many digits as there is room for, and
 * left out where there is none. The card has all of them.
 */
import { tidy } from "./formula";
import { isMoved, isUsed } from "./reach";
import type { Line } from "./row";
import type { Script } from "./script";

/** Units of a layer that are drawn; of a wider one those around the chosen one. */
export const MOST_DRAWN = 6;
/** Height of a unit that has room for its letter above its number. */
const ROOM_FOR_LETTER = 36;
/** Pixels between the middles of two units that leave room for two numbers, and for one. */
const ROOM_FOR_TWO = 80;
const ROOM_FOR_ONE = 58;
/** Pixels between two units in which the δ at hand can stand. */
const ROOM_FOR_DELTA = 17;
/** Pixels that a layer needs at least: a picture of more layers is wider than its frame. */
const LEAST_COLUMN = 62;
/** Pixels between the numbers of two edges: which edge each is of must be seen. */
const APART = 4;
/** Edges between two layers that all have their numbers: of more it is not seen which is whose. */
const MOST_LABELS = 12;
const LEFT = 16;
const RIGHT = 78;
/** Where on edges their numbers may stand, the best place first: edges to one unit meet at its end. */
const ALONG = [0.7, 0.6, 0.5, 0.4, 0.3];

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box {
  readonly layer: number;
  readonly unit: number;
  readonly x: number;
  readonly y: number;
}

/** A unit with the numbers that are written in it, below it and above it. */
export interface UnitPlan extends Box {
  readonly value: string;
  readonly delta: string | null;
  readonly bias: string | null;
  readonly biasMoved: boolean;
}

export interface EdgePlan {
  readonly source: Box;
  readonly target: Box;
  readonly used: boolean;
  readonly moved: boolean;
  /** null where a layer without weights takes a unit over. */
  readonly weight: number | null;
  /** Its share of the largest weight of the layer. */
  readonly share: number;
  readonly label: { readonly text: string; readonly x: number; readonly y: number } | null;
}

/** How many units of a wide layer are not drawn above, or below. */
export interface MorePlan {
  readonly layer: number;
  /** The unit that comes into the picture next. */
  readonly next: number;
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly units: readonly (readonly UnitPlan[])[];
  readonly edges: readonly (readonly EdgePlan[])[];
  readonly more: readonly MorePlan[];
  readonly targets: readonly string[];
  readonly wide: number;
  readonly high: number;
  /** Whether numbers in units are small, and whether letters stand in them. */
  readonly narrow: boolean;
  readonly lettered: boolean;
}

interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Pixels that a text takes at most, in the widest of the fonts that systems bring. */
export function widthOf(text: string, size: number, bold = false): number {
  let shares = 0;
  for (const letter of text) shares += letter === "." || letter === " " ? 0.34 : letter === "−" ? 0.82 : 0.64;
  return shares * size * (bold ? 1.09 : 1);
}

/** A number with as many digits as fit; null where none do. */
export function fitted(value: number, room: number, size: number, bold = false, before = ""): string | null {
  const short = value.toExponential(0).replaceAll("-", "−").replace("e+", "e");
  const texts = [tidy(value, 3), tidy(value, 2), tidy(value, 1), short].map((text) => before + text);
  return texts.find((text) => widthOf(text, size, bold) <= room) ?? null;
}

/** Which units of a layer are drawn. */
export function drawnUnits(count: number, middle: number): number[] {
  const first = Math.max(0, Math.min(middle - Math.floor(MOST_DRAWN / 2), count - MOST_DRAWN));
  return Array.from({ length: Math.min(count, MOST_DRAWN) }, (_, index) => first + index);
}

export function layoutOf(script: Script, line: Line, chosen: readonly number[], size: Size): Layout {
  const columns = script.depth + 1;
  const width = Math.max(size.width, LEFT + RIGHT + columns * LEAST_COLUMN);
  const wide = Math.max(42, Math.min(84, (0.56 * (width - LEFT - RIGHT)) / columns));
  const gap = (width - LEFT - RIGHT - wide) / (columns - 1);
  const counts = Array.from({ length: columns }, (_, layer) => script.count(layer));
  const pitch = Math.min((size.height - 44) / Math.max(...counts.map((count) => Math.min(count, MOST_DRAWN))), 112);
  const high = Math.min(42, 0.62 * pitch);
  const narrow = wide < 66;
  const frame = { wide, high, gap, pitch, narrow };
  const units = counts.map((count, layer) => {
    const drawn = drawnUnits(count, chosen[layer] ?? 0);
    const top = size.height / 2 + 4 - ((drawn.length - 1) * pitch) / 2;
    const x = LEFT + wide / 2 + layer * gap;
    return drawn.map((unit, index) => unitPlan(script, line, frame, { layer, unit, x, y: top + index * pitch }));
  });
  const more = units.flatMap((drawn, layer) => morePlans(drawn, counts[layer], gap, high, size.height));
  const taken = [...units.flat().flatMap((unit) => areasOf(unit, wide, high)), ...more.map(areaOfMore)];
  const edges = units.slice(1).map((to, layer) => edgePlans(script, line, units[layer], to, frame, taken));
  const targets = units[script.depth].map(
    ({ unit }) => fitted(script.target(unit).value, RIGHT - 10, 13, false, "d = ") ?? "d",
  );
  return { width, units, edges, more, targets, wide, high, narrow, lettered: high >= ROOM_FOR_LETTER };
}

interface Frame {
  readonly wide: number;
  readonly high: number;
  readonly gap: number;
  readonly pitch: number;
  readonly narrow: boolean;
}

function unitPlan(script: Script, line: Line, { wide, high, gap, pitch, narrow }: Frame, box: Box): UnitPlan {
  const { layer, unit } = box;
  const { before, after } = script.scene.traced;
  const [size, inside] = [narrow ? 12 : 15, wide - (narrow ? 4 : 14)];
  const value = script.output(layer, unit).value;
  const forward = line.phase === "forward";
  const atHand = !forward && line.layer === layer && line.unit === unit && line.phase === "backward";
  const two = pitch >= ROOM_FOR_TWO;
  const one = pitch >= ROOM_FOR_ONE;
  const hasDelta = layer > 0 && (two || (!forward && one) || (atHand && pitch - high >= ROOM_FOR_DELTA));
  const hasBias = layer > 0 && script.hasBias(layer - 1) && (two || (forward && one));
  const biasMoved = hasBias && isMoved(line, layer - 1, -1, unit);
  const bias = hasBias ? (biasMoved ? after : before)[script.place(layer - 1, -1, unit)] : 0;
  return {
    ...box,
    value: fitted(value, inside, size, true) ?? "…",
    delta: hasDelta ? fitted(script.delta(layer, unit).value, gap - 8, 13, true, "δ ") : null,
    bias: hasBias ? fitted(bias, gap - 8, 13, biasMoved, "b ") : null,
    biasMoved,
  };
}

function morePlans(units: readonly UnitPlan[], count: number, gap: number, high: number, height: number): MorePlan[] {
  if (count <= MOST_DRAWN) return [];
  const { layer, x } = units[0];
  const above = units[0].unit;
  const last = units[units.length - 1];
  const below = count - 1 - last.unit;
  const words = (arrow: string, left: number) => (gap > 86 ? `${arrow} ${left} more` : `${arrow} ${left}`);
  // Where letters stand above their layer, it has no numbers between.
  const top = high >= ROOM_FOR_LETTER ? 13 : units[0].y - high / 2 - 4;
  const found: MorePlan[] = [];
  if (above > 0) found.push({ layer, next: above - 1, text: words("▲", above), x, y: top });
  if (below > 0) found.push({ layer, next: last.unit + 1, text: words("▼", below), x, y: height - 5 });
  return found;
}

function around(x: number, y: number, width: number, size: number): Area {
  return { left: x - width / 2, right: x + width / 2, top: y - 0.78 * size, bottom: y + 0.1 * size };
}

const areaOfMore = ({ text, x, y }: MorePlan): Area => around(x, y, widthOf(text, 13), 13);

/** Where a unit and its numbers stand; baselines as the picture has them. */
function areasOf({ x, y, delta, bias, biasMoved }: UnitPlan, wide: number, high: number): Area[] {
  const found = [{ left: x - wide / 2, right: x + wide / 2, top: y - high / 2, bottom: y + high / 2 }];
  if (delta) found.push(around(x, y + high / 2 + BELOW, widthOf(delta, 13, true), 13));
  if (bias) found.push(around(x, y - high / 2 - ABOVE, widthOf(bias, 13, biasMoved), 13));
  return found;
}

/** From a unit's side to the baseline of the number below it, and above it. */
export const BELOW = 15;
export const ABOVE = 5;

const meet = (one: Area, other: Area): boolean =>
  one.left < other.right + 2 && other.left < one.right + 2 && one.top < other.bottom && other.top < one.bottom;

type Bare = Omit<EdgePlan, "label" | "weight"> & { readonly weight: number };

/** From each unit to that which a layer without weights makes of it. */
function throughs(line: Line, from: readonly Box[], to: readonly Box[]): EdgePlan[] {
  return from.flatMap((source) =>
    to
      .filter(({ unit }) => unit === source.unit)
      .map((target) => {
        const at = line.phase === "forward" ? target : source;
        const used = line.phase !== "update" && line.layer === at.layer && line.unit === at.unit;
        return { source, target, used, moved: false, weight: null, share: 0.2, label: null };
      }),
  );
}

function edgePlans(
  script: Script,
  line: Line,
  from: readonly Box[],
  to: readonly Box[],
  frame: Frame,
  taken: readonly Area[],
): EdgePlan[] {
  const [{ layer }] = from;
  if (!script.isDense(layer + 1)) return throughs(line, from, to);
  const { before, after } = script.scene.traced;
  let largest = 1;
  const pairs = from.flatMap((source) => to.map((target) => ({ source, target })));
  for (const { source, target } of pairs)
    largest = Math.max(largest, Math.abs(script.weight(layer, source.unit, target.unit).value));
  const edges = pairs.map(({ source, target }): Bare => {
    const moved = isMoved(line, layer, source.unit, target.unit);
    const weight = (moved ? after : before)[script.place(layer, source.unit, target.unit)];
    const used = isUsed(line, layer, source.unit, target.unit);
    return { source, target, moved, used, weight, share: Math.min(Math.abs(weight) / largest, 1) };
  });
  // What the line at hand uses lies on top.
  edges.sort((a, b) => Number(a.used) - Number(b.used));
  const used = edges.filter((edge) => edge.used);
  for (const some of edges.length <= MOST_LABELS ? [edges, used] : [used])
    for (const along of ALONG) {
      const labels = labelsOf(some, along, frame, taken);
      if (labels) return edges.map((edge) => ({ ...edge, label: labels.get(edge) ?? null }));
    }
  return edges.map((edge) => ({ ...edge, label: null }));
}

/** The numbers of edges, all at the same share of their way; null where one of them has no room. */
function labelsOf(
  edges: readonly Bare[],
  along: number,
  { wide, narrow }: Frame,
  taken: readonly Area[],
): Map<Bare, EdgePlan["label"]> | null {
  const found = new Map<Bare, EdgePlan["label"]>();
  const areas: Area[] = [];
  for (const edge of edges) {
    const { source, target, used, moved, weight } = edge;
    const [left, right] = [source.x + wide / 2, target.x - wide / 2];
    const text = tidy(weight);
    const [x, y] = [left + along * (right - left), source.y + along * (target.y - source.y) + 4];
    const size = used && !narrow ? 15 : 13;
    const area = around(x, y, widthOf(text, size, used || moved), size);
    if (taken.some((other) => meet(area, other))) return null;
    if (areas.some((other) => meet(area, { ...other, top: other.top - APART, bottom: other.bottom + APART })))
      return null;
    areas.push(area);
    found.set(edge, { text, x, y });
  }
  return found;
}
