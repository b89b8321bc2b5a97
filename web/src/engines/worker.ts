/** The engine of a page without a server: the compiled core as WebAssembly, in a worker. */
import { EngineError, type Ask, type Engine, type Events, type Requests } from "../protocol";
import type { Message } from "../wasm/desk";
import { Listeners } from "./listeners";

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (problem: Error) => void;
}

export class WorkerEngine implements Engine {
  private readonly listeners = new Listeners();
  private readonly waiting = new Map<number, Waiting>();
  private readonly worker: Worker;
  private count = 0;
  /** Why it is there no more, once it is not. */
  private gone = "";

  constructor() {
    this.worker = new Worker(new URL("../wasm/worker.ts", import.meta.url), { type: "module" });
    this.worker.onmessage = (event: MessageEvent<Message>) => this.receive(event.data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.lost(event.message ?? "");
    };
  }

  ask<A extends Ask>(what: A, given: Requests[A][0]): Promise<Requests[A][1]> {
    if (this.gone) return Promise.reject(new EngineError(this.gone));
    this.count += 1;
    const id = this.count;
    this.worker.postMessage({ id, ask: what, given });
    // The engine is not asked to say that it has heard that the page is ready.
    if (what === "ready") return Promise.resolve({} as Requests[A][1]);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  on<E extends keyof Events>(event: E, heard: (told: Events[E]) => void): () => void {
    return this.listeners.on(event, heard);
  }

  close(): void {
    this.worker.terminate();
  }

  private receive(message: Message): void {
    if ("event" in message) {
      this.listeners.tell(message.event, message.told as never);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if ("problem" in message) waiting?.reject(new EngineError(message.problem));
    else waiting?.resolve(message.answer as never);
  }

  private lost(why: string): void {
    this.gone =
      "The page's engine stopped working" +
      `${why ? ` (${why})` : ""}. What you see is kept; reload the page to go on.`;
    this.listeners.tell("connection", { standing: "lost", sentence: this.gone });
    for (const { reject } of this.waiting.values()) reject(new EngineError(this.gone));
    this.waiting.clear();
    this.worker.terminate();
  }
}
