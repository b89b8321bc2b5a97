/** Labels of a table's own units, and what curves of dependence are asked for and drawn in. */

import { decode, encode } from "../src/engines/wire";
import { cellOf, columnsOf, ownPrediction, ownTarget, spanOf } from "../src/model/own_units";
import { makeProblem, type Problem } from "../src/model/problem";
import { classicTable } from "../src/model/sets";
import { DEFAULTS } from "../src/model/settings";
import { usual } from "../src/model/usual";
import type { TableRead } from "../src/protocol";
import { axesOf } from "../src/rooms/network/grid";
import { averaged, dependenceRows, heightOf, varying } from "../src/rooms/network/dependence_curves";

interface Told {
  readonly table: TableRead;
  /** One output of each row of the table. */
  readonly outputs: Float64Array;
  /** One of each row that is asked for. */
  readonly asked: Float64Array;
  readonly numbers: Float64Array;
}

export async function answer(message: ArrayBuffer): Promise<Uint8Array> {
  const { table, outputs, asked: said, numbers } = decode(message) as Told;
  const width = table.inputs.length;
  const columns = columnsOf(table);
  const made = {
    table,
    scaling: { center: new Float64Array(width), scale: new Float64Array(width).fill(1) },
    train: Int32Array.from({ length: table.rows }, (_, row) => row),
    outputActivation: "identity",
  } as unknown as Problem;
  const asked = dependenceRows(made, columns);
  const xor = classicTable(DEFAULTS.set, DEFAULTS.rows, DEFAULTS.noise, DEFAULTS.set_seed);
  const curves = said.length ? averaged(made, asked, said, 1) : [];
  return encode({
    names: columns.map(({ name }) => name),
    cells: Array.from({ length: table.rows }, (_, row) =>
      columns.map((column) => cellOf(table, column, table.X, row * width)),
    ),
    spans: table.inputs.map((_, input) => spanOf(table, input, table.X[input], table.X[input])),
    targets: table.y.map((value) => ownTarget(table, 0, value)),
    predictions: outputs.map((value) => ownPrediction(table, 0, value)),
    varying: varying(table),
    axes: axesOf(table, []),
    asked: asked.X,
    points: asked.points.map((points) => points.length),
    means: curves.map(({ means }) => [...means]),
    height: heightOf(made, curves, table.y),
    usual: usual(numbers),
    begins: { open: makeProblem(DEFAULTS, xor).open, table: xor },
  });
}
