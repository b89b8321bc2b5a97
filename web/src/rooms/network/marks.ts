/** What is looked at, marked in the picture: a unit with its weights, or one weight. */
import type { Slot } from "../../protocol";
import { colors } from "../../parts/scheme";
import { line } from "./edges";
import { unitY, type Column } from "./geometry";
import type { Selection } from "./selection";

export function drawMarks(
  context: CanvasRenderingContext2D,
  columns: readonly Column[],
  slots: readonly Slot[],
  chosen: readonly (Selection | null)[],
): void {
  context.strokeStyle = colors.peek().ink;
  for (const one of chosen) {
    if (one?.kind === "unit") markUnit(context, columns, slots, one.column, one.unit);
    if (one?.kind === "weight") markWeight(context, columns, one.layer, one.from, one.to);
  }
}

function square(context: CanvasRenderingContext2D, column: Column | undefined, unit: number): void {
  if (!column || column.bar || unit >= column.units) return;
  const side = column.side + 5;
  context.lineWidth = 2.5;
  context.strokeRect(column.x - side / 2, unitY(column, unit) - side / 2, side, side);
}

function markUnit(
  context: CanvasRenderingContext2D,
  columns: readonly Column[],
  slots: readonly Slot[],
  place: number,
  unit: number,
): void {
  const column = columns[place];
  square(context, column, unit);
  const from = columns[place - 1];
  const weights = slots.some(({ layer }) => layer === place - 1);
  if (!column || !from || from.bar || !weights || unit >= column.units) return;
  context.lineWidth = 0.8;
  context.globalAlpha = 0.55;
  context.beginPath();
  for (let below = 0; below < from.units; below += 1)
    line(context, from, column, unitY(from, below), unitY(column, unit));
  context.stroke();
  context.globalAlpha = 1;
}

function markWeight(
  context: CanvasRenderingContext2D,
  columns: readonly Column[],
  layer: number,
  i: number,
  j: number,
): void {
  const [from, to] = [columns[layer], columns[layer + 1]];
  if (!from || !to || i >= from.units || j >= to.units) return;
  square(context, from, i);
  square(context, to, j);
  context.lineWidth = 2.5;
  context.beginPath();
  line(context, from, to, unitY(from, i), unitY(to, j));
  context.stroke();
}
