/** Rows that are pictures, as pictures. */
import { Canvas, type Size } from "../../parts/canvas";
import type { TableRead } from "../../protocol";

interface Props {
  readonly table: TableRead;
  readonly rows: readonly number[];
  /** Pixels of a side, and the shade that is white. */
  readonly side: number;
  readonly most: number;
  readonly columns: number;
  readonly label: string;
}

/** One row as a picture of `side` × `side` pixels, white on black as it was scanned. */
export function pictureOf(
  table: TableRead,
  row: number,
  side: number,
  most: number,
): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(side, side);
  for (let pixel = 0; pixel < side * side; pixel += 1) {
    const shade = Math.round((255 * table.X[row * side * side + pixel]) / most);
    image.data.set([shade, shade, shade, 255], 4 * pixel);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export function Digits({ table, rows, side, most, columns, label }: Props) {
  const draw = (context: CanvasRenderingContext2D, { width }: Size) => {
    const step = width / columns;
    context.imageSmoothingEnabled = false;
    rows.forEach((row, place) => {
      const x = (place % columns) * step;
      const y = Math.floor(place / columns) * step;
      context.drawImage(pictureOf(table, row, side, most), x + 1, y + 1, step - 2, step - 2);
    });
  };
  return <Canvas draw={draw} label={label} class="data-digits" />;
}
