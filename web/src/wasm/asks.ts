/**
 * What a page asks, checked: plain records in, what the engine works with out.
 *
 * An ask that does not fit is refused with a sentence, and nothing has happened.
 */

import { EngineError } from "../protocol";
import { wrong } from "./checks";
import type { Given } from "./given";
import { initialize } from "./initializers";
import type { Opening } from "./lab";
import { checkTargets } from "./losses";
import type { CoreModule } from "./module";
import { SAMPLINGS } from "./names";
import { networkOf } from "./network";
import type { Network } from "./network";
import { initializerOf, optimizerOf, penaltyOf, scheduleOf } from "./options";
import type { Run } from "./runs";
import { freshStanding } from "./training";
import type { Standing, TrainingPlan, TrainingRows } from "./training";

/** A plan whose training never ends by itself. */
export function planOf(given: Given): TrainingPlan {
  const record = given.value("optimizer");
  if ((record as { name?: unknown } | null)?.name === "lbfgs")
    throw new EngineError(
      `${given.where}.optimizer must take steps over samples (got 'lbfgs', which goes over all ` +
        "rows at once). Choose 'sgd' or 'adam'.",
    );
  const rate = given.number("learning_rate_init");
  const penalty = given.value("penalty");
  const { l1, l2 } =
    penalty === null ? { l1: 0, l2: 0 } : penaltyOf(penalty, given.place("penalty"));
  const plan = {
    optimizer: optimizerOf(record, given.place("optimizer")),
    rate,
    schedule: scheduleOf(given.value("schedule"), given.place("schedule")),
    batchSize: given.whole("batch_size", 1, 2 ** 31),
    sampling: given.chosen("sampling", SAMPLINGS),
    l1,
    l2,
    horizon: given.whole("max_epochs", 1, 2 ** 40),
    key: BigInt(given.whole("key")),
  };
  if (rate <= 0)
    throw new EngineError(
      `learning_rate_init must be a positive number (got ${rate}). Start with 0.001 for Adam or ` +
        "0.1 for plain SGD.",
    );
  return plan;
}

/** Rows that fit a network and its loss. */
export function rowsOf(given: Given, network: Network): TrainingRows {
  const X = given.matrix("X", network.inputs);
  const D = given.matrix("D", network.outputs);
  const [rows, targets] = [X.length / network.inputs, D.length / network.outputs];
  if (rows !== targets || rows === 0)
    throw wrong(given.where, "rows with a target each, at least one", `${rows}, ${targets}`);
  checkTargets(network, D);
  return { X, D, rows };
}

/** The guess W^0. */
function firstWeights(module: CoreModule, given: Given, network: Network): Float64Array {
  const initializer = initializerOf(given.value("initializer"), given.place("initializer"));
  return initialize(module, network, BigInt(given.whole("seed")), initializer);
}

/** Where a training stands that goes on. */
function standingOf(given: Given, network: Network, plan: TrainingPlan, rows: number): Standing {
  const vector = given.vector("vector", network.size);
  given.vector("buffers", 0);
  const batchSize = Math.min(plan.batchSize, Math.max(rows, 2));
  const into = given.whole("into");
  const begun = into > 0 && into < Math.ceil(rows / batchSize);
  const place = {
    epoch: given.whole("epoch", 0, 2 ** 53 / (rows + 1)),
    into: begun ? into : 0,
    carried: begun ? given.number("carried", false) : 0,
    rateFactor: given.number("rate_factor"),
    bestLoss: given.number("best_loss", false),
    stalled: given.whole("stalled"),
  };
  return {
    numbers: { vector, moments: given.vector("moments") },
    place,
    step: given.whole("step"),
  };
}

/** All that a training begins with. */
export function openingOf(module: CoreModule, given: Given): Opening {
  const network = networkOf(given.value("network"));
  const plan = planOf(given.inner("plan"));
  const train = rowsOf(given.inner("train"), network);
  const rowsHeld = given.innerOrNull("held");
  const held = rowsHeld && rowsOf(rowsHeld, network);
  const start = given.innerOrNull("start");
  const from = start
    ? standingOf(start, network, plan, train.rows)
    : freshStanding(firstWeights(module, given, network));
  return { network, plan, from, train, held };
}

/** One training of several. */
export function runOf(module: CoreModule, given: Given, network: Network): Run {
  const plan = planOf(given.inner("plan"));
  const train = rowsOf(given.inner("train"), network);
  const goesOn = given.innerOrNull("from");
  if (goesOn) return { plan, from: standingOf(goesOn, network, plan, train.rows), train };
  const drawn = firstWeights(module, given, network);
  const start = given.value("start") === null ? drawn : given.vector("start", network.size);
  return { plan, from: freshStanding(start), train };
}
