/** The lab of the page's own engine as a test asks it: lists of asks in, lists of answers out. */

import { decode, encode } from "../src/engines/wire";
import { EngineError } from "../src/protocol";
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
  readonly troubles: readonly Asked[];
  readonly factors: readonly { schedule: Schedule; clock: Clock; count: number }[];
  readonly play: { readonly asks: readonly Asked[]; readonly frames: number } | null;
}

export async function answer(message: ArrayBuffer, wasm: BufferSource): Promise<Uint8Array> {
  const compiled = await compile(wasm);
  const { desks, troubles, factors: asked, play } = decode(message) as Told;
  return encode({
    desks: desks.map((asks) => {
      const heard: Message[] = [];
      const desk = new Desk(new Answers(compiled, "of a test"), (told) => heard.push(told));
      for (const asked of asks) desk.receive(asked);
      desk.close();
      return heard;
    }),
    troubled: await troubled(compiled, troubles),
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

/** What is said of errors that are planted: in an ask, and in slices of a training that plays. */
async function troubled(compiled: WebAssembly.Module, asks: readonly Asked[]): Promise<Message[]> {
  if (!asks.length) return [];
  const heard: Message[] = [];
  const logged = console.error;
  console.error = () => undefined;
  const answers = new Answers(compiled, "of a test");
  const desk = new Desk(answers, (told) => heard.push(told));
  for (const asked of asks) desk.receive(asked);
  const lab = answers.lab!;
  for (const planted of [
    new TypeError("planted"),
    new EngineError("No memory."),
    new RangeError(),
  ]) {
    const fails = (): never => {
      throw planted;
    };
    lab.judge = lab.run = fails;
    desk.receive({ id: 0, ask: "judge", given: { held: false } });
    desk.receive({ id: 0, ask: "play", given: { steps_per_second: null } });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  desk.receive({ id: 0, ask: "pause", given: {} });
  desk.close();
  console.error = logged;
  return heard;
}
