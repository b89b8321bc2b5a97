/** Lines of equal height on an even grid. */

export interface Grid {
  /** Values column after column: at `index = i · rows + j` the point i along u and j along v. */
  readonly values: Float64Array;
  readonly columns: number;
  readonly rows: number;
}

export type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

/** Corners of a cell in order around it, as steps along u and v. */
const CORNERS = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
] as const;

/** Pieces of the line at a height, in units of the grid; where a value is no number are none. */
export function contour({ values, columns, rows }: Grid, height: number): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i + 1 < columns; i += 1)
    for (let j = 0; j + 1 < rows; j += 1) {
      const place = i * rows + j;
      const [a, b, c, d] = [
        values[place],
        values[place + rows],
        values[place + rows + 1],
        values[place + 1],
      ];
      // Nearly all cells lie wholly above or below.
      const above =
        Number(a >= height) + Number(b >= height) + Number(c >= height) + Number(d >= height);
      if (above === 0 || above === 4 || !Number.isFinite(a + b + c + d)) continue;
      const heights = [a, b, c, d];
      const crossings: [number, number][] = [];
      for (let side = 0; side < 4; side += 1) {
        const [start, end] = [heights[side], heights[(side + 1) % 4]];
        if (start >= height === end >= height) continue;
        const share = (height - start) / (end - start);
        const [from, to] = [CORNERS[side], CORNERS[(side + 1) % 4]];
        crossings.push([
          i + from[0] + share * (to[0] - from[0]),
          j + from[1] + share * (to[1] - from[1]),
        ]);
      }
      for (let pair = 0; pair + 1 < crossings.length; pair += 2)
        segments.push([...crossings[pair], ...crossings[pair + 1]]);
    }
  return segments;
}
