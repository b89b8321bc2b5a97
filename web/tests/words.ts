/** Sentences of the page: of addresses, of tables that it reads itself, of models that do not fit. */

import { decode, encode } from "../src/engines/wire";
import { problemSentence, readState, START } from "../src/model/address";
import { rowsTaken, tableOfCsv } from "../src/model/csv_table";
import { modelProblem, type LoadedModel } from "../src/model/loaded";
import { DEFAULTS } from "../src/model/settings";
import { classicTable } from "../src/model/sets";

interface Told {
  readonly addresses: readonly string[];
  readonly tables: readonly string[];
  /** Of how many rows, and how many inputs and outputs. */
  readonly taken: readonly (readonly [rows: number, width: number])[];
  /** A set of the page, and a model for it. */
  readonly models: readonly { readonly set: string; readonly model: LoadedModel }[];
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

export async function answer(message: ArrayBuffer): Promise<Uint8Array> {
  const { addresses, tables, taken, models } = decode(message) as Told;
  return encode({
    addresses: addresses.map((address) => problemSentence(readState(address, START).problems)),
    tables: tables.map((text) =>
      refusal(() => tableOfCsv("t.csv", new TextEncoder().encode(text), "auto", null, "auto")),
    ),
    taken: taken.map(([rows, width]) => Float64Array.from(rowsTaken("t.csv", rows, width))),
    models: models.map(({ set, model }) =>
      refusal(() => modelProblem(model, DEFAULTS, classicTable(set, 20, 0, 0))),
    ),
  });
}
