/** Outputs of all layers of a network: a session of one layer each, at the speed of batches. */

import { CoreSession } from "./core";
import type { CoreModule } from "./module";
import type { Network } from "./network";
import type { DenseLayer } from "./work";

export class Layers {
  private readonly sessions: readonly CoreSession[];
  /** The same without their activations: what they say is z. */
  private readonly bare: readonly CoreSession[];

  constructor(
    module: CoreModule,
    private readonly network: Network,
  ) {
    // Which loss judges them does not matter: they only predict.
    const alone = (layer: DenseLayer): CoreSession =>
      new CoreSession(module, { layers: [layer], loss: "squared_error", parameter: 0 });
    this.sessions = network.layers.map(alone);
    this.bare = network.layers.map((layer) => alone({ ...layer, activation: "identity" }));
  }

  /** a^1 … a^L of rows, (rows, units) each. */
  outputs(vector: Float64Array, X: Float64Array): Float64Array[] {
    let below = X;
    return this.sessions.map((session, layer) => {
      below = this.predict(session, vector, layer, below);
      return below;
    });
  }

  /** z^1 … z^L of rows whose outputs are known. */
  preActivations(
    vector: Float64Array,
    X: Float64Array,
    outputs: readonly Float64Array[],
  ): Float64Array[] {
    return this.bare.map((session, layer) =>
      this.predict(session, vector, layer, layer ? outputs[layer - 1] : X),
    );
  }

  private predict(
    session: CoreSession,
    vector: Float64Array,
    layer: number,
    below: Float64Array,
  ): Float64Array {
    session.setParameters(this.network.part(vector, layer));
    return session.predict(below);
  }
}
