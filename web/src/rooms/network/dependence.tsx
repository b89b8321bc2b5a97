/**
 * Partial dependence: the mean prediction over the rows as one input takes each of its values in
 * all of them.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, opened } from "../../model/bench";
import { calmMoved } from "../../model/calm";
import { toNetwork, unitsOf, type Problem } from "../../model/problem";
import { Canvas, type Size } from "../../parts/canvas";
import { classColor } from "../../parts/classes";
import { short } from "../../parts/numbers";
import { AsTable } from "../../parts/as_table";
import { colors } from "../../parts/scheme";
import { column } from "./grid";

/** Values of an input, rows that are averaged, inputs at once, outputs that are drawn. */
const VALUES = 33;
const ROWS = 60;
const AT_ONCE = 6;
const OUTPUTS = 10;

interface Curve {
  readonly input: number;
  readonly at: Float64Array;
  /** Of each output, its mean at each value. */
  readonly means: readonly Float64Array[];
}

interface Asked {
  readonly X: Float64Array;
  readonly at: readonly Float64Array[];
  readonly rows: number;
}

/** Rows in which each of the inputs takes each of its values, in the network's own scale. */
export function dependenceRows(made: Problem, inputs: readonly number[]): Asked {
  const { table } = made;
  const width = table.inputs.length;
  const count = Math.min(ROWS, made.train.length);
  const rows = Array.from({ length: count }, (_, place) => made.train[Math.floor((place * made.train.length) / count)]);
  const X = new Float64Array(inputs.length * VALUES * count * width);
  let place = 0;
  const at = inputs.map((input) => {
    const values = column(table, input);
    const low = values.reduce((least, value) => Math.min(least, value), Infinity);
    const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
    const points = Float64Array.from({ length: VALUES }, (_, step) => low + (step / (VALUES - 1)) * (high - low));
    for (const point of points)
      for (const row of rows) {
        X.set(table.X.subarray(row * width, (row + 1) * width), place);
        X[place + input] = point;
        place += width;
      }
    return points;
  });
  return { X: toNetwork(made.scaling, X), at, rows: count };
}

function averaged(outputs: Float64Array, asked: Asked, inputs: readonly number[], width: number): Curve[] {
  return inputs.map((input, index) => ({
    input,
    at: asked.at[index],
    means: Array.from({ length: Math.min(width, OUTPUTS) }, (_, unit) =>
      Float64Array.from({ length: VALUES }, (_, step) => {
        const first = (index * VALUES + step) * asked.rows;
        let sum = 0;
        for (let row = first; row < first + asked.rows; row += 1) sum += outputs[row * width + unit];
        return sum / asked.rows;
      }),
    ),
  }));
}

export function Dependence({ problem: made }: { problem: Problem }) {
  const { table } = made;
  const [chosen, setChosen] = useState<readonly number[]>([0, 1, 2, 3]);
  const inputs = chosen.filter((input) => input < table.inputs.length);
  const curves = useCurves(made, inputs);
  const outputs = made.outputs.length > 1 ? made.outputs.slice(0, OUTPUTS) : [];
  return (
    <section class="network-dependence" aria-label="Partial dependence">
      <h2>What the prediction does as one input changes</h2>
      <p class="network-words">
        The mean prediction over {Math.min(ROWS, made.train.length)} rows in which the input takes each value.
      </p>
      {table.inputs.length > 1 && (
        <div class="network-inputs" role="group" aria-label="Inputs">
          {table.inputs.slice(0, 64).map((name, input) => (
            <label key={input}>
              <input
                type="checkbox"
                checked={inputs.includes(input)}
                disabled={!inputs.includes(input) && inputs.length >= AT_ONCE}
                onChange={(event) =>
                  setChosen(
                    event.currentTarget.checked
                      ? [...inputs, input].sort((a, b) => a - b)
                      : inputs.filter((other) => other !== input),
                  )
                }
              />
              {name}
            </label>
          ))}
        </div>
      )}
      {outputs.length > 0 && (
        <ul class="network-keys" aria-label="Outputs">
          {outputs.map((name, unit) => (
            <li key={name}>
              <Stroke unit={unit} /> {name}
            </li>
          ))}
        </ul>
      )}
      <div class="network-curves">
        {curves.map((curve) => (
          <CurvePicture key={curve.input} made={made} curve={curve} />
        ))}
      </div>
      <AsTable
        title="These curves as a table"
        heads={["input", "value", ...(outputs.length ? outputs : [made.outputs[0] ?? "prediction"])]}
        rows={() => curves.flatMap((curve) => tableOf(made, curve))}
      />
    </section>
  );
}

function tableOf(made: Problem, { input, at, means }: Curve): string[][] {
  return Array.from({ length: 9 }, (_, line) => {
    const step = Math.round((line * (VALUES - 1)) / 8);
    return [made.table.inputs[input], short(at[step]), ...means.map((values) => short(values[step]))];
  });
}

/** Asked for anew as the training goes on, one at a time. */
function useCurves(made: Problem, inputs: readonly number[]): readonly Curve[] {
  const [found, setFound] = useState<{ of: Problem; curves: readonly Curve[] } | null>(null);
  const busy = useRef(false);
  const at = calmMoved.value;
  const now = opened.value;
  const key = inputs.join();
  useEffect(() => {
    if (busy.current || !now) return;
    busy.current = true;
    const asked = dependenceRows(made, inputs);
    const width = unitsOf(made.open).at(-1)!;
    void ask("look", { X: asked.X, layers: false }).then((told) => {
      busy.current = false;
      if (told && told.outputs.length === (asked.X.length / made.table.inputs.length) * width)
        setFound({ of: made, curves: averaged(told.outputs, asked, inputs, width) });
    });
  }, [made, key, at, now]);
  return found?.of === made ? found.curves : [];
}

const lineOf = (unit: number, outputs: number): string => (outputs > 1 ? classColor(unit) : colors.value.act);
/** Lines are told apart by more than their colour. */
const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 4]];

function Stroke({ unit }: { unit: number }) {
  return (
    <Canvas
      label=""
      aria-hidden="true"
      class="network-stroke"
      draw={(context, { width, height }) => {
        context.strokeStyle = classColor(unit);
        context.lineWidth = 2.5;
        context.setLineDash([...DASHES[unit % DASHES.length]]);
        context.beginPath();
        context.moveTo(0, height / 2);
        context.lineTo(width, height / 2);
        context.stroke();
      }}
    />
  );
}

function CurvePicture({ made, curve }: { made: Problem; curve: Curve }) {
  const name = made.table.inputs[curve.input];
  const { at, means } = curve;
  const [low, high] = limitsOf(made, means);
  const draw = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    context.strokeStyle = colors.value.rule;
    context.lineWidth = 1;
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    const x = (step: number) => 2 + (step / (VALUES - 1)) * (width - 4);
    const y = (value: number) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
    if (made.table.inputs.length === 1) drawTargets(context, made, x, y, at);
    means.forEach((values, unit) => {
      context.strokeStyle = lineOf(unit, means.length);
      context.lineWidth = 2;
      context.setLineDash(means.length > 1 ? [...DASHES[unit % DASHES.length]] : []);
      context.beginPath();
      values.forEach((value, step) => context.lineTo(x(step), y(value)));
      context.stroke();
    });
    context.setLineDash([]);
  };
  return (
    <figure>
      <figcaption>
        <b>{name}</b>
        <span>
          {short(low, 2)} … {short(high, 2)}
        </span>
      </figcaption>
      <Canvas
        draw={draw}
        label={`Mean prediction as ${name} goes from ${short(at[0])} to ${short(at[VALUES - 1])}: ${means
          .map((values, unit) => `${made.outputs[unit] ?? "prediction"} from ${short(values[0])} to ${short(values[VALUES - 1])}`)
          .join(", ")}`}
      />
      <div class="network-span">
        <span>{short(at[0], 2)}</span>
        <span>{short(at[VALUES - 1], 2)}</span>
      </div>
    </figure>
  );
}

/** Of a single input the rows stand beside their curve. */
function drawTargets(
  context: CanvasRenderingContext2D,
  made: Problem,
  x: (step: number) => number,
  y: (value: number) => number,
  at: Float64Array,
): void {
  const { table } = made;
  const span = at[VALUES - 1] - at[0] || 1;
  context.fillStyle = colors.value.soft;
  for (let row = 0; row < Math.min(table.rows, 1000); row += 1) {
    const step = ((table.X[row] - at[0]) / span) * (VALUES - 1);
    context.fillRect(x(step) - 1.5, y(table.y[row]) - 1.5, 3, 3);
  }
}

/** From 0 to 1 for classes, else what the means and the targets take. */
function limitsOf(made: Problem, means: readonly Float64Array[]): readonly [number, number] {
  if (["logistic", "softmax"].includes(made.outputActivation)) return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const values of [...means, ...(made.table.kind === "classes" ? [] : [made.table.y])])
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  return [low, high];
}
