/** What an address carries besides settings: weights of a small network, own points. */
import type { TableRead } from "../protocol";
import { readNumber, Unreadable } from "./address_fields";

/** Weights and points that an address carries at most: it is to stay a link. */
export const MOST_WEIGHTS = 64;
export const MOST_POINTS = 50;

/** float64 numbers, little-endian, in base64 of the kind that addresses have. */
export function writeWeights(vector: Float64Array): string {
  const view = new DataView(new ArrayBuffer(8 * vector.length));
  vector.forEach((value, index) => view.setFloat64(8 * index, value, true));
  const letters = btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
  return letters.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function readWeights(text: string): Float64Array {
  const wrong = new Unreadable(`1 to ${MOST_WEIGHTS} finite numbers as base64 of float64`);
  if (!/^[\w-]{11,684}$/.test(text)) throw wrong;
  let bytes: string;
  try {
    bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    throw wrong;
  }
  if (bytes.length % 8) throw wrong;
  const view = new DataView(Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)).buffer);
  const vector = Float64Array.from({ length: bytes.length / 8 }, (_, index) =>
    view.getFloat64(8 * index, true),
  );
  if (!vector.every(Number.isFinite)) throw wrong;
  return vector;
}

/** Whether an address can carry the table: few points of two inputs, as they are drawn by hand. */
export function carries(table: TableRead): boolean {
  return table.inputs.length === 2 && table.rows <= MOST_POINTS && table.outputs.length <= 9;
}

/** Four digits: less than a point's own size on the screen. */
const rounded = (value: number): string => String(Number(value.toPrecision(4)));

/** `x₁,x₂,target` of each point, with `;` between points. */
export function writePoints(table: TableRead): string {
  return Array.from({ length: table.rows }, (_, row) =>
    [table.X[2 * row], table.X[2 * row + 1], table.y[row]].map(rounded).join(","),
  ).join(";");
}

/**
 * Points as a table: `classes` is their number, or 0 where the targets are values.
 *
 * Names stay behind: a link that is sent on says nothing that its table did not show.
 */
export function readPoints(text: string, classes: number): TableRead {
  const points = text.split(";").map((point) => point.split(",").map(readNumber));
  const fits = points.every(
    (point) => point.length === 3 && point.every((value) => Math.abs(value) <= 1e6),
  );
  if (!fits || points.length < 2 || points.length > MOST_POINTS)
    throw new Unreadable(`2 to ${MOST_POINTS} points as in 0,1,1;1,1,0 (x₁, x₂, target)`);
  if (classes && !points.every(([, , t]) => Number.isInteger(t) && t >= 0 && t < classes))
    throw new Unreadable(`points whose third number is a class from 0 to ${classes - 1}`);
  const target = classes ? "class" : "y";
  return {
    name: "Points of the link",
    inputs: ["x₁", "x₂"],
    kind: classes ? "classes" : "values",
    target,
    outputs: classes ? Array.from({ length: classes }, (_, index) => String(index)) : ["y"],
    X: Float64Array.from(points.flatMap(([x, y]) => [x, y])),
    y: Float64Array.from(points, ([, , t]) => t),
    rows: points.length,
    notes: [],
    columns: ["x₁", "x₂", target],
  };
}
