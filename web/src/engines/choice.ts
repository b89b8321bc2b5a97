/** Which engine this page has: `engine.json` beside it says so, a server has another than a folder. */
import type { Engine } from "../protocol";
import { SocketEngine } from "./socket";

export async function engineOfThisPage(): Promise<Engine> {
  const told = (await (await fetch("./engine.json")).json()) as { engine: string };
  if (told.engine === "socket") {
    const url = new URL("./socket", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    return new SocketEngine(url.href);
  }
  throw new Error(`engine.json must name an engine of this page (got ${told.engine}).`);
}
