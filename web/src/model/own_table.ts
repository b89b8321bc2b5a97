/** A table of the person's own: read by the engine where it can, else by the page. */
import { EngineError, type FirstLine, type Learned, type TableRead } from "../protocol";
import { engineIs, request } from "./bench";
import { checkSize } from "./csv";
import { TargetError } from "./target_error";

export interface Source {
  readonly name: string;
  readonly file: Uint8Array;
}

export async function sourceOf(file: File): Promise<Source> {
  checkSize(file.name, file.size);
  try {
    return { name: file.name, file: new Uint8Array(await file.arrayBuffer()) };
  } catch {
    throw new EngineError(
      `${file.name}: cannot be read. Check that it is a file that you may open.`,
    );
  }
}

/** Whether the engine understands categories, too. */
export const engineReadsTables = (): boolean => engineIs.value?.can.includes("table") ?? false;

/** How a source is to be read. */
export interface Reading {
  readonly first_line: FirstLine;
  /** null: the last column that can be one. */
  readonly target: string | null;
  readonly learned: Learned;
}

export async function readTable({ name, file }: Source, reading: Reading): Promise<TableRead> {
  checkSize(name, file.length);
  if (engineReadsTables()) {
    const told = await request("table", { name, file, ...reading });
    if ("problem" in told) throw new TargetError(told.problem, told.target, told.columns);
    return told;
  }
  // Loaded where it is needed.
  const { tableOfCsv } = await import("./csv_table");
  return tableOfCsv(name, file, reading.first_line, reading.target, reading.learned);
}
