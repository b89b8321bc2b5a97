/**
 * The address bar tells the page's state, and the page goes where the address bar goes.
 *
 * Choices replace the entry of the browser's history, a change of the room makes a new one: "back"
 * goes to the room before, as it was left.
 */
import { effect } from "@preact/signals";
import { enter, hasToken } from "../engines/enter";
import { baseOf, LESSON_NAMES } from "../lessons";
import {
  differing,
  problemSentence,
  readState,
  START,
  writeState,
  type Read,
  type State,
} from "./address";
import { engineIs, notice, ownTable, settings } from "./bench";
import type { Settings } from "./settings";
import { adopt, stateNow, visit } from "./visit";

/** Milliseconds for which choices are gathered: browsers do not like many entries a second. */
const GATHERED = 250;

/** The text behind "#" that tells the page's state now. */
export function addressText(): string {
  const state = stateNow();
  return writeState(state, baseOf(state.settings.lesson));
}

/** The state that a text behind "#" tells, on top of its lesson's. */
export function readAddress(hash: string): Read {
  const lesson = new URLSearchParams(hash.replace(/^#/, "")).get("lesson") ?? "";
  // A model that is not open yet brings the table that its page's address speaks of.
  const table = ownTable.value ?? engineIs.value?.subject?.table ?? null;
  const { state, problems } = readState(hash, baseOf(lesson), table);
  if (state.settings.lesson === "" || LESSON_NAMES.includes(state.settings.lesson))
    return { state, problems };
  const known = LESSON_NAMES.join(", ");
  return {
    state: { ...state, settings: { ...state.settings, lesson: "" } },
    problems: [...problems, `lesson, which must be one of ${known} (got ${lesson})`],
  };
}

/** What the browser's entry tells, and the room that it shows. */
let written = "";
let room = START.settings.room;
let pending = 0;
let arriving = 0;

/** What the page was told before its engine was there; null once it has begun. */
let landed: Settings | null = null;

function replace(): void {
  clearTimeout(pending);
  pending = 0;
  history.replaceState(null, "", `#${written}`);
}

function write(text: string, shown: typeof room): void {
  if (text === written) return;
  const isMove = shown !== room;
  if (isMove && pending) replace();
  [written, room] = [text, shown];
  if (isMove) history.pushState(null, "", `#${text}`);
  else if (!pending) pending = window.setTimeout(replace, GATHERED);
}

/**
 * The link of a server that was started anew: its token leaves the address at once, and the page is
 * loaded anew, to go on from where it stands where the link tells no state.
 */
async function enterAnew(): Promise<void> {
  // A page that has written nothing yet enters as it begins.
  if (written)
    try {
      await enter();
      if (location.hash.length <= 1) history.replaceState(null, "", `#${written}`);
    } catch {
      // Nobody is there: the link is still good, and what is on show stays.
      history.replaceState(null, "", `#${written}`);
      return;
    }
  location.reload();
  // Nothing may be written into the address any more.
  return new Promise(() => undefined);
}

/** To where the address bar says. */
async function arrive(left: State | null = null): Promise<void> {
  clearTimeout(pending);
  pending = 0;
  if (hasToken()) return enterAnew();
  arriving += 1;
  const { state, problems } = left ? { state: left, problems: [] } : readAddress(location.hash);
  // What the person has chosen meanwhile stays.
  const chosen = landed ? differing(landed, settings.value) : {};
  landed = null;
  const wanted = { ...state, settings: { ...state.settings, ...chosen } };
  const taken = await (left ? adopt(wanted) : visit(wanted));
  arriving -= 1;
  [written, room] = [addressText(), settings.value.room];
  // It was left, or refused, or something else was chosen on the way.
  const told = writeState(state, baseOf(state.settings.lesson));
  if (left || !taken || written !== told) history.replaceState(null, "", `#${written}`);
  const sentence = problemSentence(problems);
  if (sentence) notice.value = taken ? sentence : `${sentence} ${notice.value}`;
}

/** Shows what the address says while the engine is on its way: its room, without numbers. */
export function land(): void {
  settings.value = readAddress(location.hash).state.settings;
  landed = settings.value;
  // Until the page has begun, its begin reads the address.
  addEventListener("popstate", () => landed ?? void arrive());
}

/**
 * Begin with what the address says, or with what a page before this one left, and keep the page and
 * its address together from then on.
 */
export async function followAddress(left: State | null = null): Promise<void> {
  await arrive(left);
  effect(() => {
    const text = addressText();
    const shown = settings.value.room;
    if (!arriving) write(text, shown);
  });
}
