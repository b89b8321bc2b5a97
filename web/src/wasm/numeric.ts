/** Central differences beside the gradient, as the library's `check_gradients` takes them. */

import type { CoreSession } from "./core";
import { kinksOf, lossKinks } from "./losses";
import type { Network } from "./network";
import type { Samples, Trace } from "./work";

/** h of (f(w + h) − f(w − h)) / 2h. */
const STEP = 6e-6;

/** Steps of size 0 write down what a row meets, and move nothing. */
const LOOK = {
  sampling: "sequential",
  key: 0n,
  batchSize: 1,
  l1: 0,
  l2: 0,
  scale: 1,
  clock: 0,
} as const;
const STILL = new Float64Array(1);

/** f's difference for every weight on one row, NaN across a kink; moves the session's numbers. */
export function differences(
  session: CoreSession,
  network: Network,
  vector: Float64Array,
  row: Samples,
): Float64Array {
  session.setOptimizer({ name: "sgd" });
  session.bind(row);
  const met = (index: number, value: number): Trace => {
    const moved = vector.slice();
    moved[index] = value;
    session.setParameters(moved);
    return session.trace(LOOK, 0, STILL);
  };
  return vector.map((weight, index) => {
    const [high, low] = [weight + STEP, weight - STEP];
    const [above, below] = [met(index, high), met(index, low)];
    if (crosses(network, above, below, row.D)) return NaN;
    return (above.report.losses[0] - below.report.losses[0]) / (high - low);
  });
}

/** Whether a kink lies between what two traces met, in any unit or output. */
function crosses(network: Network, one: Trace, other: Trace, D: Float64Array): boolean {
  const between = (kink: number, a: number, b: number): boolean =>
    (a - kink) * (b - kink) <= 0 && a !== b;
  const jumps = network.layers.some(({ activation }, layer) =>
    kinksOf(activation).some((kink) =>
      one.preActivations[layer].some((z, unit) =>
        between(kink, z, other.preActivations[layer][unit]),
      ),
    ),
  );
  if (jumps) return true;
  const judged = network.loss === "perceptron" ? "preActivations" : "outputs";
  const [first, second] = [one, other].map((trace) => trace[judged][network.layers.length - 1]);
  return D.some((target, unit) =>
    lossKinks(network, target).some((kink) => between(kink, first[unit], second[unit])),
  );
}
