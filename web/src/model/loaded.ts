/** A network out of a model file, on the rows that are in use. */
import { EngineError, type NetworkRecord, type State, type TableRead } from "../protocol";
import { makeProblem, outputCount, type Problem } from "./problem";
import type { Settings } from "./settings";

export interface LoadedModel {
  readonly network: NetworkRecord;
  readonly state: State;
}

/** What is opened for a model, and the choices that say as much of it as choices can. */
export function modelProblem(
  { network, state }: LoadedModel,
  settings: Settings,
  table: TableRead,
): { made: Problem; choices: Settings } {
  const { layers, heads } = network;
  const last = layers[layers.length - 1];
  const outputs = outputCount(table);
  if (heads.length > 1)
    throw new EngineError(
      `The model solves ${heads.length} problems at once, and this page shows networks of one. Look at it with ` +
        "deltarule inspect, or train one model for each problem.",
    );
  checkFits("input", layers[0].inputs, table.inputs.length);
  if (table.kind === "values" && last.units > 1)
    throw new EngineError(
      `The model has ${last.units} outputs, and a table of this page one target. Open the model with its rows: ` +
        "deltarule play MODEL TABLE, or dr.play(model, X, y).",
    );
  checkFits("output", last.units, outputs);
  const dense = layers.filter((layer) => layer.name === "dense");
  const choices: Settings = {
    ...settings,
    hidden: dense.slice(0, -1).map((layer) => layer.units),
    activation: dense[0].function?.name ?? settings.activation,
    output_activation: last.function?.name ?? settings.output_activation,
    loss: heads[0].loss.name,
    bias: dense.every((layer) => layer.bias !== false),
  };
  const made = makeProblem(choices, table);
  return { made: { ...made, open: { ...made.open, network, start: state } }, choices };
}

function checkFits(what: string, model: number, table: number): void {
  if (model !== table)
    throw new EngineError(
      `The model has ${model} ${what}${model === 1 ? "" : "s"} and the table in use asks for ${table}. Choose the table ` +
        "that it was trained on first, then open the model again.",
    );
}
