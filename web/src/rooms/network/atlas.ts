/** The maps of all units as tiles of one canvas, which is painted once for each frame. */
import type { Maps } from "../../protocol";
import { palette } from "../../parts/colors";
import { dark } from "../../parts/scheme";

/** Tiles side by side. */
const ACROSS = 32;

export class Atlas {
  readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d")!;
  private image: ImageData | null = null;
  private painted: Maps | null = null;
  private inDark = false;
  private count = 0;
  units = 0;

  /** Paint the maps, of `count` × `count` points each, unless that is what it shows. */
  paint(maps: Maps, count: number): void {
    const inDark = dark.peek();
    if (maps === this.painted && inDark === this.inDark) return;
    const area = count * count;
    this.units = maps.levels.length / area;
    const width = count * Math.min(this.units, ACROSS);
    const height = count * Math.ceil(this.units / ACROSS);
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = this.context.createImageData(width, height);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    const colors = palette(inDark);
    const { levels } = maps;
    for (let unit = 0; unit < this.units; unit += 1) {
      let from = unit * area;
      const first = (unit % ACROSS) * count + Math.floor(unit / ACROSS) * count * width;
      for (let row = 0; row < count; row += 1) {
        const begin = first + row * width;
        for (let column = 0; column < count; column += 1) pixels[begin + column] = colors[levels[from + column]];
        from += count;
      }
    }
    this.context.putImageData(this.image, 0, 0);
    this.painted = maps;
    this.inDark = inDark;
    this.count = count;
  }

  /** Draw a unit's map into a square, small: a border of half a point is left out, as the neighbour's
   * colours would shine through it. */
  draw(context: CanvasRenderingContext2D, unit: number, x: number, y: number, side: number): void {
    const { count } = this;
    const left = (unit % ACROSS) * count + 0.5;
    const top = Math.floor(unit / ACROSS) * count + 0.5;
    context.drawImage(this.canvas, left, top, count - 1, count - 1, x, y, side, side);
  }
}

/** The one of the page: the network's picture and the large map show the same units. */
export const atlas = new Atlas();
