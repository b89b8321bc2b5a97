/**
 * Which engine this page has: a recording that stands in it, or what `engine.json` beside it says; a
 * server has another than a folder.
 */
import type { Engine } from "../protocol";
import { enter } from "./enter";
import { RecordedEngine, unpacked } from "./recorded";
import { SocketEngine } from "./socket";
import { WorkerEngine } from "./worker";

export async function engineOfThisPage(): Promise<Engine> {
  const recording = document.getElementById("recording");
  if (recording) return new RecordedEngine(await unpacked(recording.textContent));
  return engineBeside(enter);
}

/** One more of what stands behind this page, for work that the training on show knows nothing of. */
export async function engineBeside(first: () => Promise<void> = async () => undefined): Promise<Engine> {
  const told = (await (await fetch("./engine.json")).json()) as { engine: string };
  if (told.engine === "socket") {
    await first();
    const url = new URL("./socket", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    return new SocketEngine(url.href);
  }
  if (told.engine === "wasm") return new WorkerEngine();
  throw new Error(`engine.json must name an engine of this page (got ${told.engine}).`);
}
