/** How far the walk through the lines has come: which numbers are there, which weight is at hand. */
import { edgePlace } from "./names";
import type { Line } from "./row";

/** Whether the walk has come to a number of a unit: z and a, or δ. */
export function isReached(line: Line, of: "a" | "delta", layer: number, unit: number): boolean {
  if (line.phase === "update") return true;
  if (of === "a") {
    if (line.phase === "backward" || layer === 0) return true;
    return layer < line.layer || (layer === line.layer && unit <= line.unit);
  }
  if (line.phase === "forward") return false;
  return layer > line.layer || (layer === line.layer && unit <= line.unit);
}

/** Whether the line at hand uses a weight. */
export function isUsed(line: Line, layer: number, from: number, to: number): boolean {
  if (line.phase === "update") return line.place === edgePlace(layer, from, to);
  if (line.phase === "forward") return layer + 1 === line.layer && to === line.unit;
  return layer === line.layer && from === line.unit;
}

/** Whether the update of a weight is at hand or done. */
export function isMoved(line: Line, layer: number, from: number, to: number): boolean {
  if (line.phase !== "update") return false;
  if (layer !== line.layer) return layer > line.layer;
  if (to !== line.unit) return to < line.unit;
  return from >= 0 ? line.from < 0 || from <= line.from : line.from < 0;
}
