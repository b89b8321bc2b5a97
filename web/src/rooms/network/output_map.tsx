/** The decision map: what the output says over the plane, with the rows on top. */
import { Canvas, type Size } from "../../parts/canvas";
import { colorOf, palette } from "../../parts/colors";
import { moved } from "../../model/bench";
import { outputCount, unitsOf, type Problem } from "../../model/problem";
import { frameOf } from "./grid";

/** Bytes of one unit's map as a small picture. */
export function tile(levels: Uint8Array, unit: number, count: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = count;
  canvas.height = count;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(count, count);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = palette();
  const first = unit * count * count;
  for (let place = 0; place < pixels.length; place += 1) pixels[place] = colors[levels[first + place]];
  context.putImageData(image, 0, 0);
  return canvas;
}

interface Props {
  readonly problem: Problem;
  readonly count: number;
}

export function OutputMap({ problem, count }: Props) {
  const maps = moved.value?.maps ?? null;
  const { table } = problem;
  const frame = frameOf(table);
  const units = unitsOf(problem.open).slice(1);
  const before = units.slice(0, -1).reduce((sum, width) => sum + width, 0);
  const all = before + units[units.length - 1];
  const draw = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    if (maps && maps.levels.length === all * count * count) {
      context.imageSmoothingEnabled = true;
      context.drawImage(tile(maps.levels, before, count), 0, 0, width, height);
    }
    const heldOut = new Set(problem.held);
    const spread = table.kind === "classes" ? 1 : Math.max(...table.y.map(Math.abs)) || 1;
    for (let row = 0; row < table.rows; row += 1) {
      const x = ((table.X[2 * row] - frame.low[0]) / (frame.high[0] - frame.low[0])) * width;
      const y = (1 - (table.X[2 * row + 1] - frame.low[1]) / (frame.high[1] - frame.low[1])) * height;
      const value = table.kind === "classes" ? 2 * table.y[row] - 1 : table.y[row] / spread;
      context.beginPath();
      context.arc(x, y, table.rows > 50 ? 3.2 : 6, 0, 2 * Math.PI);
      context.fillStyle = colorOf(value);
      context.fill();
      context.lineWidth = heldOut.has(row) ? 2 : 1;
      context.strokeStyle = heldOut.has(row) ? "black" : "white";
      context.stroke();
    }
  };
  const what = outputCount(table) > 1 ? `the output for ${problem.outputs[0]}` : "the output";
  return (
    <figure class="output-map">
      <Canvas class="square" draw={draw} label={`Map of ${what} over the two inputs, with the rows`} />
      <figcaption>
        <span class="scale" aria-hidden="true" />
        {what}: orange low, blue high
      </figcaption>
    </figure>
  );
}
