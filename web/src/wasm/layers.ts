/** Outputs of all layers of a network: a session of one layer each, at the speed of batches. */

import { CoreSession } from "./core";
import type { CoreModule } from "./module";
import type { Network } from "./network";

export class Layers {
  private readonly sessions: readonly CoreSession[];

  constructor(
    module: CoreModule,
    private readonly network: Network,
  ) {
    // Which loss judges them does not matter: they only predict.
    this.sessions = network.layers.map(
      (layer) => new CoreSession(module, { layers: [layer], loss: "squared_error", parameter: 0 }),
    );
  }

  /** a^1 … a^L of rows, (rows, units) each. */
  outputs(vector: Float64Array, X: Float64Array): Float64Array[] {
    let below = X;
    return this.sessions.map((session, layer) => {
      session.setParameters(this.network.part(vector, layer).slice());
      below = session.predict(below);
      return below;
    });
  }
}
