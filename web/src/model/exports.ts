/** What a person takes along: as files that say by themselves what they are. */
import type { Hello, NetworkRecord, Plan, Traced } from "../protocol";
import type { Curves } from "./bench";

/** Losses of all epochs, with every digit; a held-out column only where rows are held out. */
export function lossesCsv({ epoch, loss, held }: Curves): string {
  const holds = held.length === epoch.length && held.length > 0;
  const head = holds ? "epoch,loss,held_out_loss" : "epoch,loss";
  const lines = epoch.map((at, index) =>
    [at, loss[index], ...(holds ? [held[index]] : [])].join(","),
  );
  return `${[head, ...lines].join("\n")}\n`;
}

/** The step as JSON; what is no finite number is its word. */
export function traceJson(
  traced: Traced,
  network: NetworkRecord,
  plan: Plan,
  hello: Hello | null,
): string {
  const plain = (_: string, value: unknown): unknown => {
    if (value instanceof Float64Array) return [...value];
    return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  };
  const made = hello && { engine: hello.engine, version: hello.version };
  return `${JSON.stringify({ deltarule: made, network, plan, trace: traced }, plain, 1)}\n`;
}

/** Canvases that lie upon each other, on a ground, as a PNG. */
export function pictureOf(
  canvases: readonly HTMLCanvasElement[],
  ground: string,
): Promise<Blob | null> {
  const whole = document.createElement("canvas");
  whole.width = canvases[0].width;
  whole.height = canvases[0].height;
  const context = whole.getContext("2d")!;
  context.fillStyle = ground;
  context.fillRect(0, 0, whole.width, whole.height);
  for (const canvas of canvases) context.drawImage(canvas, 0, 0, whole.width, whole.height);
  return new Promise((resolve) => whole.toBlob(resolve, "image/png"));
}
