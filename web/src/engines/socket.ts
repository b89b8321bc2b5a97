/** An engine on the other side of a WebSocket: the library's own server. */
import { EngineError, type Ask, type Engine, type Events, type Requests } from "../protocol";
import { decode, encode } from "./wire";
import { Listeners } from "./listeners";

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (problem: Error) => void;
}

interface Message {
  readonly id?: number | null;
  readonly answer?: unknown;
  readonly problem?: string;
  readonly event?: keyof Events;
  readonly told?: unknown;
}

/** Seconds between tries to reach a server that is gone: longer and longer. */
const TRIES = [0.5, 1, 2, 4, 8];

/** Where it is to be started again: pages of other ports have other storage and other cookies. */
const there = (port: string): string => (port ? ` with --port ${port} (in Python: port=${port})` : "");

const lost = (port: string): string =>
  "The server does not answer: it may have been stopped. What you see is kept, and the page goes " +
  `on when it answers again. Where it was stopped, start it again${there(port)} and open its link ` +
  "in this browser: this page goes on from where it stands.";
const REFUSED =
  "This page has no key to its server: the link was used before, or belongs to an earlier start. " +
  "Open the link that the server printed last in this browser, or start it again. The page goes on " +
  "from where it stood.";

/** Whether the server gives out its page, which needs no key. */
async function isThere(): Promise<boolean> {
  try {
    return (await fetch("./engine.json", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

export class SocketEngine implements Engine {
  private readonly listeners = new Listeners();
  private readonly waiting = new Map<number, Waiting>();
  private socket: WebSocket | null = null;
  private unsent: Uint8Array[] = [];
  private count = 0;
  private tries = 0;
  private closed = false;

  constructor(private readonly url: string) {
    this.connect();
  }

  ask<A extends Ask>(what: A, given: Requests[A][0]): Promise<Requests[A][1]> {
    this.count += 1;
    const id = this.count;
    const bytes = encode({ id, ask: what, given });
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(bytes as BufferSource);
    else this.unsent.push(bytes);
    // The engine is not asked to say that it has heard that the page is ready.
    if (what === "ready") return Promise.resolve({} as Requests[A][1]);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  on<E extends keyof Events>(event: E, heard: (told: Events[E]) => void): () => void {
    return this.listeners.on(event, heard);
  }

  close(): void {
    this.closed = true;
    this.socket?.close();
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    let met = false;
    socket.onopen = () => {
      met = true;
      this.tries = 0;
      this.listeners.tell("connection", { standing: "open", sentence: "" });
      for (const bytes of this.unsent.splice(0)) socket.send(bytes as BufferSource);
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => this.receive(event.data);
    socket.onclose = () => void this.lost(met);
    this.socket = socket;
  }

  private receive(data: ArrayBuffer): void {
    const message = decode(data) as Message;
    if (message.event) {
      this.listeners.tell(message.event, message.told as never);
      return;
    }
    const waiting = this.waiting.get(message.id ?? -1);
    this.waiting.delete(message.id ?? -1);
    if (message.problem !== undefined) waiting?.reject(new EngineError(message.problem));
    else waiting?.resolve(message.answer as never);
  }

  private async lost(met: boolean): Promise<void> {
    if (this.closed) return;
    const refused = !met && (await isThere());
    const sentence = refused ? REFUSED : lost(location.port);
    this.listeners.tell("connection", { standing: refused ? "refused" : "lost", sentence });
    for (const { reject } of this.waiting.values()) reject(new EngineError(sentence));
    this.waiting.clear();
    this.unsent = [];
    // Its link may be opened in another tab: the key is then the whole browser's.
    const seconds = TRIES[Math.min(this.tries, TRIES.length - 1)];
    this.tries += 1;
    setTimeout(() => this.connect(), 1000 * seconds);
  }
}
