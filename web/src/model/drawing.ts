/** Points placed by hand: what was placed, how it is taken back, and the table that they make. */
import type { TableRead } from "../protocol";

export interface Placed {
  readonly x: number;
  readonly y: number;
  /** 0 or 1 for classes, or a value in −1 … 1. */
  readonly target: number;
}

export type DrawingKind = "classes" | "values";

export interface Drawing {
  readonly kind: DrawingKind;
  /** The canvas reaches from −reach to reach in both directions. */
  readonly reach: number;
  readonly points: readonly Placed[];
  /** What it was before each change, the last one last. */
  readonly past: readonly (readonly Placed[])[];
}

export const REACH = 1.2;
const MOST_PAST = 200;

export const EMPTY: Drawing = { kind: "classes", reach: REACH, points: [], past: [] };

/** Other points, and a way back to those before. */
export function changed(drawing: Drawing, points: readonly Placed[]): Drawing {
  return { ...drawing, points, past: [...drawing.past, drawing.points].slice(-MOST_PAST) };
}

export function undone(drawing: Drawing): Drawing {
  const before = drawing.past[drawing.past.length - 1];
  return before ? { ...drawing, points: before, past: drawing.past.slice(0, -1) } : drawing;
}

/** The same points as classes, by sign, or as values −1 and 1. */
export function ofKind(drawing: Drawing, kind: DrawingKind): Drawing {
  if (kind === drawing.kind) return drawing;
  const target = (old: number) => (kind === "classes" ? Number(old > 0) : 2 * old - 1);
  const turned = (points: readonly Placed[]) =>
    points.map((point) => ({ ...point, target: target(point.target) }));
  return { ...drawing, kind, points: turned(drawing.points), past: drawing.past.map(turned) };
}

/** Within the canvas, to so many digits that a person can say them. */
export function within(drawing: Drawing, value: number): number {
  const held = Math.max(-drawing.reach, Math.min(drawing.reach, value));
  return Math.round(held * 100) / 100;
}

/** The point nearest to a place, no farther than `most`; −1 where there is none. */
export function nearest(drawing: Drawing, x: number, y: number, most: number): number {
  let best = -1;
  let shortest = most;
  drawing.points.forEach((point, index) => {
    const distance = Math.hypot(point.x - x, point.y - y);
    if (distance <= shortest) [best, shortest] = [index, distance];
  });
  return best;
}

/** Whether the points of a table can be placed on a canvas. */
export function canBeTaken(table: TableRead): boolean {
  const two = table.kind === "values" || table.outputs.length === 2;
  return table.inputs.length === 2 && two && table.rows <= 1000;
}

export function takenFrom(table: TableRead): Drawing {
  const far = table.X.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const high = table.y.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const scale = table.kind === "values" ? Math.max(high, 1) : 1;
  const points = Array.from(table.y, (target, row) => ({
    x: table.X[2 * row],
    y: table.X[2 * row + 1],
    target: target / scale,
  }));
  const kind = table.kind === "values" ? "values" : "classes";
  return { kind, reach: Math.max(REACH, 1.1 * far), points, past: [] };
}

/** What is missing before the points can be learned, or nothing. */
export function stillMissing({ kind, points }: Drawing): string {
  if (!points.length) return "Place some points first.";
  if (kind === "values") {
    const different = new Set(points.map(({ target }) => target)).size > 1;
    return different ? "" : "Place points of at least two different values.";
  }
  const ones = points.filter(({ target }) => target === 1).length;
  if (ones && ones < points.length) return "";
  return `Place at least one point of class ${ones ? 0 : 1}, too.`;
}

export function tableOfPoints({ kind, points }: Drawing): TableRead {
  const target = kind === "classes" ? "class" : "y";
  return {
    name: "Points placed by hand",
    inputs: ["x₁", "x₂"],
    kind,
    target,
    outputs: kind === "classes" ? ["0", "1"] : ["y"],
    X: Float64Array.from(points.flatMap(({ x, y }) => [x, y])),
    y: Float64Array.from(points, (point) => point.target),
    rows: points.length,
    notes: [],
    columns: ["x₁", "x₂", target],
  };
}
