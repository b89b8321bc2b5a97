/** A row as a mark: its colour and its shape say its target. */
import type { TableRead } from "../../protocol";
import { usual } from "../../model/usual";
import { classColor, drawShape } from "../../parts/classes";
import { colorOf } from "../../parts/colors";

interface Mark {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly table: TableRead;
  readonly row: number;
  readonly outline: string | null;
  /** The largest size of a target of values. */
  readonly spread?: number;
}

export function spreadOf(table: TableRead): number {
  if (table.kind === "classes") return 1;
  // One target far out does not make all others pale.
  const [low, high] = usual(table.y);
  return Math.max(Math.abs(low), Math.abs(high)) || 1;
}

/** The colour of a target: of two classes and of values a sign's, of more classes one of its own. */
export function targetColor(table: TableRead, target: number, spread = 1): string {
  if (table.kind !== "classes") return colorOf(target / spread);
  return table.outputs.length > 2 ? classColor(target) : colorOf(target === 1 ? 1 : -1);
}

/** The shape of a target: of values a circle, of classes one of its own. */
export function targetShape(table: TableRead, target: number): number {
  if (table.kind !== "classes") return 0;
  // Of two classes that which 1 stands for is the circle.
  return table.outputs.length > 2 ? target : 1 - target;
}

export function drawRow(context: CanvasRenderingContext2D, mark: Mark): void {
  const { x, y, size, table, row, outline } = mark;
  const target = table.y[row];
  drawShape(context, targetShape(table, target), x, y, size);
  context.fillStyle = targetColor(table, target, mark.spread ?? spreadOf(table));
  context.fill();
  if (!outline) return;
  context.strokeStyle = outline;
  context.stroke();
}
