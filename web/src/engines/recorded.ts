/**
 * A recording: some steps of a training that were taken elsewhere, to be walked through without an
 * engine. It answers from what was recorded, forward and back, and computes nothing.
 */
import {
  EngineError,
  type Ask,
  type Curve,
  type Engine,
  type Events,
  type Finding,
  type Hello,
  type Maps,
  type Measures,
  type Moved,
  type Opened,
  type Ranges,
  type Requests,
  type State,
  type Stopped,
  type Traced,
} from "../protocol";
import { Listeners } from "./listeners";
import { decode } from "./wire";

type Judged = Requests["judge"][1];

/** All that can be asked for at a place of the training. */
export interface Frame {
  readonly state: State;
  readonly measures: Measures;
  /** The epochs that ended with the step to here. */
  readonly curve: Curve;
  readonly maps: Maps | null;
  readonly trace: Traced;
  readonly ranges: Ranges;
  /** Of the rows to train on; null where they are many. */
  readonly judged: Judged | null;
}

export interface Recording {
  readonly hello: Hello;
  readonly opened: Opened;
  readonly frames: readonly Frame[];
  /** The rows that the maps are of; null without maps. */
  readonly watched: Float64Array | null;
  readonly findings: readonly Finding[];
  readonly factors: Requests["factors"][1];
}

/** Steps a second at most while it plays: a recording is short. */
const FASTEST = 12;

const CANNOT: Partial<Record<Ask, string>> = {
  set: "other weights",
  plan: "another plan",
  surface: "a slice of the loss surface",
  runs: "other trainings",
  table: "another table",
  look: "predictions of other rows",
  save: "a model file",
  load: "another model",
};

const refused = (what: string): EngineError =>
  new EngineError(
    `This page is a recording: it shows the steps that were recorded, and no engine stands behind ` +
      `it for ${what}. Open the model with deltarule play for that.`,
  );

/** The recording that a page holds as text. */
export async function unpacked(text: string): Promise<Recording> {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return decode(await new Response(stream).arrayBuffer()) as Recording;
}

const joined = (parts: readonly Float64Array[]): Float64Array =>
  Float64Array.from(parts.flatMap((part) => [...part]));

const same = (one: Float64Array, other: Float64Array): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index]);

/** The same numbers but for the last digits, which depend on who computed them. */
const near = (one: Float64Array, other: Float64Array): boolean =>
  one.length === other.length &&
  one.every((value, index) => Math.abs(value - other[index]) <= 1e-9 * (1 + Math.abs(value)));

export class RecordedEngine implements Engine {
  private readonly listeners = new Listeners();
  private at = 0;
  private behind: number[] = [];
  private watches = false;
  private timer = 0;

  constructor(private readonly recording: Recording) {}

  async ask<A extends Ask>(what: A, given: Requests[A][0]): Promise<Requests[A][1]> {
    const cannot = CANNOT[what];
    if (cannot) throw refused(cannot);
    return this.answers[what as keyof typeof this.answers](given as never) as Requests[A][1];
  }

  on<E extends keyof Events>(event: E, heard: (told: Events[E]) => void): () => void {
    return this.listeners.on(event, heard);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private readonly answers = {
    hello: (): Hello => this.recording.hello,
    open: (given: Requests["open"][0]): Opened => this.open(given),
    advance: ({ unit, count }: Requests["advance"][0]): Moved =>
      this.go(unit === "step" ? this.at + count : this.afterEpochs(count)),
    play: ({ steps_per_second }: Requests["play"][0]): Moved => this.play(steps_per_second),
    pause: (): Moved => this.stand(),
    back: (): Moved => this.back(),
    trace: (given: Requests["trace"][0]): Traced => this.trace(given),
    ranges: (): Ranges => this.frame.ranges,
    judge: (given: Requests["judge"][0]): Judged => this.judge(given),
    factors: () => this.recording.factors,
    watch: ({ X }: Requests["watch"][0]): Moved => {
      this.watches = X !== null && this.recording.watched !== null && near(X, this.recording.watched);
      return this.moved(this.at);
    },
    ready: () => ({}),
    diagnose: () => ({ findings: this.recording.findings }),
  };

  private get frame(): Frame {
    return this.recording.frames[this.at];
  }

  private open({ network, start }: Requests["open"][0]): Opened {
    const [first] = this.recording.frames;
    const { open } = this.recording.hello.subject!;
    const known = JSON.stringify(network) === JSON.stringify(open.network);
    if (!known || !start || !same(start.vector, first.state.vector)) throw refused("another network");
    this.stand();
    this.at = 0;
    this.behind = [];
    this.watches = false;
    return this.recording.opened;
  }

  /** Go to a place ahead, as one move. */
  private go(to: number): Moved {
    this.stand();
    this.behind.push(this.at);
    return this.ahead(to);
  }

  private ahead(to: number): Moved {
    const from = this.at;
    this.at = Math.min(to, this.recording.frames.length - 1);
    return this.moved(from);
  }

  private afterEpochs(count: number): number {
    const last = this.frame.state.epoch + count;
    const found = this.recording.frames.findIndex(({ state }) => state.epoch >= last);
    return found < 0 ? this.recording.frames.length - 1 : found;
  }

  private back(): Moved {
    this.stand();
    const place = this.behind.pop();
    if (place === undefined)
      throw new EngineError(
        "There is nothing to go back to: this is where the recording begins. Take a step first.",
      );
    this.at = place;
    return this.moved(place);
  }

  private play(stepsPerSecond: number | null): Moved {
    this.stand();
    this.behind.push(this.at);
    const pace = Math.min(stepsPerSecond ?? FASTEST, FASTEST);
    this.timer = window.setInterval(() => {
      const told = this.ahead(this.at + 1);
      if (told.stopped) clearInterval(this.timer);
      this.listeners.tell("frame", told);
    }, 1000 / pace);
    return this.moved(this.at);
  }

  /** Play no longer. */
  private stand(): Moved {
    clearInterval(this.timer);
    return this.moved(this.at);
  }

  private trace({ x, numeric }: Requests["trace"][0]): Traced {
    if (x) throw refused("a sample of your own");
    const { trace } = this.frame;
    return numeric ? trace : { ...trace, numeric: null };
  }

  private judge({ held }: Requests["judge"][0]): Judged {
    const { judged } = this.frame;
    if (held || !judged) throw refused("predictions of these rows");
    return judged;
  }

  private moved(from: number): Moved {
    const { state, measures, maps } = this.frame;
    const met = this.recording.frames.slice(from + 1, this.at + 1).map(({ curve }) => curve);
    return {
      state,
      measures,
      curve: {
        epoch: joined(met.map(({ epoch }) => epoch)),
        loss: joined(met.map(({ loss }) => loss)),
        held_loss: joined(met.map(({ held_loss }) => held_loss)),
      },
      stopped: this.atTheEnd(),
      behind: this.behind.length,
      maps: this.watches ? maps : null,
    };
  }

  private atTheEnd(): Stopped | null {
    if (this.at < this.recording.frames.length - 1) return null;
    const sentence = "The recording ends with this step. Go back, or begin again.";
    return { reason: "recording_ends", sentence };
  }
}
