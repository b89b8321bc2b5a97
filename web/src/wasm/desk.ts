/**
 * One page's desk: asks are answered in order, and between them the training goes on.
 *
 * While it plays, slices of some milliseconds are taken one by one, and asks are heard between
 * them. Frames are painted only when the page is ready for one.
 */

import { EngineError } from "../protocol";
import type { Answers } from "./answers";
import type { Lab } from "./lab";

/** Seconds of a slice of training, at least and at most: it ends about when a frame is due. */
const SLICE = [0.003, 0.008] as const;

/** Seconds between two frames at least, and where their maps have more bytes than that. */
const FRAME = 1 / 61;
const LARGE_FRAME = 1 / 31;
const LARGE = 100_000;

/** Of the time between two frames painting takes at most this share: the rest is the training's. */
const PAINTING = 0.5;

/** Seconds after which an ask begins to say how far it is, and between two such words. */
const SILENT = 0.25;
const WORDS = 0.1;

/** Seconds between two frames that tell the losses over all rows, at least; how many times longer
 * than such a frame takes there is no other; and most products for that. */
const MEASURING = 0.1;
const RARER = 20;
const MEASURED = 1_000_000_000;

export interface Asked {
  readonly id: number;
  readonly ask: string;
  readonly given: unknown;
}

export type Message =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly problem: string }
  | { readonly event: "frame" | "progress" | "trouble"; readonly told: unknown };

export class Desk {
  /** Whether the page waits for a frame, and when the next one may be painted. */
  private ready = true;
  private frameDue = 0;
  /** Seconds that the last frame took to be painted. */
  private painting = 0;
  private leastSpacing = FRAME;
  /** The step that the last frame showed. */
  private shown = -1;
  /** When losses are told again, and when the next step of a pace is due. */
  private measureDue = 0;
  private due = 0;
  private wordDue = 0;
  private spoke = false;
  /** Whether the next slice is waited for. */
  private waiting = false;
  private readonly ticks = new MessageChannel();

  constructor(
    private readonly answers: Answers,
    private readonly send: (message: Message) => void,
  ) {
    this.ticks.port1.onmessage = () => this.tick();
  }

  receive({ id, ask, given }: Asked): void {
    if (ask === "ready") {
      this.ready = true;
      return;
    }
    const { playing } = this.answers;
    [this.wordDue, this.spoke] = [now() + SILENT, false];
    try {
      const answer = this.answers.answer(ask, given, (done) => this.progress(done));
      if (this.answers.playing && !playing) [this.due, this.ready] = [now(), true];
      this.send({ id, answer });
    } catch (problem) {
      this.send({ id, problem: sentenceOf(problem) });
    }
    if (this.answers.playing) this.wait(0);
  }

  /** Ends the training; no slice follows. */
  close(): void {
    this.answers.playing = false;
    this.ticks.port1.close();
  }

  /** Says how far an ask is that takes long, and that it is done if that was said. */
  private progress(done: number): void {
    const at = now();
    if (at < this.wordDue && !(done >= 1 && this.spoke)) return;
    [this.wordDue, this.spoke] = [at + WORDS, true];
    this.send({ event: "progress", told: { done } });
  }

  private wait(seconds: number): void {
    if (this.waiting) return;
    this.waiting = true;
    // A timer waits four milliseconds at least, a message does not.
    if (seconds < 0.004) this.ticks.port2.postMessage(null);
    else setTimeout(() => this.tick(), 1000 * seconds);
  }

  private tick(): void {
    this.waiting = false;
    if (!this.answers.playing) return;
    try {
      this.goOn();
    } catch (problem) {
      this.answers.playing = false;
      this.send({ event: "trouble", told: { sentence: sentenceOf(problem) } });
    }
    if (!this.answers.playing) return;
    this.wait(this.answers.pace === null ? 0 : Math.max(0, Math.min(this.due - now(), FRAME)));
  }

  /** One slice of training, and a frame where the page waits for one. */
  private goOn(): void {
    const { lab, pace } = this.answers;
    if (!lab) return;
    const begun = now();
    if (pace === null) {
      lab.run(Math.min(Math.max(this.frameDue - begun, SLICE[0]), SLICE[1]));
    } else if (begun >= this.due) {
      const late = Math.min(begun - this.due, FRAME);
      // Of a fast pace some steps at once: looking at the clock between all costs more.
      const count = Math.max(1, Math.floor((late + SLICE[0]) * pace));
      lab.runSteps(count);
      // A pace that cannot be kept is not made up for later.
      this.due = Math.max(this.due + count / pace, begun - FRAME);
    }
    if (lab.stopped) this.answers.playing = false;
    // At a slow pace there is nothing new for many a frame.
    const isNew = lab.training.step !== this.shown;
    if (lab.stopped || (isNew && this.ready && now() >= this.frameDue)) this.frame(lab);
  }

  private frame(lab: Lab): void {
    const begun = now();
    const spacing = Math.max(this.leastSpacing, this.painting / PAINTING);
    // On time on average: a frame that a slice has made late makes the next one no later.
    this.frameDue = Math.max(this.frameDue + spacing, begun + spacing / 2);
    this.ready = false;
    this.shown = lab.training.step;
    const small = lab.network.size * lab.training.rows.rows <= MEASURED;
    const measured = lab.stopped !== null || (begun >= this.measureDue && small);
    const told = this.answers.moved(true, measured);
    const took = now() - begun;
    this.leastSpacing = (told.maps?.levels.length ?? 0) > LARGE ? LARGE_FRAME : FRAME;
    if (measured) this.measureDue = now() + Math.max(MEASURING, RARER * took);
    else this.painting = took;
    this.send({ event: "frame", told });
  }
}

/** What the page says of a problem; one that is nobody's but ours is logged too. */
export function sentenceOf(problem: unknown): string {
  if (problem instanceof EngineError) return problem.message;
  // Of arrays, which a browser with no more memory refuses to make.
  if (problem instanceof RangeError) return "There is not enough memory for that. Ask for less.";
  console.error("a defect of the playground", problem);
  const kind = problem instanceof Error ? problem.name : typeof problem;
  return (
    `Something went wrong that should not have (${kind}); where the training stands is kept. ` +
    "Please report it, with what you did last."
  );
}

function now(): number {
  return performance.now() / 1000;
}
