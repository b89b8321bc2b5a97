/** Where the page begins: it finds its engine, reads its address, and draws itself. */
import { render } from "preact";
import { App } from "./app";
import { engineOfThisPage } from "./engines/choice";
import { hasEntered } from "./engines/enter";
import { choose, engineIs, meet, useEngine } from "./model/bench";
import { NEED_AN_ENGINE } from "./model/groups";
import { followAddress, land } from "./model/history";
import { keepOn, keptFor, takeUpKept, tellsAnotherModel } from "./model/kept";
import { followLesson, takeUpProgress } from "./model/lesson";
import "./style.css";

async function start(): Promise<void> {
  document.getElementById("unstarted")?.remove();
  useEngine(await engineOfThisPage());
  land();
  render(<App />, document.getElementById("page")!);
  await meet();
  // Another model wins over what was kept, and over the address of that.
  if (tellsAnotherModel(location.hash.slice(1))) history.replaceState(null, "", "#");
  const kept = keptFor(location.hash.slice(1), hasEntered());
  await followAddress(kept?.state);
  if (kept) await takeUpKept(kept);
  if (engineIs.value && !engineIs.value.can.includes("train"))
    await choose({ hide: NEED_AN_ENGINE });
  followLesson();
  if (kept?.lesson) takeUpProgress(kept.lesson);
  keepOn();
}

void start();
