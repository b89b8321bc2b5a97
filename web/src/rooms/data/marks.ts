/** Rows as marks: a circle, a square, a triangle … for the classes, so that colour is not alone. */
import { colorOf } from "../../parts/colors";

type Path = (context: CanvasRenderingContext2D, x: number, y: number, size: number) => void;

const SHAPES: readonly Path[] = [
  (context, x, y, size) => context.arc(x, y, size, 0, 2 * Math.PI),
  (context, x, y, size) => context.rect(x - 0.88 * size, y - 0.88 * size, 1.76 * size, 1.76 * size),
  (context, x, y, size) => {
    context.moveTo(x, y - 1.2 * size);
    context.lineTo(x + 1.1 * size, y + 0.8 * size);
    context.lineTo(x - 1.1 * size, y + 0.8 * size);
    context.closePath();
  },
];
const COLORS = [-1, 1, 0];

/** A row at a place of a canvas. */
export function drawMark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  size: number,
  kind: string,
  target: number,
): void {
  const style = getComputedStyle(context.canvas);
  context.beginPath();
  const shape = kind === "classes" ? target % SHAPES.length : 0;
  SHAPES[shape](context, x, y, size);
  context.fillStyle = colorOf(kind === "classes" ? COLORS[shape] : target);
  context.fill();
  context.lineWidth = Math.max(0.6, size / 5);
  // A value near 0 has the colour of the canvas: its edge shows where it is.
  context.strokeStyle = style.getPropertyValue(kind === "classes" && shape < 2 ? "--panel" : "--soft");
  context.stroke();
}
