/**
 * Going to a whole state, as a link, a lesson or the browser's history tells it.
 *
 * A state that the engine refuses changes nothing where a training is open already. Where none is,
 * as at the page's begin, the page tries with less of it, so that there is always one.
 */
import { batch } from "@preact/signals";
import { differing, START, type State } from "./address";
import { writePoints, writeWeights } from "./address_data";
import {
  begin,
  choose,
  connection,
  engineIs,
  given,
  live,
  notice,
  ownTable,
  problem,
  settings,
} from "./bench";
import { DEFAULTS, optionRecord, type Settings } from "./settings";

/** The page's state now. */
export function stateNow(): State {
  return { settings: settings.value, table: ownTable.value, weights: given.value };
}

function put({ settings: wanted, table, weights }: State): void {
  batch(() => {
    if (table) ownTable.value = table;
    given.value = weights;
    settings.value = wanted;
  });
}

/** States with less and less of one that is refused, until there is nothing to refuse. */
function* lesser(state: State): Generator<State> {
  const { settings: s } = state;
  const suited: Settings = { ...s, output_activation: "auto" };
  yield { ...state, settings: suited };
  const plain: Settings = {
    ...suited,
    initializer: optionRecord("initializers", s.initializer.name),
    optimizer: optionRecord("optimizers", s.optimizer.name),
    schedule: optionRecord("schedules", s.schedule.name),
  };
  yield { ...state, settings: plain };
  const { room, set, hidden, hide, lesson, theme } = s;
  const kept = { room, set, hidden, hide, lesson, theme };
  yield { ...START, table: state.table, settings: { ...DEFAULTS, ...kept } };
  yield { ...START, settings: { ...DEFAULTS, hide, theme } };
}

/** A new training with this state; false where the engine refused it. */
export async function adopt(state: State): Promise<boolean> {
  const before = stateNow();
  put(state);
  if (await begin()) return true;
  if (problem.value) {
    put(before);
    return false;
  }
  const refusal = notice.value;
  for (const other of lesser(state)) {
    // Without an engine nothing is refused: the page begins as soon as it is there again.
    if (connection.value === "lost") break;
    put(other);
    if (await begin()) break;
  }
  notice.value = `${refusal} The page took what it could of its address.`;
  return false;
}

const sameTable = ({ table }: State): boolean =>
  !table || (ownTable.value !== null && writePoints(table) === writePoints(ownTable.value));

const sameWeights = ({ weights }: State): boolean =>
  weights && given.value
    ? writeWeights(weights) === writeWeights(given.value)
    : weights === given.value;

/** To this state, with a new training only where what is trained would be another one. */
export async function visit(state: State): Promise<boolean> {
  const brought = engineIs.value?.subject;
  if (!problem.value && brought) {
    // The page begins with the model; its own address may say that it was changed.
    const taken = await adopt(state);
    if (!taken || live.value || state.settings.set !== "own") return taken;
  }
  if (!problem.value || !sameTable(state) || !sameWeights(state)) return adopt(state);
  return choose(differing(settings.value, state.settings));
}
