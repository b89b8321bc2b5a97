/** The sets that the page brings along, fetched when they are chosen: iris and the digits. */
import { EngineError, type TableRead } from "../protocol";

interface Shipped {
  readonly title: string;
  /** What it is, in a line. */
  readonly about: string;
  /** Where each row is a picture: its side in pixels, and the shade that is white on black. */
  readonly picture: { readonly side: number; readonly most: number } | null;
  readonly fetch: () => Promise<TableRead>;
}

export const SHIPPED: Readonly<Record<string, Shipped>> = {
  iris: {
    title: "Iris: three kinds of flowers",
    about: "150 flowers, 4 lengths, 3 kinds",
    picture: null,
    fetch: iris,
  },
  digits: {
    title: "Digits written by hand",
    about: "1,797 pictures of 8 × 8 pixels, 10 digits",
    picture: { side: 8, most: 15 },
    fetch: digits,
  },
};

/** What was fetched stays here. */
const kept = new Map<string, TableRead>();

export async function shippedTable(name: string): Promise<TableRead> {
  const found = kept.get(name) ?? (await SHIPPED[name].fetch());
  kept.set(name, found);
  return found;
}

async function fetched(file: string): Promise<Response> {
  const problem = `data/${file} cannot be fetched from where this page is. Try again, or choose another set.`;
  let answer: Response;
  try {
    answer = await fetch(`./data/${file}`);
  } catch {
    throw new EngineError(problem);
  }
  if (!answer.ok) throw new EngineError(problem);
  return answer;
}

async function iris(): Promise<TableRead> {
  const rows = (await (await fetched("iris.json")).json()) as number[][];
  const inputs = ["sepal length", "sepal width", "petal length", "petal width"];
  return {
    name: SHIPPED.iris.title,
    inputs,
    kind: "classes",
    target: "kind",
    outputs: ["setosa", "versicolor", "virginica"],
    X: Float64Array.from(rows.flatMap((row) => row.slice(0, 4))),
    y: Float64Array.from(rows, (row) => row[4]),
    rows: rows.length,
    notes: ["Lengths in centimetres; R. A. Fisher, 1936."],
    columns: [...inputs, "kind"],
  };
}

const SIDE = 8;
const PIXELS = SIDE * SIDE;

/** As `tools/web_sets.py` has packed them: a column for each picture, a last line of the digits. */
async function digits(): Promise<TableRead> {
  const picture = await shadesOf(await (await fetched("digits.png")).arrayBuffer());
  const rows = picture.width;
  const y = Float64Array.from(picture.line(PIXELS));
  const order = [...y.keys()].sort((a, b) => y[a] - y[b] || a - b);
  const X = new Float64Array(rows * PIXELS);
  for (let pixel = 0; pixel < PIXELS; pixel += 1) {
    const line = picture.line(pixel);
    order.forEach((row, place) => (X[row * PIXELS + pixel] = line[place]));
  }
  const inputs = Array.from(
    { length: PIXELS },
    (_, pixel) => `pixel ${Math.floor(pixel / SIDE) + 1},${(pixel % SIDE) + 1}`,
  );
  return {
    name: SHIPPED.digits.title,
    inputs,
    kind: "classes",
    target: "digit",
    outputs: [..."0123456789"],
    X,
    y,
    rows,
    notes: ["Each pixel is a shade from 0, black, to 15, white; E. Alpaydin and C. Kaynak, 1998."],
    columns: [...inputs, "digit"],
  };
}

/** A grey PNG of 4 bits a pixel without filters; a canvas may not give back what it was given. */
async function shadesOf(
  file: ArrayBuffer,
): Promise<{ width: number; line: (at: number) => Uint8Array }> {
  const view = new DataView(file);
  let width = 0;
  let packed = new Uint8Array();
  for (let place = 8; place < file.byteLength; place += 12 + view.getUint32(place)) {
    const kind = String.fromCharCode(...new Uint8Array(file, place + 4, 4));
    if (kind === "IHDR") width = view.getUint32(place + 8);
    if (kind === "IDAT") packed = new Uint8Array(file, place + 8, view.getUint32(place));
  }
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const lines = new Uint8Array(await new Response(stream).arrayBuffer());
  const stride = 1 + Math.ceil(width / 2);
  const line = (at: number) =>
    Uint8Array.from({ length: width }, (_, column) => {
      const pair = lines[at * stride + 1 + (column >> 1)];
      return column % 2 ? pair & 15 : pair >> 4;
    });
  return { width, line };
}
