/** How much to ask for at once: long enough to be worth an ask, short enough to be ended and seen. */

/** An ask that took less is followed by a larger one, one that took more by a smaller one. */
const SHORT = 0.3;
const LONG = 1;

/** Seconds of the first ask, by a guess at what a row and a parameter of it cost. */
const FIRST = 0.1;
const ROW = 5e-8;
const PARAMETER = 2e-9;

export class Pace {
  /** Epochs of one run that an ask does, over all its runs. */
  private budget: number;

  constructor(rows: number, parameters: number) {
    this.budget = FIRST / (rows * (ROW + PARAMETER * parameters));
  }

  /** Runs of one ask, at most. */
  runs(): number {
    return Math.max(1, Math.floor(this.budget));
  }

  /** Epochs of one ask of so many runs. */
  epochs(runs: number): number {
    return Math.max(1, Math.floor(this.budget / runs));
  }

  /** What an ask of so many epochs over all its runs took. */
  note(asked: number, seconds: number): void {
    if (seconds < SHORT) this.budget = Math.max(this.budget, 2 * asked);
    else if (seconds > LONG) this.budget = Math.max(1, asked / 2);
  }
}
