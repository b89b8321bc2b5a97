/** Rows of a table over two of its inputs, as a small picture. */
import { Canvas, type Size } from "../../parts/canvas";
import type { TableRead } from "../../protocol";
import { marks } from "./marks";

/** Rows that a small picture shows at most. */
const MOST_MARKS = 400;

interface Props {
  readonly table: TableRead;
  /** The two inputs. */
  readonly axes: readonly [number, number];
  readonly label: string;
  readonly size: number;
}

export function Scatter({ table, axes, label, size }: Props) {
  const draw = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    const places = axes.map((axis) => placesOf(table, axis));
    const every = Math.ceil(table.rows / MOST_MARKS);
    const mark = marks(context, table, size);
    const margin = 2.2 * size;
    for (let row = 0; row < table.rows; row += every) {
      const x = margin + places[0](row) * (width - 2 * margin);
      const y = height - margin - places[1](row) * (height - 2 * margin);
      mark(x, y, table.y[row]);
    }
  };
  return <Canvas draw={draw} label={label} class="data-scatter" />;
}

/** Where each row stands between the lowest and the highest of an input, 0 … 1. */
function placesOf(table: TableRead, axis: number): (row: number) => number {
  const width = table.inputs.length;
  let [low, high] = [Infinity, -Infinity];
  for (let row = 0; row < table.rows; row += 1) {
    low = Math.min(low, table.X[row * width + axis]);
    high = Math.max(high, table.X[row * width + axis]);
  }
  return (row) => (high > low ? (table.X[row * width + axis] - low) / (high - low) : 0.5);
}
