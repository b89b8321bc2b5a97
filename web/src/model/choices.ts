/** Choices that go with a table: a sensible first network for it, and losses that it admits. */
import { plain } from "../parts/numbers";
import type { TableRead } from "../protocol";
import { outputCount } from "./problem";
import { choose } from "./bench";
import { optionRecord, type Settings } from "./settings";
import { shippedTable } from "./shipped";

/** With fewer rows none are held out. */
const FEWEST_TO_HOLD = 50;
const HIDDEN = 8;
const BATCH = 32;

/** A network that learns most tables, to begin with. */
export function choicesFor(table: TableRead): Partial<Settings> {
  return {
    hidden: [HIDDEN],
    activation: "tanh",
    output_activation: "auto",
    loss: table.kind === "classes" ? "log_loss" : "squared_error",
    standardize: true,
    batch_size: Math.min(BATCH, table.rows),
    optimizer: optionRecord("optimizers", "adam"),
    schedule: optionRecord("schedules", "constant"),
    learning_rate_init: 0.01,
    held: table.rows >= FEWEST_TO_HOLD ? 0.2 : 0,
    axes: [],
  };
}

/** A set that comes with the page, with a network that learns it. */
export async function chooseShipped(name: string): Promise<void> {
  // Where it cannot be fetched, `choose` says so.
  const table = await shippedTable(name).catch(() => null);
  await choose({ set: name, ...(table ? choicesFor(table) : {}) });
}

/** The same in a line. */
export function choicesInWords(table: TableRead): string {
  const { batch_size, held } = choicesFor(table);
  const outputs = outputCount(table) > 1 ? "log loss on softmax" : "log loss on a logistic output";
  return [
    "standardized inputs",
    `one hidden layer of ${HIDDEN} tanh units`,
    table.kind === "classes" ? outputs : "squared error",
    `batches of ${batch_size}`,
    "Adam with step size 0.01",
    held ? "a fifth of the rows held out" : "no rows held out",
  ].join(", ");
}

const FOR_CLASSES = ["squared_error", "absolute_error", "huber", "log_loss", "perceptron"];
const FOR_VALUES = ["squared_error", "absolute_error", "huber", "quantile"];

/** What must change for a table of this kind; nothing where the loss suits it. */
export function suited(settings: Settings, kind: "classes" | "values"): Partial<Settings> {
  const admitted = kind === "classes" ? FOR_CLASSES : FOR_VALUES;
  const fits = admitted.includes(settings.loss) && settings.output_activation === "auto";
  return fits ? {} : { loss: "squared_error", output_activation: "auto" };
}

/** With values of mean 0 and spread 1: targets far from 0 take a network long to reach. */
export function withStandardTarget(table: TableRead): TableRead {
  if (table.kind !== "values") return table;
  const center = table.y.reduce((sum, value) => sum + value, 0) / table.rows;
  const squares = table.y.reduce((sum, value) => sum + (value - center) ** 2, 0);
  const scale = Math.sqrt(squares / table.rows);
  if (!(scale > 0) || !Number.isFinite(scale)) return table;
  const [name, mean] = [table.target, plain(center, 5)];
  return {
    ...table,
    origin: {
      columns: table.origin?.columns ?? [],
      targets: [{ shift: center, scale, low: -Infinity, high: Infinity }],
    },
    notes: [
      ...table.notes,
      `${name} is learned as (${name} − ${center < 0 ? `(${mean})` : mean}) / ${plain(scale, 5)}`,
    ],
    y: table.y.map((value) => (value - center) / scale),
  };
}
