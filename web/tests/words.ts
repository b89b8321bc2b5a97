/**
 * Sentences of the page: of addresses, of tables that it reads itself, of lessons, of models that do
 * not fit; and names of weights.
 */

import { decode, encode } from "../src/engines/wire";
import { problemSentence, readState, START } from "../src/model/address";
import { rowsTaken, tableOfCsv } from "../src/model/csv_table";
import { readLesson } from "../src/model/lesson_file";
import { modelProblem, type LoadedModel } from "../src/model/loaded";
import { DEFAULTS } from "../src/model/settings";
import { classicTable } from "../src/model/sets";
import { numberIn } from "../src/parts/fields";
import type { Slot } from "../src/protocol";
import { weightCalled, weightNames } from "../src/rooms/landscape/weights";

interface Told {
  readonly addresses: readonly string[];
  readonly tables: readonly string[];
  /** Of how many rows, and how many inputs and outputs. */
  readonly taken: readonly (readonly [rows: number, width: number])[];
  readonly lessons: readonly unknown[];
  readonly ranges: readonly (readonly [low: number, high: number, whole: boolean])[];
  /** Blocks of a network, and a name as a person writes it. */
  readonly weights: readonly { readonly slots: readonly Slot[]; readonly text: string }[];
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
  const { addresses, tables, taken, lessons, ranges, weights, models } = decode(message) as Told;
  return encode({
    addresses: addresses.map((address) => problemSentence(readState(address, START).problems)),
    tables: tables.map((text) =>
      refusal(() => tableOfCsv("t.csv", new TextEncoder().encode(text), "auto", null, "auto")),
    ),
    taken: taken.map(([rows, width]) => Float64Array.from(rowsTaken("t.csv", rows, width))),
    lessons: lessons.map((lesson) => refusal(() => readLesson(lesson, ""))),
    ranges: ranges.map((range) => numberIn(...range)),
    weights: weights.map(({ slots, text }) => {
      const names = weightNames(slots);
      return { names, called: weightCalled(names, text) };
    }),
    models: models.map(({ set, model }) =>
      refusal(() => modelProblem(model, DEFAULTS, classicTable(set, 20, 0, 0))),
    ),
  });
}
