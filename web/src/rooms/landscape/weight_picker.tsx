/** Two weights are chosen: by a click on an edge of the network, or by name. */
import { useId, useState } from "preact/hooks";
import { moved, opened } from "../../model/bench";
import { unitsOf, type Problem } from "../../model/problem";
import { Choice } from "../../parts/fields";
import { short } from "../../parts/numbers";
import type { Slot } from "../../protocol";
import { weightCalled } from "./weights";
import { change, indexes, names, twoWeights } from "./surface_state";

/** More names than these are typed, not listed; more edges than these are not drawn. */
const MOST_NAMES = 400;
const MOST_EDGES = 200;

function pick(which: 0 | 1, index: number): void {
  const [first, second] = twoWeights.value;
  const pair: readonly [number, number] = which === 0 ? [index, second] : [first, index];
  // The same weight both ways is no plane: the two change places.
  change(() => (indexes.value = pair[0] === pair[1] ? [second, first] : pair));
}

export function WeightPicker({ made }: { readonly made: Problem }) {
  const pair = twoWeights.value;
  return (
    <div class="landscape-picker">
      <NameField label="weight →" which={0} index={pair[0]} />
      <NameField label="weight ↑" which={1} index={pair[1]} />
      <Edges made={made} />
    </div>
  );
}

function NameField({
  label,
  which,
  index,
}: {
  readonly label: string;
  readonly which: 0 | 1;
  readonly index: number;
}) {
  const all = names.value;
  const id = useId();
  const [problem, setProblem] = useState("");
  if (all.length <= MOST_NAMES)
    return (
      <Choice
        label={label}
        value={String(index)}
        options={all.map((name, place) => [String(place), name])}
        onChoose={(value) => pick(which, Number(value))}
      />
    );
  const take = (text: string) => {
    const found = weightCalled(all, text);
    setProblem(found < 0 ? `There is no weight ${text}. Write it like ${all[0]}.` : "");
    if (found >= 0) pick(which, found);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        value={all[index]}
        aria-invalid={problem !== ""}
        onChange={(event) => take(event.currentTarget.value)}
      />
      {problem && (
        <p class="field-problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

const WIDE = 260;
const HIGH = 170;

/** A small network whose edges can be clicked: for the weight to the right and upwards in turn. */
function Edges({ made }: { readonly made: Problem }) {
  const [next, setNext] = useState<0 | 1>(0);
  const units = unitsOf(made.open);
  const slots = (opened.value?.slots ?? []).filter(
    (slot) => slot.block === "weight" && slot.shape.length === 2,
  );
  const edges = slots.reduce((sum, slot) => sum + slot.stop - slot.start, 0);
  // Layers without weights of their own would leave gaps in the picture.
  if (edges > MOST_EDGES || slots.length !== units.length - 1) return null;
  const x = (layer: number) => 16 + (layer / (units.length - 1)) * (WIDE - 32);
  const y = (layer: number, unit: number) =>
    HIGH / 2 + (unit - (units[layer] - 1) / 2) * Math.min(34, (HIGH - 24) / Math.max(...units));
  const pair = twoWeights.value;
  const vector = moved.value?.state.vector;
  const take = (index: number) => {
    pick(next, index);
    setNext(next === 0 ? 1 : 0);
  };
  return (
    <figure class="landscape-edges">
      <svg
        viewBox={`0 0 ${WIDE} ${HIGH}`}
        role="img"
        aria-label="The network; the two chosen weights are marked"
      >
        {slots.flatMap((slot) =>
          edgesOf(slot).map(({ index, from, to }) => {
            const ends = {
              x1: x(slot.layer),
              y1: y(slot.layer, from),
              x2: x(slot.layer + 1),
              y2: y(slot.layer + 1, to),
            };
            const chosen = pair.indexOf(index);
            return (
              <g
                key={index}
                class={chosen === 0 ? "right" : chosen === 1 ? "up" : ""}
                onClick={() => take(index)}
              >
                <title>
                  {names.value[index]} = {vector ? short(vector[index]) : ""}
                </title>
                <line {...ends} class="edge" />
                <line {...ends} class="hit" />
                {chosen >= 0 && (
                  <text x={(2 * ends.x1 + ends.x2) / 3} y={(2 * ends.y1 + ends.y2) / 3 - 5}>
                    {chosen === 0 ? "→" : "↑"}
                  </text>
                )}
              </g>
            );
          }),
        )}
        {units.flatMap((count, layer) =>
          Array.from({ length: count }, (_, unit) => (
            <circle key={`${layer}-${unit}`} cx={x(layer)} cy={y(layer, unit)} r={7} />
          )),
        )}
      </svg>
      <figcaption>
        Click an edge to take its weight {next === 0 ? "to the right" : "upwards"}.
      </figcaption>
    </figure>
  );
}

function edgesOf({ start, shape }: Slot): { index: number; from: number; to: number }[] {
  const [inputs, outputs] = shape;
  return Array.from({ length: inputs * outputs }, (_, place) => ({
    index: start + place,
    from: Math.floor(place / outputs),
    to: place % outputs,
  }));
}
