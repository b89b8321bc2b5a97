/** The units as squares that show their maps, with their biases and names. */
import { colorOf } from "../../parts/colors";
import { subscript } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import type { Problem } from "../../model/problem";
import type { Opened } from "../../protocol";
import type { Atlas } from "./atlas";
import { drawBar } from "./bars";
import { biasSlot, unitY, type Column } from "./geometry";
import { unitLetter } from "./selection";

interface Given {
  readonly made: Problem;
  readonly columns: readonly Column[];
  readonly opened: Opened;
  readonly vector: Float64Array;
  /** The maps of all units, if there are any. */
  readonly atlas: Atlas | null;
}

/** Sides above which a unit has a bias beside it, and a name inside. */
const WITH_BIAS = 18;
const WITH_NAME = 15;

export function drawUnits(context: CanvasRenderingContext2D, given: Given): void {
  const { made, columns, atlas } = given;
  columns.forEach((column, place) => {
    if (column.bar) drawBar(context, column, place, given.opened, given.vector);
    else if (place > 0 && atlas) drawTiles(context, column, place - 1, atlas);
    else drawBoxes(context, column, place, given);
    if (place > 0 && !column.bar) drawBiases(context, column, place - 1, given);
    if (place === columns.length - 1) drawOutputNames(context, column, made);
  });
}

function drawTiles(context: CanvasRenderingContext2D, column: Column, layer: number, atlas: Atlas): void {
  atlas.draw(context, layer, column);
  context.strokeStyle = colors.peek().soft;
  context.lineWidth = 1;
  // Around the smallest a line would hide them.
  if (column.side > 8) outline(context, column);
}

function outline(context: CanvasRenderingContext2D, column: Column): void {
  const { side, x } = column;
  context.beginPath();
  for (let unit = 0; unit < column.units; unit += 1)
    context.rect(x - side / 2, unitY(column, unit) - side / 2, side, side);
  context.stroke();
}

/** Inputs, and units without maps. */
function drawBoxes(context: CanvasRenderingContext2D, column: Column, place: number, { made }: Given): void {
  const { side, x } = column;
  const { panel, soft, ink } = colors.peek();
  context.fillStyle = panel;
  context.strokeStyle = soft;
  context.lineWidth = side > 8 ? 1 : 0.5;
  for (let unit = 0; unit < column.units; unit += 1)
    context.fillRect(x - side / 2, unitY(column, unit) - side / 2, side, side);
  outline(context, column);
  context.fillStyle = ink;
  for (let unit = 0; unit < column.units; unit += 1) {
    const name = unitLetter(made, place, unit);
    const long = name.length > 2;
    if (place === 0 && long && column.step > 11) {
      context.font = "12px system-ui";
      context.textAlign = "right";
      context.fillText(fitted(name, 14), x - side / 2 - 6, unitY(column, unit) + 4);
    }
    if (side > WITH_NAME) {
      context.font = `${Math.min(15, side * 0.42)}px system-ui`;
      context.textAlign = "center";
      context.fillText(place === 0 && long ? `x${subscript(unit + 1)}` : name, x, unitY(column, unit) + side * 0.14);
    }
  }
}

/** A name within some letters; of one for a category its end stays, which tells it from the others. */
function fitted(name: string, most: number): string {
  if (name.length <= most) return name;
  const end = name.includes("=") ? Math.floor(most / 2) : 0;
  return `${name.slice(0, most - 1 - end)}…${name.slice(name.length - end)}`;
}

function drawOutputNames(context: CanvasRenderingContext2D, column: Column, made: Problem): void {
  if (made.outputs.length !== column.units || column.units < 2 || column.step < 11) return;
  context.font = "12px system-ui";
  context.textAlign = "left";
  context.fillStyle = colors.peek().ink;
  made.outputs.forEach((name, unit) =>
    context.fillText(fitted(name, 13), column.x + column.side / 2 + 8, unitY(column, unit) + 4),
  );
}

/** A small square at the corner of a unit, in the colour of its bias. */
function drawBiases(context: CanvasRenderingContext2D, column: Column, layer: number, given: Given): void {
  const slot = biasSlot(given.opened, layer);
  if (!slot || column.side < WITH_BIAS) return;
  const side = Math.max(5, column.side * 0.17);
  context.strokeStyle = colors.peek().panel;
  context.lineWidth = 1;
  for (let unit = 0; unit < column.units; unit += 1) {
    const bias = given.vector[slot.start + unit];
    const left = column.x - column.side / 2 - side / 2;
    const top = unitY(column, unit) + column.side / 2 - side / 2;
    context.fillStyle = colorOf(Math.sign(bias) * Math.min(1, 0.25 + Math.abs(bias) / 2));
    context.fillRect(left, top, side, side);
    context.strokeRect(left, top, side, side);
  }
}
