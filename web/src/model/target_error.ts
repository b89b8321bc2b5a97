/** A table that could be read, but not with this target: with another one it may be of use. */
import { EngineError } from "../protocol";

export class TargetError extends EngineError {
  /** `columns`: all of the table, to choose the target from. */
  constructor(
    sentence: string,
    readonly target: string,
    readonly columns: readonly string[],
  ) {
    super(sentence);
  }
}
