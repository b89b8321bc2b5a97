/** The worker: the compiled core, one desk, and the page at its other end. */

import { EngineError } from "../protocol";
import { Answers } from "./answers";
import wasm from "./core.wasm?url";
import { Desk, sentenceOf } from "./desk";
import type { Asked, Message } from "./desk";
import { compile } from "./module";

/** The library's version, which the build knows. */
declare const __VERSION__: string;

const send = (message: Message): void => postMessage(message);

async function open(): Promise<Desk> {
  const file = await fetch(wasm);
  if (!file.ok)
    throw new EngineError(
      `The page's compiled core was not found (status ${file.status}). Copy the page's whole ` +
        "folder to where it is served from.",
    );
  return new Desk(new Answers(await compile(await file.arrayBuffer()), __VERSION__), send);
}

const desk = open();

addEventListener("message", async ({ data }: MessageEvent<Asked>) => {
  try {
    (await desk).receive(data);
  } catch (problem) {
    send({ id: data.id, problem: sentenceOf(problem) });
  }
});
