/** What the lines of the picture mean. */
import { opened } from "../../model/bench";
import { unitsOf, type Problem } from "../../model/problem";
import { areDashed } from "./edges";
import { isBar, weightSlots } from "./geometry";

export function LineLegend({ problem: made }: { readonly problem: Problem }) {
  const now = opened.value;
  // Beside bars there are no lines.
  const units = unitsOf(made.open);
  if (!now || !units.some((count, at) => at > 0 && !isBar(count) && !isBar(units[at - 1]))) return null;
  const dashed = areDashed(weightSlots(now));
  return (
    <p class="network-lines">
      <span>
        <Line kind="network-above" /> weight above 0
      </span>
      <span>
        <Line kind={dashed ? "network-below network-dashed" : "network-below"} /> below 0
      </span>
      <span>thicker: larger</span>
    </p>
  );
}

function Line({ kind }: { readonly kind: string }) {
  return (
    <svg class={`network-sign ${kind}`} width="30" height="6" aria-hidden="true">
      <line x1="0" y1="3" x2="30" y2="3" />
    </svg>
  );
}
