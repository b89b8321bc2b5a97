/** The network room: the network, what each unit sees, the output over the plane, the curves. */
import { useEffect } from "preact/hooks";
import { Chart } from "../../parts/chart";
import { curves, problem, settings, watch } from "../../model/bench";
import { toNetwork, unitsOf } from "../../model/problem";
import { Controls } from "./controls";
import { frameOf, gridPoints } from "./grid";
import { OutputMap } from "./output_map";
import { NetworkPicture } from "./picture";

/** Points of the grid along each side, fewer where there are many units to be shown. */
export function gridCount(units: number): number {
  return units > 100 ? 24 : 32;
}

export function NetworkRoom() {
  const made = problem.value;
  const flat = made !== null && made.table.inputs.length === 2;
  const units = made ? unitsOf(made.open).slice(1) : [];
  const count = gridCount(units.reduce((sum, width) => sum + width, 0));
  useEffect(() => {
    if (!made || !flat) return;
    void watch(toNetwork(made.scaling, gridPoints(frameOf(made.table), count)));
  }, [made, flat, count]);
  if (!made) return <p class="empty">Preparing …</p>;
  const { epoch, loss, held } = curves.value;
  return (
    <div class="network-room">
      <Controls />
      <section class="picture" aria-label="The network">
        <NetworkPicture problem={made} count={count} />
      </section>
      <aside>
        {flat && <OutputMap problem={made} count={count} />}
        <h2>Loss over epochs</h2>
        <Chart
          label={`Loss over ${epoch.length} epochs`}
          height={150}
          epochs={epoch}
          lines={[
            { name: "training", color: "--ink", values: loss },
            ...(held.length && settings.value.held > 0
              ? [{ name: "held out", color: "--below", dash: [5, 4], values: held }]
              : []),
          ]}
        />
      </aside>
    </div>
  );
}
