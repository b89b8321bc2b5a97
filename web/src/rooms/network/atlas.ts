/**
 * The maps of all units as columns of one canvas, painted once for each frame.
 *
 * A layer's units stand one above the other with gaps in proportion, so that one drawing brings a
 * whole layer to its place in the picture: a browser takes as long for each unit as for each layer.
 */
import type { Maps } from "../../protocol";
import { palette } from "../../parts/colors";
import { dark } from "../../parts/scheme";
import { unitY, type Column } from "./geometry";

/** Points between two layers, so that none shines through at the other's side. */
const BETWEEN = 1;

export class Atlas {
  private readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d")!;
  private image: ImageData | null = null;
  private layout = "";
  private count = 0;
  /** From a unit's first line of points to the next unit's, for each layer. */
  private steps: readonly number[] = [];

  /** Paint the maps, of `count` × `count` points each, of layers that stand in `columns`. */
  paint({ levels }: Maps, count: number, columns: readonly Column[]): void {
    const image = this.ready(count, columns);
    const pixels = new Uint32Array(image.data.buffer);
    const colors = palette(dark.peek());
    let from = 0;
    columns.forEach(({ units }, layer) => {
      for (let unit = 0; unit < units; unit += 1) {
        const top = unit * this.steps[layer];
        for (let row = 0; row < count; row += 1) {
          const begin = (top + row) * image.width + layer * (count + BETWEEN);
          for (let column = 0; column < count; column += 1) pixels[begin + column] = colors[levels[from + column]];
          from += count;
        }
      }
    });
    this.context.putImageData(image, 0, 0);
  }

  /** Draw a layer's maps where its units stand. */
  draw(context: CanvasRenderingContext2D, layer: number, column: Column): void {
    const { side, units, x, top } = column;
    const height = this.heightOf(layer, units);
    const [left, above] = [x - side / 2, top - side / 2];
    const tall = unitY(column, units - 1) - top + side;
    context.drawImage(this.canvas, layer * (this.count + BETWEEN), 0, this.count, height, left, above, side, tall);
  }

  private heightOf(layer: number, units: number): number {
    return (units - 1) * this.steps[layer] + this.count;
  }

  /** The image that is painted; between the units nothing is. */
  private ready(count: number, columns: readonly Column[]): ImageData {
    const steps = columns.map(({ side, step }) => Math.max(count + 1, Math.round((count * step) / side)));
    const layout = `${count} ${columns.map(({ units }, layer) => `${units} ${steps[layer]}`).join()}`;
    if (this.image && layout === this.layout) return this.image;
    [this.layout, this.count, this.steps] = [layout, count, steps];
    this.canvas.width = (count + BETWEEN) * columns.length;
    this.canvas.height = Math.max(...columns.map(({ units }, layer) => this.heightOf(layer, units)));
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    return this.image;
  }
}
