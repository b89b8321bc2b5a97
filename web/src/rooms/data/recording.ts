/**
 * What is trained now and its next steps as one HTML file: the page itself with a recording in it.
 *
 * The steps are taken by an engine of their own, so that the training on show stays where it is. What
 * a recording holds stands in `engines/recorded.ts`; the library writes the same with
 * `deltarule play --record`.
 */
import { engineBeside } from "../../engines/choice";
import type { Frame, Recording } from "../../engines/recorded";
import { encode } from "../../engines/wire";
import { curves, engineIs, moved, problem, settings, subject } from "../../model/bench";
import { calledInputs } from "../../parts/findings";
import { planOf, toNetwork, unitsOf, type Problem } from "../../model/problem";
import { MOST_UNITS } from "../../model/settings";
import { EngineError, type Engine, type Moved, type Subject, type TableRead } from "../../protocol";
import { axesOf, gridCount, gridPoints } from "../network/grid";
import { pageWith } from "./one_file";

/** Steps of a recording, and bytes of it before it is packed. */
export const MOST_STEPS = 1000;
const MOST_BYTES = 12_000_000;
/** Parameters of a network whose gradient is checked at every step, predictions kept with each. */
const MOST_CHECKED = 500;
const MOST_PREDICTIONS = 4000;
/** Points of the step size's schedule. */
const FACTORS = 100;

/** Hears which step is recorded, and how many fit. */
type Told = (step: number, of: number) => void;

/** What is on the bench, as a model that is opened with a page. */
export function subjectNow(): Subject | null {
  const made = problem.value;
  const at = moved.value;
  if (!made || !at) return null;
  const { epoch, loss, held } = curves.value;
  return {
    title: subject.value?.title ?? `${made.table.name}, ${unitsOf(made.open).join("-")}`,
    open: { ...made.open, plan: planOf(settings.value), start: at.state },
    table: trainedOn(made),
    scaling: made.scaling,
    curve: {
      epoch: Float64Array.from(epoch),
      loss: Float64Array.from(loss),
      held_loss: Float64Array.from(held),
    },
    fitting: false,
    axes: axesOf(made.table, settings.value.axes),
  };
}

/** The rows to train on alone: a recording knows predictions of these. */
function trainedOn({ table, train }: Problem): TableRead {
  if (train.length === table.rows) return table;
  const width = table.inputs.length;
  const X = new Float64Array(train.length * width);
  train.forEach((row, place) => X.set(table.X.subarray(row * width, (row + 1) * width), place * width));
  const left = table.rows - train.length;
  return {
    ...table,
    X,
    y: Float64Array.from(train, (row) => table.y[row]),
    rows: train.length,
    notes: [...table.notes, `${left.toLocaleString("en")} rows are held out, and not shown here.`],
  };
}

/** The page with a recording of so many steps, as many as fit; and how many these are. */
export async function recordedPage(
  of: Subject,
  steps: number,
  told: Told,
): Promise<{ page: string; count: number }> {
  const engine = await engineBeside();
  try {
    const found = await recorded(engine, of, steps, told);
    return { page: await pageWith(encode(found)), count: found.frames.length - 1 };
  } finally {
    engine.close();
  }
}

async function recorded(engine: Engine, of: Subject, steps: number, told: Told): Promise<Recording> {
  const opened = await engine.ask("open", of.open);
  const watched = gridOf(of);
  const first = await engine.ask("watch", { X: watched, layers: true });
  const frames = [await frameOf(engine, of, first)];
  const diagnoses = engineIs.value?.can.includes("diagnose") ?? false;
  const findings = diagnoses ? await findingsOf(engine, of.table.inputs) : [];
  const most = Math.max(1, Math.floor(MOST_BYTES / encode(frames[0]).length));
  const count = Math.min(steps, most);
  while (frames.length <= count) {
    told(frames.length, count);
    const now = await engine.ask("advance", { unit: "step", count: 1 });
    if (now.stopped) break;
    frames.push(await frameOf(engine, of, now, frames[frames.length - 1]));
  }
  return {
    hello: {
      engine: "recording",
      version: engineIs.value?.version ?? "",
      can: diagnoses ? ["diagnose"] : [],
      subject: noted(of, frames.length - 1),
    },
    opened,
    frames,
    watched,
    findings,
    factors: await engine.ask("factors", { points: FACTORS }),
  };
}

function noted(of: Subject, steps: number): Subject {
  const note = `This page is a recording: walk through ${steps} steps of training, forward and back.`;
  return { ...of, table: { ...of.table, notes: [...of.table.notes, note] } };
}

/** The diagnosis of the network as it is; none where it is not to be diagnosed. */
async function findingsOf(engine: Engine, inputs: readonly string[]): Promise<Recording["findings"]> {
  try {
    return (await engine.ask("diagnose", { inputs: calledInputs(inputs) })).findings;
  } catch (error) {
    if (error instanceof EngineError) return [];
    throw error;
  }
}

/** The points of the maps that the recorded page begins with; null where no units are drawn. */
function gridOf({ open, table, scaling, axes }: Subject): Float64Array | null {
  const units = unitsOf(open).slice(1);
  if (Math.max(...units) > MOST_UNITS) return null;
  const count = gridCount(units.reduce((sum, width) => sum + width, 0));
  return toNetwork(scaling, gridPoints(table, axesOf(table, axes ?? []), count));
}

/** All that can be asked for at a place of the training, which was `at`. */
async function frameOf(engine: Engine, { open, table }: Subject, at: Moved, before?: Frame): Promise<Frame> {
  const { state, measures, curve, maps } = at;
  const outputs = unitsOf(open).at(-1)!;
  const few = table.rows * outputs <= MOST_PREDICTIONS;
  const numeric = state.vector.length <= MOST_CHECKED;
  const trace = await engine.ask("trace", { x: null, d: null, numeric });
  // What is the same stands in the file once.
  const vector = once(state.vector, before?.trace.after);
  return {
    state: { ...state, vector },
    measures,
    curve,
    maps,
    trace: {
      ...trace,
      before: once(trace.before, vector),
      moments_before: once(trace.moments_before, state.moments),
    },
    ranges: await engine.ask("ranges", {}),
    judged: few ? await engine.ask("judge", { held: false }) : null,
  };
}

const once = (numbers: Float64Array, known?: Float64Array): Float64Array =>
  known && same(known, numbers) ? known : numbers;

const same = (one: Float64Array, other: Float64Array): boolean =>
  one.length === other.length && one.every((value, index) => Object.is(value, other[index]));
