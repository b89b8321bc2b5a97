/** The losses over the epochs, of the rows to train on and of those held out. */
import { useState } from "preact/hooks";
import { settings } from "../../model/bench";
import { calmCurves } from "../../model/calm";
import { Chart } from "../../parts/chart";
import { AsTable } from "../../parts/as_table";
import { short } from "../../parts/numbers";
import { Switch } from "../../parts/fields";

/** Rows of the curves' table. */
const LINES = 20;

export function Losses() {
  const [log, setLog] = useState(false);
  const { epoch, loss, held } = calmCurves.value;
  const withHeld = settings.value.held > 0 && held.length === epoch.length && held.length > 0;
  const last = epoch.length - 1;
  return (
    <figure class="network-losses">
      <div class="network-losses-head">
        <h2>Loss over epochs</h2>
        <Switch label="logarithmic" value={log} onChoose={setLog} />
      </div>
      {epoch.length === 0 ? (
        <p class="network-words empty-chart">The curve begins with the first whole epoch.</p>
      ) : (
        <Chart
          label={`Loss over ${epoch[last]} epochs, now ${short(loss[last])}`}
          height={150}
          log={log}
          epochs={epoch}
          lines={[
            { name: "training", color: "ink", values: loss },
            ...(withHeld ? [{ name: "held out", color: "below" as const, dash: [5, 4], values: held }] : []),
          ]}
        />
      )}
      {withHeld && (
        <figcaption>
          <span class="network-line" aria-hidden="true" /> rows to train on{" "}
          <span class="network-line held" aria-hidden="true" /> rows held out
        </figcaption>
      )}
      <AsTable
        title="The curve as a table"
        heads={["epoch", "loss, training", ...(withHeld ? ["loss, held out"] : [])]}
        rows={() =>
          evenly(epoch.length, LINES).map((place) => [
            String(epoch[place]),
            short(loss[place]),
            ...(withHeld ? [short(held[place])] : []),
          ])
        }
      />
    </figure>
  );
}

/** Places from the first to the last, at most so many. */
export function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, place) => place);
  return Array.from({ length: most }, (_, place) => Math.round((place * (count - 1)) / (most - 1)));
}
