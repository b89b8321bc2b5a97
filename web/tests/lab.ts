/** The lab of the page's own engine as a test asks it: lists of asks in, lists of answers out. */

import { decode, encode } from "../src/engines/wire";
import type { Moved } from "../src/protocol";
import { Answers } from "../src/wasm/answers";
import { Desk } from "../src/wasm/desk";
import type { Asked, Message } from "../src/wasm/desk";
import { compile } from "../src/wasm/module";
import type { Schedule } from "../src/wasm/options";
import { factors } from "../src/wasm/schedules";
import type { Clock } from "../src/wasm/schedules";

/** `desks`: lists of asks, each answered by a lab of its own. `play`: asks, frames to wait for. */
interface Told {
  readonly desks: readonly (readonly Asked[])[];
  readonly factors: readonly { schedule: Schedule; clock: Clock; count: number }[];
  readonly play: { readonly asks: readonly Asked[]; readonly frames: number } | null;
}

export async function answer(message: ArrayBuffer, wasm: BufferSource): Promise<Uint8Array> {
  const compiled = await compile(wasm);
  const { desks, factors: asked, play } = decode(message) as Told;
  return encode({
    desks: desks.map((asks) => {
      const heard: Message[] = [];
      const desk = new Desk(new Answers(compiled, "of a test"), (told) => heard.push(told));
      for (const asked of asks) desk.receive(asked);
      desk.close();
      return heard;
    }),
    factors: asked.map(({ schedule, clock, count }) => factors(schedule, clock, count)),
    played: play ? await played(compiled, play.asks, play.frames) : [],
  });
}

/** What is heard until it stands still or so many frames have come; the page is ready at once. */
function played(
  compiled: WebAssembly.Module,
  asks: readonly Asked[],
  frames: number,
): Promise<Message[]> {
  return new Promise((resolve) => {
    const heard: Message[] = [];
    let left = frames;
    const desk = new Desk(new Answers(compiled, "of a test"), (told) => {
      heard.push(told);
      if (!("event" in told) || told.event !== "frame") return;
      left -= 1;
      if (left === 0 || (told.told as Moved).stopped) {
        desk.receive({ id: 0, ask: "pause", given: {} });
        desk.close();
        resolve(heard);
      } else {
        desk.receive({ id: 0, ask: "ready", given: {} });
      }
    });
    for (const asked of asks) desk.receive(asked);
  });
}
