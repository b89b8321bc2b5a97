/** The classic sets of two inputs: points that a page draws from a seed. */
import type { TableRead } from "../protocol";
import { Draw } from "./draw";

interface Point {
  readonly x: number;
  readonly y: number;
  readonly target: number;
}

interface ClassicSet {
  readonly title: string;
  readonly kind: "classes" | "values";
  readonly draw: (count: number, noise: number, draw: Draw) => Point[];
}

const corners = (): Point[] =>
  [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ].map(([x, y]) => ({ x, y, target: Number(x !== y) }));

/** Points that are moved by up to `noise`. */
const moved = (points: Point[], noise: number, draw: Draw): Point[] =>
  points.map(({ x, y, target }) => ({
    x: x + noise * draw.between(-1, 1),
    y: y + noise * draw.between(-1, 1),
    target,
  }));

const many = (count: number, make: (index: number) => Point): Point[] =>
  Array.from({ length: count }, (_, index) => make(index));

const classics = {
  xor: {
    title: "XOR: the four corners",
    kind: "classes",
    draw: (_, noise, draw) => moved(corners(), noise / 4, draw),
  },
  quadrants: {
    title: "XOR: four clouds",
    kind: "classes",
    draw: (count, noise, draw) =>
      moved(
        many(count, () => {
          const away = (v: number) => v + Math.sign(v) * 0.04;
          const x = away(draw.between(-1, 1));
          const y = away(draw.between(-1, 1));
          return { x, y, target: Number(x * y < 0) };
        }),
        noise / 2,
        draw,
      ),
  },
  circle: {
    title: "A circle in a ring",
    kind: "classes",
    draw: (count, noise, draw) =>
      moved(
        many(count, (index) => {
          const inside = index % 2;
          const radius = inside ? 0.5 * Math.sqrt(draw.uniform()) : draw.between(0.7, 1);
          const angle = draw.between(0, 2 * Math.PI);
          return { x: radius * Math.cos(angle), y: radius * Math.sin(angle), target: inside };
        }),
        noise / 3,
        draw,
      ),
  },
  gauss: {
    title: "Two clouds",
    kind: "classes",
    draw: (count, noise, draw) =>
      many(count, (index) => {
        const target = index % 2;
        const middle = target ? 0.45 : -0.45;
        const spread = 0.12 + 0.35 * noise;
        return { x: middle + spread * draw.normal(), y: middle + spread * draw.normal(), target };
      }),
  },
  spiral: {
    title: "Two spirals",
    kind: "classes",
    draw: (count, noise, draw) =>
      moved(
        many(count, (index) => {
          const target = index % 2;
          const along = Math.floor(index / 2) / Math.max(Math.floor(count / 2), 1);
          const angle = 1.75 * along * 2 * Math.PI + target * Math.PI;
          return { x: along * Math.sin(angle), y: along * Math.cos(angle), target };
        }),
        noise / 5,
        draw,
      ),
  },
  plane: {
    title: "A plane to fit",
    kind: "values",
    draw: (count, noise, draw) =>
      many(count, () => {
        const x = draw.between(-1, 1);
        const y = draw.between(-1, 1);
        return { x, y, target: (x + y) / 2 + noise * draw.between(-0.5, 0.5) };
      }),
  },
  hills: {
    title: "Two hills to fit",
    kind: "values",
    draw: (count, noise, draw) =>
      many(count, () => {
        const x = draw.between(-1, 1);
        const y = draw.between(-1, 1);
        const hill = (a: number, b: number) =>
          Math.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.18);
        return { x, y, target: hill(0.5, 0.5) - hill(-0.5, -0.5) + noise * draw.between(-0.5, 0.5) };
      }),
  },
} satisfies Record<string, ClassicSet>;

export const CLASSICS: Readonly<Record<string, ClassicSet>> = classics;

/** A classic set as a table: the same numbers for the same seed. */
export function classicTable(name: string, rows: number, noise: number, seed: number): TableRead {
  const set = CLASSICS[name];
  const points = set.draw(rows, noise, new Draw(seed));
  return {
    name: set.title,
    inputs: ["x₁", "x₂"],
    kind: set.kind,
    target: set.kind === "classes" ? "class" : "y",
    outputs: set.kind === "classes" ? ["0", "1"] : ["y"],
    X: Float64Array.from(points.flatMap(({ x, y }) => [x, y])),
    y: Float64Array.from(points, ({ target }) => target),
    rows: points.length,
    notes: [],
    columns: ["x₁", "x₂", set.kind === "classes" ? "class" : "y"],
  };
}
