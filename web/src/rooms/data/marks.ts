/** Rows as marks: a circle, a square, a triangle … for classes, so that colour is not alone. */
import { colorOf, isDark } from "../../parts/colors";

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
/** Of the shapes: below, above, between. */
const COLORS = [-1, 1, 0];

/** Draws rows at places of a canvas: classes by number, values in −1 … 1. */
export function marks(
  context: CanvasRenderingContext2D,
  kind: string,
  size: number,
): (x: number, y: number, target: number) => void {
  const style = getComputedStyle(context.canvas);
  const [panel, soft] = ["--panel", "--soft"].map((name) => style.getPropertyValue(name));
  const dark = isDark();
  const classes = kind === "classes";
  context.lineWidth = Math.max(0.6, size / 5);
  return (x, y, target) => {
    const shape = classes ? target % SHAPES.length : 0;
    context.beginPath();
    SHAPES[shape](context, x, y, size);
    context.fillStyle = colorOf(classes ? COLORS[shape] : target, dark);
    context.fill();
    // What has the colour of the canvas shows by its edge where it is.
    context.strokeStyle = classes && shape < 2 ? panel : soft;
    context.stroke();
  };
}
