/** The gradient check: the analytic number beside the central difference of the same weight. */
import { exact } from "../../parts/numbers";
import { written } from "./formula";
import type { Line } from "./row";
import type { Script } from "./script";

/** As `check_gradients` judges: relative to the largest gradient, or to f. */
const TOLERANCE = 1e-7;

export interface Agreement {
  readonly judged: number;
  readonly agreed: number;
  readonly largest: number;
}

function scaleOf({ traced }: Script["scene"]): number {
  let scale = Math.max(Math.abs(traced.loss), Number.MIN_VALUE);
  for (const entry of traced.gradient) scale = Math.max(scale, Math.abs(entry));
  return scale;
}

/** Of all weights, how many were judged and how many agree. */
export function agreement(script: Script): Agreement {
  const { gradient, numeric } = script.scene.traced;
  const scale = scaleOf(script.scene);
  let judged = 0;
  let agreed = 0;
  let largest = 0;
  numeric?.forEach((difference, place) => {
    if (Number.isNaN(difference)) return;
    const gap = Math.abs(difference - gradient[place]);
    judged += 1;
    agreed += Number(gap <= TOLERANCE * scale);
    largest = Math.max(largest, gap);
  });
  return { judged, agreed, largest };
}

/** Whether any unit is trained by a rule in place of a derivative. */
export function hasSign(script: Script): boolean {
  return script.layers.some((_, layer) => script.activation(layer + 1, 0).name === "sign");
}

interface Props {
  readonly script: Script;
  readonly line: Line;
  readonly large?: boolean;
}

export function Check({ script, line, large }: Props) {
  const { traced } = script.scene;
  const place = line.moves!.at;
  const difference = traced.numeric?.[place] ?? NaN;
  const gap = Math.abs(difference - traced.gradient[place]);
  const agrees = gap <= TOLERANCE * scaleOf(script.scene);
  const mark = (
    <span class={agrees ? "step-agrees" : "step-differs"}>
      <span aria-hidden="true">{agrees ? "✓" : "✗"}</span>
      <span class="step-hidden">{agrees ? "agrees" : "differs"}</span>
    </span>
  );
  const number = (
    <span data-difference={place} data-value={String(difference)} title={exact(difference)}>
      {written(difference)}
    </span>
  );
  if (Number.isNaN(difference))
    return large ? null : (
      <span title="no difference is taken here">
        –<span class="step-hidden">not judged</span>
      </span>
    );
  if (!large)
    return (
      <>
        {number} {mark}
      </>
    );
  return (
    <p class="step-difference">
      By differences, (f(w + h) − f(w − h)) / 2h = {number} {mark}
    </p>
  );
}
