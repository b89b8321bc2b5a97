/** Above each column what it is, and for hidden layers the buttons that add and remove units. */
import { useEffect, useRef, useState } from "preact/hooks";
import { settings } from "../../model/bench";
import { unitsOf, type Problem } from "../../model/problem";
import { MOST_HIDDEN, MOST_UNITS } from "../../model/settings";
import { columnX, type Margins } from "./geometry";
import { addLayers, addUnits } from "./layers";

interface Props {
  readonly problem: Problem;
  readonly margins: Margins;
}

/** Whether the network is the one that the choices describe, and not one that was opened. */
export function isChosen(made: Problem, hidden: readonly number[]): boolean {
  const units = unitsOf(made.open).slice(1, -1);
  return units.length === hidden.length && units.every((width, index) => width === hidden[index]);
}

export function LayerHeads({ problem: made, margins }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watcher = new ResizeObserver(() => setWidth(place.current?.clientWidth ?? 0));
    watcher.observe(place.current!);
    return () => watcher.disconnect();
  }, []);
  const units = unitsOf(made.open);
  const { hidden, hide } = settings.value;
  const editable = isChosen(made, hidden) && !hide.includes("network");
  const { layers } = made.open.network;
  return (
    <div class="network-heads" ref={place}>
      {editable && <LayerCount layers={hidden.length} />}
      <div class="network-columns">
        {units.map((count, column) => (
          <div
            key={column}
            class="network-head"
            style={{ left: `${columnX(units.length, column, width, margins)}px` }}
          >
            {column > 0 && column < units.length - 1 ? (
              <Hidden
                layer={column - 1}
                units={count}
                kind={layers[column - 1].name}
                editable={editable}
              />
            ) : (
              <span>{headOf(column === 0, count)}</span>
            )}
          </div>
        ))}
      </div>
    </div>
  );
}

function headOf(isInput: boolean, count: number): string {
  const word = isInput ? "input" : "output";
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function LayerCount({ layers }: { layers: number }) {
  return (
    <div class="network-layers" role="group" aria-label="Hidden layers">
      <button type="button" aria-label="Remove the last hidden layer" disabled={layers === 0} onClick={() => addLayers(-1)}>
        −
      </button>
      <span>
        {layers} hidden layer{layers === 1 ? "" : "s"}
      </span>
      <button type="button" aria-label="Add a hidden layer" disabled={layers >= MOST_HIDDEN} onClick={() => addLayers(1)}>
        +
      </button>
    </div>
  );
}

interface HiddenProps {
  readonly layer: number;
  readonly units: number;
  readonly kind: string;
  readonly editable: boolean;
}

function Hidden({ layer, units, kind, editable }: HiddenProps) {
  const words = kind === "dense" ? `${units} unit${units === 1 ? "" : "s"}` : kind.replaceAll("_", " ");
  if (!editable) return <span class={kind === "dense" ? undefined : "network-kind"}>{words}</span>;
  const name = `hidden layer ${layer + 1}`;
  return (
    <div class="network-units" role="group" aria-label={`Units of ${name}`}>
      <span>{words}</span>
      <button
        type="button"
        aria-label={units > MOST_UNITS ? `Leave ${MOST_UNITS} units in ${name}` : `Remove a unit from ${name}`}
        title={units > MOST_UNITS ? `${MOST_UNITS} units, which can be drawn` : undefined}
        disabled={units <= 1}
        onClick={() => addUnits(layer, -1)}
      >
        −
      </button>
      <button
        type="button"
        aria-label={`Add a unit to ${name}`}
        disabled={units >= MOST_UNITS}
        onClick={() => addUnits(layer, 1)}
      >
        +
      </button>
    </div>
  );
}
