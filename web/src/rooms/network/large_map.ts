/**
 * The pictures that are shown large: one unit's map, or the class of the largest output over the
 * plane, the paler the nearer the second comes.
 */
import { palette } from "../../parts/colors";
import type { Maps } from "../../protocol";
import { classRgb } from "../../parts/classes";
import { dark } from "../../parts/scheme";

/** How much of a class's colour there is where two outputs are alike, and where one is alone. */
const PALE = 0.15;
const FULL = 0.75;

export class LargeMap {
  private readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d")!;
  private image: ImageData | null = null;

  /** Paint one unit; `place` is its place among the units of the maps. */
  unit({ levels }: Maps, place: number, count: number): HTMLCanvasElement {
    const { data } = this.ready(count);
    const pixels = new Uint32Array(data.buffer);
    const colors = palette(dark.peek());
    const first = place * count * count;
    for (let point = 0; point < pixels.length; point += 1) pixels[point] = colors[levels[first + point]];
    return this.put();
  }

  /** Paint the classes; `first` is the place of the first output among the units of the maps. */
  classes(maps: Maps, first: number, outputs: number, count: number): HTMLCanvasElement {
    this.paint(this.ready(count).data, maps, first, outputs);
    return this.put();
  }

  private ready(count: number): ImageData {
    if (this.image?.width !== count) {
      this.canvas.width = count;
      this.canvas.height = count;
      this.image = this.context.createImageData(count, count);
    }
    return this.image!;
  }

  private put(): HTMLCanvasElement {
    this.context.putImageData(this.image!, 0, 0);
    return this.canvas;
  }

  private paint(data: Uint8ClampedArray, { levels, low, high }: Maps, first: number, outputs: number): void {
    const area = data.length / 4;
    const ground = dark.peek() ? 30 : 248;
    const colors = Array.from({ length: outputs }, (_, unit) => classRgb(unit, dark.peek()));
    let most = 1e-30;
    for (let unit = first; unit < first + outputs; unit += 1) most = Math.max(most, high[unit] - low[unit]);
    for (let place = 0; place < area; place += 1) {
      let best = -Infinity;
      let second = -Infinity;
      let winner = 0;
      for (let unit = 0; unit < outputs; unit += 1) {
        const at = first + unit;
        const value = low[at] + (levels[at * area + place] / 255) * (high[at] - low[at]);
        if (value > best) {
          second = best;
          best = value;
          winner = unit;
        } else if (value > second) second = value;
      }
      const share = PALE + (FULL - PALE) * Math.min(1, (best - second) / most);
      const color = colors[winner];
      for (let channel = 0; channel < 3; channel += 1)
        data[4 * place + channel] = ground + share * (color[channel] - ground);
      data[4 * place + 3] = 255;
    }
  }
}
