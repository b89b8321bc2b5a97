/** Of more than two inputs: over which two the maps are drawn. */
import { choose, settings } from "../../model/bench";
import type { Problem } from "../../model/problem";
import { Choice } from "../../parts/fields";
import { axesOf } from "./grid";

export function AxesChoice({ problem: made }: { problem: Problem }) {
  const { inputs } = made.table;
  const [across, up] = axesOf(made.table, settings.value.axes);
  const options = inputs.map((name, input) => [String(input), name] as const);
  // The two change places where one is chosen that the other has.
  const take = (x: number, y: number) => void choose({ axes: x === y ? [up, across] : [x, y] });
  return (
    <div class="network-axes" role="group" aria-label="Inputs of the maps">
      <Choice label="across" value={String(across)} options={options} onChoose={(name) => take(Number(name), up)} />
      <Choice label="upwards" value={String(up)} options={options} onChoose={(name) => take(across, Number(name))} />
      <p class="network-words">
        {inputs.length === 3 ? "The other input stands" : "The others stand"} at{" "}
        {inputs.length === 3 ? "its mean" : "their means"}.
      </p>
    </div>
  );
}
