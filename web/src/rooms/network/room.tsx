/** The network room: the network, what each unit sees, the output over the plane, the curves. */
import { useEffect, useLayoutEffect } from "preact/hooks";
import { engineIs, problem, settings, watch } from "../../model/bench";
import { toNetwork, unitsOf, type Problem } from "../../model/problem";
import { MOST_HIDDEN, MOST_UNITS } from "../../model/settings";
import { Findings } from "../../parts/findings";
import { SavePicture } from "../../parts/save_picture";
import { AxesChoice } from "./axes_choice";
import { Controls } from "./controls";
import { Dependence } from "./dependence";
import { MOST_LINES } from "./edges";
import { axesOf, gridCount, gridPoints } from "./grid";
import { Inspector } from "./inspector";
import { isBar } from "./geometry";
import { Losses } from "./losses";
import { MapPanel } from "./map_panel";
import { NetworkPicture } from "./picture";
import { Predictions } from "./predictions";
import { NetworkTables } from "./tables";
import "./network.css";

/** Whether the network is drawn as layers because its units are too many. */
export function isTooLarge(units: readonly number[]): boolean {
  return units.some(isBar) || units.length > MOST_HIDDEN + 2;
}

export function NetworkRoom() {
  const made = problem.value;
  if (!made) return <p class="empty">Preparing …</p>;
  return <Room made={made} />;
}

function Room({ made }: { made: Problem }) {
  const units = unitsOf(made.open);
  const large = isTooLarge(units.slice(1));
  const [across, up] = axesOf(made.table, settings.value.axes);
  const count = large ? 32 : gridCount(units.slice(1).reduce((sum, width) => sum + width, 0));
  // Before the browser draws: no picture without maps in between.
  useLayoutEffect(() => {
    void watch(toNetwork(made.scaling, gridPoints(made.table, [across, up], count)), !large);
  }, [made, across, up, count, large]);
  useEffect(() => () => void watch(null), []);
  const inputs = made.table.inputs.length;
  // A recording has predictions of its own rows alone.
  const recorded = engineIs.value?.engine === "recording";
  return (
    <div class="network-room">
      <Controls />
      <section class="network-middle" aria-label="The network">
        <NetworkPicture problem={made} count={large ? 0 : count} />
        {!large && <FewLines units={units} />}
        {(large || isBar(units[0])) && <TooLarge units={units} />}
        <Inspector problem={made} />
        {inputs !== 2 && !recorded && <Dependence problem={made} />}
        <Predictions problem={made} />
        <NetworkTables problem={made} />
        <p class="network-pictures">
          <SavePicture name="network" of=".network-stage" />
          <SavePicture name="map" of=".network-map-stage" />
        </p>
      </section>
      <aside>
        <MapPanel problem={made} count={count} />
        {inputs > 2 && <AxesChoice problem={made} />}
        <Losses />
        <Findings />
      </aside>
    </div>
  );
}

function FewLines({ units }: { units: readonly number[] }) {
  const most = Math.max(...units.slice(1).map((width, below) => width * units[below]));
  if (most <= MOST_LINES) return null;
  return (
    <p class="network-words">
      Between two layers the {MOST_LINES} strongest weights are drawn, here of up to {most.toLocaleString("en")}.
    </p>
  );
}

function TooLarge({ units }: { units: readonly number[] }) {
  const wide = [...new Set(units.filter(isBar))].map((count) => count.toLocaleString("en"));
  return (
    <p class="network-words">
      {wide.length > 0
        ? `A layer of more than ${MOST_UNITS} units, here ${wide.join(" and ")}, is shown as a bar with the histogram of the weights into it, above 0 at its upper half.`
        : `${units.length - 2} hidden layers are more than the ${MOST_HIDDEN} whose units can be told apart: their maps are left out.`}
    </p>
  );
}
