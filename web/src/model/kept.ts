/**
 * What survives a reload, and a server that was started anew: the tab's own session storage holds
 * it until the tab is closed. Nothing of it leaves the browser.
 *
 * Kept are the state that the address tells, a table of one's own, where the training stands, and
 * how far a lesson is. An address that tells another state wins over what was kept, and
 * so does another model that the engine brings along.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { decode, encode } from "../engines/wire";
import type { NetworkRecord, State, Subject, TableRead } from "../protocol";
import type { State as Begun } from "./address";
import {
  curves,
  engineIs,
  live,
  moved,
  notice,
  opened,
  ownTable,
  problem,
  settings,
  subject,
  takeUp,
  type Curves,
} from "./bench";
import { addressText } from "./history";
import { progressOf, type Progress } from "./lesson";
import { bytesOf, lettersOf } from "./letters";
import { DEFAULTS } from "./settings";
import { markOf } from "./subject";
import { adopt, stateNow } from "./visit";

/** Where a training stands, and of which network. */
export interface Training {
  readonly network: NetworkRecord;
  readonly state: State;
  readonly curves: Curves;
}

/** Another one where an older page's record would not be understood. */
const VERSION = 2;

export interface Kept {
  readonly version: typeof VERSION;
  /** Settings, weights to begin with, and a table that neither the page nor its engine brings. */
  readonly state: Begun;
  /** The state's address, and what the address bar showed, which may lag behind. */
  readonly address: string;
  readonly shown: string;
  /** Which model the engine brought along, "" for none; and whether it was on the bench. */
  readonly model: string;
  readonly onModel: boolean;
  readonly training: Training | null;
  readonly lesson: Progress | null;
}

/** Bytes of a table's numbers for which no storage has room, and of a training's that are kept. */
const MOST_OF_TABLE = 20_000_000;
const MOST_OF_TRAINING = 1_000_000;

/** The table in use is not kept: a reload loses it. */
export const unkept = signal(false);
export const UNKEPT =
  "This browser has no room to keep the table: keep its file, for after a reload of the page it must be opened again.";

/** Pages of one host share its storage: each has a place of its own. */
const place = (): string => `deltarule playground ${location.pathname}`;

const sizeOf = (...arrays: readonly Float64Array[]): number =>
  arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);

const marks = new WeakMap<Subject, string>();

function modelOf(brought: Subject | null | undefined): string {
  if (!brought) return "";
  // Over all its numbers: once is enough.
  if (!marks.has(brought)) marks.set(brought, markOf(brought));
  return marks.get(brought)!;
}

function trainingNow(): Training | null {
  const [made, at] = [problem.value, moved.value];
  // A model that is being fitted elsewhere is where it is; one that ran away cannot be gone on from.
  if (!made || !at || live.value || !at.state.vector.every(Number.isFinite)) return null;
  const { vector, moments, buffers } = at.state;
  if (sizeOf(vector, moments, buffers) > MOST_OF_TRAINING) return null;
  return { network: made.open.network, state: at.state, curves: curves.value };
}

/** The table that neither the page nor its engine brings. */
function tableNow(): TableRead | null {
  const table = ownTable.value;
  if (!table || table === engineIs.value?.subject?.table) return null;
  return sizeOf(table.X, table.y) <= MOST_OF_TABLE ? table : null;
}

/** Whether the network learns from a table that neither the page nor its engine brings. */
const onOwn = (): boolean =>
  settings.value.set === "own" && ownTable.value !== engineIs.value?.subject?.table;

/** Null where there is a table that is too large: without its rows nothing can be gone on with. */
function now(): Kept | null {
  const table = tableNow();
  if (onOwn() && !table) return null;
  return {
    version: VERSION,
    state: { ...stateNow(), table },
    address: addressText(),
    shown: location.hash.replace(/^#/, ""),
    model: modelOf(engineIs.value?.subject),
    onModel: subject.value !== null,
    training: trainingNow(),
    lesson: progressOf(),
  };
}

const trains = (): boolean => engineIs.value?.can.includes("train") ?? false;

/** Keeps what is on show; where there is no room, less of it; in a private tab perhaps nothing. */
export function keep(): void {
  // A recording begins where it begins; and what was kept stays while there is no engine to show it.
  if (!opened.value || !trains()) return;
  const all = now();
  const isKept = all !== null && (put(all) || put({ ...all, training: null }));
  if (!isKept) forget();
  unkept.value = !isKept && onOwn();
}

function put(kept: Kept): boolean {
  try {
    sessionStorage.setItem(place(), lettersOf(encode(kept)));
    return true;
  } catch {
    // Full, or not allowed.
    return false;
  }
}

function forget(): void {
  try {
    sessionStorage.removeItem(place());
  } catch {
    // What cannot be kept need not be forgotten.
  }
}

function read(): Kept | null {
  try {
    const bytes = bytesOf(sessionStorage.getItem(place()) ?? "");
    const kept = bytes && (decode(bytes.buffer) as Kept);
    if (kept?.version !== VERSION) return null;
    const settings = { ...DEFAULTS, ...kept.state.settings };
    return { ...kept, state: { ...kept.state, settings } };
  } catch {
    return null;
  }
}

/**
 * What was kept, where the address (without "#") tells no other state: it is what the page showed,
 * or it is empty and the link of a server, which opened the page (`entered`).
 */
export function keptFor(address: string, entered: boolean): Kept | null {
  const kept = trains() ? read() : null;
  if (!kept || kept.model !== modelOf(engineIs.value?.subject)) return null;
  return isOf(kept, address) || (entered && address === "") ? kept : null;
}

const isOf = (kept: Kept, address: string): boolean => address === kept.shown || address === kept.address;

/** Whether the address is what a page before this one showed, of another model than the engine brings. */
export function tellsAnotherModel(address: string): boolean {
  const kept = trains() ? read() : null;
  const brought = modelOf(engineIs.value?.subject);
  return kept !== null && brought !== "" && kept.model !== brought && isOf(kept, address);
}

/** Goes on where the page before this one stood; its address was gone to already. */
export async function takeUpKept({ address, state, onModel, training }: Kept): Promise<void> {
  if (live.value) return;
  if (engineIs.value?.subject) {
    // The page began with the model as it was opened.
    if (onModel) settings.value = state.settings;
    else await adopt(state);
  }
  // Meanwhile another state may have been gone to.
  if (training && addressText() === address)
    await takeUp(training.network, training.state, training.curves);
}

/** Keeps from now on: whenever the page is left, or may be, and each new table while it is at hand. */
export function keepOn(): void {
  // It is used as soon as a training on it is open; another training on it changes nothing here.
  const used = computed(() => (problem.value?.table === ownTable.value ? ownTable.value : null));
  effect(() => {
    if (used.value) untracked(keep);
    else unkept.value = false;
    // In whatever room it is used; where the table is looked at, it goes on being said.
    if (untracked(() => unkept.value)) notice.value = UNKEPT;
  });
  addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => document.hidden && keep());
}
