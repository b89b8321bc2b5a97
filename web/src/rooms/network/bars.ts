/** A layer of more units than can be told apart: a bar with their number and the histogram of its weights. */
import { colorOf } from "../../parts/colors";
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import type { Opened } from "../../protocol";
import { barSlot, type Column } from "./geometry";

const BINS = 33;

/** How many of some numbers lie in each of some equal parts of −largest … largest. */
export function histogram(values: Float64Array): { counts: number[]; largest: number } {
  let largest = 0;
  for (const value of values) if (Math.abs(value) < Infinity) largest = Math.max(largest, Math.abs(value));
  const counts = new Array<number>(BINS).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value / (largest || 1) + 1) / 2) * BINS);
    if (bin >= 0) counts[Math.min(bin, BINS - 1)] += 1;
  }
  return { counts, largest };
}

export function drawBar(
  context: CanvasRenderingContext2D,
  column: Column,
  place: number,
  opened: Opened,
  vector: Float64Array,
): void {
  const { panel, soft, ink } = colors.peek();
  const { x, side, top, step } = column;
  context.fillStyle = panel;
  context.strokeStyle = soft;
  context.lineWidth = 1;
  context.fillRect(x - side / 2, top, side, step);
  context.strokeRect(x - side / 2, top, side, step);
  context.textAlign = "center";
  context.font = "600 13px system-ui";
  context.fillStyle = ink;
  context.fillText(column.units.toLocaleString("en"), x, top + 20);
  const slot = barSlot(opened, place - 1);
  if (!slot) return;
  const { counts, largest } = histogram(vector.subarray(slot.start, slot.stop));
  const most = Math.max(...counts, 1);
  const height = (step - 80) / BINS;
  counts.forEach((count, bin) => {
    const y = top + 44 + (BINS - 1 - bin) * height;
    const value = (bin + 0.5) / BINS * 2 - 1;
    context.fillStyle = colorOf(Math.sign(value) * (0.4 + 0.6 * Math.abs(value)));
    context.fillRect(x - side / 2 + 3, y, ((side - 6) * count) / most, Math.max(1, height - 1));
  });
  context.font = `${side < 40 ? 8 : 10}px system-ui`;
  context.fillStyle = soft;
  context.fillText(short(largest, 2), x, top + 38);
  context.fillText(short(-largest, 2), x, top + step - 22);
  context.fillText(`${slot.block}s`, x, top + step - 8);
}
