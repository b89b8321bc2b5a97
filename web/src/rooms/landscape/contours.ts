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

/** Pieces of the line at a height, in units of the grid; cells with a value that is no number have none. */
export function contour({ values, columns, rows }: Grid, height: number): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i + 1 < columns; i += 1)
    for (let j = 0; j + 1 < rows; j += 1) {
      const heights = CORNERS.map(([right, up]) => values[(i + right) * rows + j + up]);
      if (!heights.every(Number.isFinite)) continue;
      const crossings: [number, number][] = [];
      for (let side = 0; side < 4; side += 1) {
        const [a, b] = [heights[side], heights[(side + 1) % 4]];
        if (a >= height === b >= height) continue;
        const share = (height - a) / (b - a);
        const [from, to] = [CORNERS[side], CORNERS[(side + 1) % 4]];
        crossings.push([i + from[0] + share * (to[0] - from[0]), j + from[1] + share * (to[1] - from[1])]);
      }
      for (let pair = 0; pair + 1 < crossings.length; pair += 2)
        segments.push([...crossings[pair], ...crossings[pair + 1]]);
    }
  return segments;
}
