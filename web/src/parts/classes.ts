/**
 * Colours and shapes of classes, of which there may be many.
 *
 * The colours are the "muted" scheme by Paul Tol, made to be told apart by every kind of sight; a
 * shape goes with each, so that no class is known by its colour alone.
 */
import { isDark } from "./colors";

type Rgb = readonly [number, number, number];

const COLORS: readonly Rgb[] = [
  [51, 34, 136],
  [204, 102, 119],
  [17, 119, 51],
  [221, 204, 119],
  [136, 204, 238],
  [136, 34, 85],
  [68, 170, 153],
  [153, 153, 51],
  [170, 68, 153],
  [120, 120, 120],
];
/** On a dark page the darkest of them are lighter. */
const LIGHTER: Readonly<Record<number, Rgb>> = { 0: [126, 112, 214], 2: [60, 165, 96], 5: [190, 84, 142] };

export function classRgb(index: number, inDark = isDark()): Rgb {
  const place = index % COLORS.length;
  return (inDark && LIGHTER[place]) || COLORS[place];
}

export function classColor(index: number): string {
  return `rgb(${classRgb(index).join(" ")})`;
}

/** Corners and turn of the shapes that follow the circle; a star has every other corner further in. */
const SHAPES: readonly (readonly [corners: number, turn: number, inner: number])[] = [
  [4, Math.PI / 4, 1],
  [3, -Math.PI / 2, 1],
  [4, 0, 1],
  [3, Math.PI / 2, 1],
  [10, -Math.PI / 2, 0.45],
  [6, 0, 1],
  [8, 0, 0.4],
  [5, Math.PI / 2, 1],
  [8, Math.PI / 4, 0.4],
];

/** The path of a class's shape about a point. */
export function drawShape(
  context: CanvasRenderingContext2D,
  index: number,
  x: number,
  y: number,
  size: number,
): void {
  context.beginPath();
  const place = index % (SHAPES.length + 1);
  if (place === 0) {
    context.arc(x, y, size, 0, 2 * Math.PI);
    return;
  }
  const [corners, turn, inner] = SHAPES[place - 1];
  // Of about the circle's area.
  const radius = size * (corners <= 3 ? 1.45 : 1.25);
  for (let corner = 0; corner < corners; corner += 1) {
    const angle = turn + (2 * Math.PI * corner) / corners;
    const reach = radius * (corner % 2 ? inner : 1);
    context.lineTo(x + reach * Math.cos(angle), y + reach * Math.sin(angle));
  }
  context.closePath();
}
