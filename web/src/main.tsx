/** Where the page begins: it finds its engine, reads its address, and draws itself. */
import { render } from "preact";
import { App } from "./app";
import { engineOfThisPage } from "./engines/choice";
import { choose, engineIs, meet, useEngine } from "./model/bench";
import { NEED_AN_ENGINE } from "./model/groups";
import { followAddress } from "./model/history";
import { followLesson } from "./model/lesson";
import "./style.css";

async function start(): Promise<void> {
  useEngine(await engineOfThisPage());
  render(<App />, document.getElementById("page")!);
  await meet();
  await followAddress();
  if (!engineIs.value?.can.includes("train")) await choose({ hide: NEED_AN_ENGINE });
  followLesson();
}

void start();
