/** Rows as marks at places of a canvas, with the shapes and colours of the network room. */
import { drawShape } from "../../parts/classes";
import { colors } from "../../parts/scheme";
import type { TableRead } from "../../protocol";
import { spreadOf, targetColor, targetShape } from "../network/rows";

/** What draws a row of a table by its target; values are as bright as they are near to `spread`. */
export function marks(
  context: CanvasRenderingContext2D,
  table: TableRead,
  size: number,
  spread = spreadOf(table),
): (x: number, y: number, target: number) => void {
  // What has the colour of the canvas shows by its edge where it is.
  const edge = colors.peek()[table.kind === "classes" ? "panel" : "soft"];
  context.lineWidth = Math.max(0.6, size / 5);
  return (x, y, target) => {
    drawShape(context, targetShape(table, target), x, y, size);
    context.fillStyle = targetColor(table, target, spread);
    context.fill();
    context.strokeStyle = edge;
    context.stroke();
  };
}
