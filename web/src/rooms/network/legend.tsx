/** What the colours and marks of the large map mean. */
import { hasOwnTargets, ownTarget, written } from "../../model/own_units";
import type { Problem } from "../../model/problem";
import { unitsOf } from "../../model/problem";
import { calmMoved } from "../../model/calm";
import { Canvas } from "../../parts/canvas";
import { short } from "../../parts/numbers";
import { drawShape } from "../../parts/classes";
import { targetColor, targetShape } from "./rows";

interface Props {
  readonly problem: Problem;
  /** Which unit's map it is; −1 for the classes together. */
  readonly place: number;
  readonly isOutput: boolean;
  readonly letter: string;
}

export function Legend({ problem: made, place, isOutput, letter }: Props) {
  const { table } = made;
  return (
    <div class="network-legend">
      {place >= 0 && <Scale made={made} place={place} letter={letter} isOutput={isOutput} />}
      {table.kind === "classes" ? (
        <ul aria-label="Rows">
          {table.outputs.map((name, target) => (
            <li key={name}>
              <Swatch shape={targetShape(table, target)} color={targetColor(table, target)} />
              {isOutput && table.outputs.length > 2 ? name : `${table.target} ${name}`}
            </li>
          ))}
          {made.held.length > 0 && <li>thick ring: held out</li>}
        </ul>
      ) : (
        <ul aria-label="Rows">
          <li>
            <Swatch shape={0} color={targetColor(table, 1)} />
            rows, in the colour of their target
          </li>
          {made.held.length > 0 && <li>thick ring: held out</li>}
        </ul>
      )}
    </div>
  );
}

function Swatch({ shape, color }: { shape: number; color: string }) {
  return (
    <Canvas
      label=""
      aria-hidden="true"
      class="network-swatch"
      draw={(context, { width, height }) => {
        drawShape(context, shape, width / 2, height / 2, 5);
        context.fillStyle = color;
        context.fill();
      }}
    />
  );
}

/** From the lowest to the highest output of a unit, as its colours have it. */
function Scale({ made, place, letter, isOutput }: Omit<Props, "problem"> & { made: Problem }) {
  const maps = calmMoved.value?.maps;
  const units = unitsOf(made.open).slice(1);
  const all = units.reduce((sum, width) => sum + width, 0);
  const at = maps ? place - (all - maps.low.length) : -1;
  if (!maps || at < 0) return null;
  const own = isOutput && hasOwnTargets(made.table);
  const output = place - (all - units[units.length - 1]);
  const write = (value: number) =>
    own ? written(made.table, Number(ownTarget(made.table, output, value).toPrecision(3))) : short(value, 2);
  return (
    <p class="network-scale">
      <span>
        {own ? made.outputs[output] : letter} = {write(maps.low[at])}
      </span>
      <span class="network-ramp" aria-hidden="true" />
      <span>{write(maps.high[at])}</span>
    </p>
  );
}
