/**
 * Slices through the space of all weights: through two of them, along a line, or a plane.
 *
 * A slice is origin + u · first + v · second. `project` says where in it a vector stands, or above
 * which point of it the vector hangs where it lies outside.
 */

export interface Place {
  /** As a sentence names it, and as a picture does. */
  readonly name: string;
  readonly letter: string;
  readonly vector: Float64Array;
}

export interface Slice {
  readonly origin: Float64Array;
  readonly first: Float64Array;
  /** null: a line. */
  readonly second: Float64Array | null;
  readonly u: readonly [low: number, high: number];
  readonly v: readonly [low: number, high: number];
  readonly titles: readonly [u: string, v: string];
  readonly project: (vector: Float64Array) => readonly [u: number, v: number];
}

/** Through two weights: u and v are their own values, all others stay as they are in `at`. */
export function throughWeights(
  at: Float64Array,
  indexes: readonly [number, number],
  names: readonly [string, string],
  reach: number,
): Slice {
  const [i, j] = indexes;
  const origin = at.slice();
  origin[i] = 0;
  origin[j] = 0;
  return {
    origin,
    first: unit(at.length, i),
    second: unit(at.length, j),
    u: [at[i] - reach, at[i] + reach],
    v: [at[j] - reach, at[j] + reach],
    titles: names,
    project: (vector) => [vector[i], vector[j]],
  };
}

/** Half the width at which two weights are looked at if nothing else is said: all their way. */
export function usualReach(
  at: Float64Array,
  way: readonly Float64Array[],
  indexes: readonly number[],
): number {
  let most = 6;
  for (const vector of way)
    for (const index of indexes) most = Math.max(most, 1.15 * Math.abs(vector[index] - at[index]));
  for (const index of indexes) most = Math.max(most, 1.3 * Math.abs(at[index]));
  return Number(most.toPrecision(2));
}

/** From one place to another, and a little beyond both; null where they are the same. */
export function alongLine(a: Place, b: Place): Slice | null {
  const first = difference(b.vector, a.vector);
  const length = dot(first, first);
  if (!(length > 0)) return null;
  return {
    origin: a.vector,
    first,
    second: null,
    u: [-0.3, 1.3],
    v: [0, 0],
    titles: [`along ${a.letter} (0) → ${b.letter} (1)`, ""],
    project: (vector) => [dot(difference(vector, a.vector), first) / length, 0],
  };
}

/** The plane through three places, as wide as they and what else is shown; null if none is meant. */
export function throughPlaces(
  a: Place,
  b: Place,
  c: Place,
  shown: readonly Float64Array[],
): Slice | null {
  const first = difference(b.vector, a.vector);
  const length = dot(first, first);
  const toC = difference(c.vector, a.vector);
  if (!(length > 0) || !(dot(toC, toC) > 0)) return null;
  const along = dot(toC, first) / length;
  const second = toC.map((value, index) => value - along * first[index]);
  const height = dot(second, second);
  if (height < 1e-12 * dot(toC, toC)) return null;
  // As long as the first direction: the picture has one measure both ways.
  const scale = Math.sqrt(length / height);
  for (let index = 0; index < second.length; index += 1) second[index] *= scale;
  const project = (vector: Float64Array): readonly [number, number] => {
    const away = difference(vector, a.vector);
    return [dot(away, first) / length, dot(away, second) / length];
  };
  const points = [a.vector, b.vector, c.vector, ...shown].map(project);
  const us = points.map(([u]) => u);
  const vs = points.map(([, v]) => v);
  const [u, v] = [
    [Math.min(...us), Math.max(...us)],
    [Math.min(...vs), Math.max(...vs)],
  ];
  const half = 0.65 * Math.max(u[1] - u[0], v[1] - v[0]);
  const around = ([low, high]: number[]): [number, number] => [
    (low + high) / 2 - half,
    (low + high) / 2 + half,
  ];
  return {
    origin: a.vector,
    first,
    second,
    u: around(u),
    v: around(v),
    titles: [
      `along ${a.letter} (0) → ${b.letter} (1)`,
      "at right angles to it, in the same measure",
    ],
    project,
  };
}

/** The weights at a point of a slice. */
export function pointOf(slice: Slice, u: number, v: number): Float64Array {
  const { origin, first, second } = slice;
  return origin.map((value, index) => value + u * first[index] + (second ? v * second[index] : 0));
}

function unit(size: number, index: number): Float64Array {
  const vector = new Float64Array(size);
  vector[index] = 1;
  return vector;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value - b[index]);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, index) => sum + value * b[index], 0);
}
