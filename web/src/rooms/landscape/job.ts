/**
 * One long piece of work at a time, cut into asks of a fraction of a second: the engine answers
 * others in between, the page says how far it is, and it can be ended at any point.
 */
import { signal } from "@preact/signals";
import { notice, problem } from "../../model/bench";
import type { Problem } from "../../model/problem";

export interface Standing {
  readonly what: string;
  /** 0 … 1. */
  readonly done: number;
  /** Seconds that it will take from here on; null while that is not known. */
  readonly left: number | null;
}

/** What is under way, or null. */
export const standing = signal<Standing | null>(null);

/** Seconds that one ask should take, so that a training that plays goes on being seen. */
export const SECONDS_OF_AN_ASK = 0.15;

export class Job {
  private static current: Job | null = null;
  private readonly began = performance.now();
  private ended = false;

  private constructor(
    private readonly what: string,
    private readonly made: Problem,
  ) {}

  /** Begin; what was under way before is ended. */
  static begin(what: string, made: Problem): Job {
    Job.current?.end();
    const job = new Job(what, made);
    Job.current = job;
    standing.value = { what, done: 0, left: null };
    return job;
  }

  static cancel(): void {
    Job.current?.end();
  }

  /** False once it was ended, or another network or other rows were opened. */
  get wanted(): boolean {
    return !this.ended && sameProblem(this.made, problem.value);
  }

  tell(done: number): void {
    if (this.ended) return;
    const passed = (performance.now() - this.began) / 1000;
    const left = passed > 0.5 && done > 0 ? (passed * (1 - done)) / done : null;
    standing.value = { what: this.what, done, left };
  }

  /** Something that is under way may be seen again and again; the last word of it is here. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (Job.current === this) {
      Job.current = null;
      standing.value = null;
    }
  }
}

/** Whether weights of one training are weights of the other, on the same rows. */
export function sameProblem(made: Problem, other: Problem | null): boolean {
  if (!other) return false;
  if (made === other) return true;
  const [a, b] = [made.open, other.open];
  return (
    JSON.stringify(a.network) === JSON.stringify(b.network) &&
    sameNumbers(a.train.X, b.train.X) &&
    sameNumbers(a.train.D, b.train.D)
  );
}

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  return a === b || (a.length === b.length && a.every((value, index) => value === b[index]));
}

/** Say a sentence where the page says such things. */
export function say(sentence: string): void {
  notice.value = sentence;
}
