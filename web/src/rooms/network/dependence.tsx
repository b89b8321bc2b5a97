/**
 * Partial dependence: the mean prediction over the rows as one column of the table takes each of its
 * values in all of them.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, opened } from "../../model/bench";
import { calmMoved } from "../../model/calm";
import { cellOf, columnsOf, ownTarget, written } from "../../model/own_units";
import { unitsOf, type Problem } from "../../model/problem";
import { AsTable } from "../../parts/as_table";
import { Canvas, type Size } from "../../parts/canvas";
import { classColor, drawShape } from "../../parts/classes";
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import type { TableRead } from "../../protocol";
import {
  averaged,
  dependenceRows,
  heightOf,
  inOwnUnits,
  isWords,
  OUTPUTS,
  ROWS,
  varying,
  WORDS,
  type Curve,
} from "./dependence_curves";

/** Columns at once, to begin with, and in the list. */
const AT_ONCE = 6;
const AT_FIRST = 4;
const LISTED = 512;
/** Words of a column that have room under its picture. */
const NAMED = 3;

export function Dependence({ problem: made }: { problem: Problem }) {
  const { table } = made;
  const [picked, setPicked] = useState<{ of: TableRead; places: readonly number[] } | null>(null);
  const columns = columnsOf(table);
  const vary = useMemo(() => varying(table), [table]);
  const first = vary.flatMap((does, place) => (does ? [place] : [])).slice(0, AT_FIRST);
  const places = picked?.of === table ? picked.places : first;
  const curves = useCurves(made, places);
  const targets = useMemo(() => table.y.map((value) => shownTarget(table, value)), [table]);
  const height = heightOf(made, curves, targets);
  const outputs = made.outputs.length > 1 ? made.outputs.slice(0, OUTPUTS) : [];
  return (
    <section class="network-dependence" aria-label="Partial dependence">
      <h2>What the prediction does as one input changes</h2>
      <p class="network-words">
        The mean prediction over {Math.min(ROWS, made.train.length)} rows in which the input takes each value
        {table.kind === "values" && !inOwnUnits(table) && table.origin?.targets.length ? ", in the network's own numbers" : ""}.
      </p>
      {columns.length > 1 && (
        <Chooser
          table={table}
          vary={vary}
          places={places}
          onChoose={(chosen) => setPicked({ of: table, places: chosen })}
        />
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
          <CurvePicture key={curve.column.first} made={made} curve={curve} height={height} targets={targets} />
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

const shownTarget = (table: TableRead, value: number): number =>
  inOwnUnits(table) ? ownTarget(table, 0, value) : value;

interface ChooserProps {
  readonly table: TableRead;
  readonly vary: readonly boolean[];
  readonly places: readonly number[];
  readonly onChoose: (places: readonly number[]) => void;
}

function Chooser({ table, vary, places, onChoose }: ChooserProps) {
  const columns = columnsOf(table);
  const all = columns.length.toLocaleString("en");
  return (
    <>
      <p class="network-words">
        {places.length} of {all} {table.origin?.columns.length ? "columns" : "inputs"} chosen, at most {AT_ONCE} at
        once{columns.length > LISTED && `; the list has the first ${LISTED}`}.
      </p>
      <div class="network-inputs" role="group" aria-label="Inputs">
        {columns.slice(0, LISTED).map(({ name }, place) => (
          <label key={place} class={vary[place] ? undefined : "still"}>
            <input
              type="checkbox"
              checked={places.includes(place)}
              disabled={!places.includes(place) && places.length >= AT_ONCE}
              onChange={(event) =>
                onChoose(
                  event.currentTarget.checked
                    ? [...places, place].sort((a, b) => a - b)
                    : places.filter((other) => other !== place),
                )
              }
            />
            {name}
            {!vary[place] && <small> constant</small>}
          </label>
        ))}
      </div>
    </>
  );
}

const nameOf = ({ table }: Problem, { column, points }: Curve, point: number): string =>
  cellOf(table, { ...column, first: 0 }, points[point]);

/** A mean prediction; three digits where it is no number of the table's. */
const meanOf = ({ table }: Problem, value: number): string =>
  inOwnUnits(table) ? written(table, Number(value.toPrecision(4))) : short(value);

function tableOf(made: Problem, curve: Curve): string[][] {
  const { column, points, means } = curve;
  if (points.length < 2) return [[column.name, `${nameOf(made, curve, 0)} in every row`]];
  const lines = isWords(column) ? points.length : 9;
  return Array.from({ length: lines }, (_, line) => {
    const step = Math.round((line * (points.length - 1)) / (lines - 1));
    return [column.name, nameOf(made, curve, step), ...means.map((values) => meanOf(made, values[step]))];
  });
}

/** Asked for anew as the training goes on, one at a time. */
function useCurves(made: Problem, places: readonly number[]): readonly Curve[] {
  const [found, setFound] = useState<{ of: Problem; curves: readonly Curve[] } | null>(null);
  const [turn, setTurn] = useState(0);
  const busy = useRef(false);
  const wanted = useRef<readonly [Problem, string]>([made, ""]);
  const at = calmMoved.value;
  const now = opened.value;
  const key = places.join();
  wanted.current = [made, key];
  useEffect(() => {
    if (busy.current || !now) return;
    const all = columnsOf(made.table);
    const columns = places.map((place) => all[place]);
    const asked = dependenceRows(made, columns);
    const width = unitsOf(made.open).at(-1)!;
    const take = (outputs: Float64Array) => setFound({ of: made, curves: averaged(made, asked, outputs, width) });
    if (!asked.X.length) return take(asked.X);
    busy.current = true;
    void ask("look", { X: asked.X, layers: false }).then((told) => {
      busy.current = false;
      const fits = told?.outputs.length === (asked.X.length / made.table.inputs.length) * width;
      if (told && fits) take(told.outputs);
      const [latest, others] = wanted.current;
      if (latest !== made || others !== key) setTurn((count) => count + 1);
    });
  }, [made, key, at, now, turn]);
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

interface PictureProps {
  readonly made: Problem;
  readonly curve: Curve;
  /** From where to where all of the pictures go. */
  readonly height: readonly [number, number];
  readonly targets: Float64Array;
}

function CurvePicture({ made, curve, height: [low, high], targets }: PictureProps) {
  const { column, points, means } = curve;
  const last = points.length - 1;
  if (last < 1)
    return (
      <figure>
        <figcaption>
          <b title={column.name}>{column.name}</b>
        </figcaption>
        <p class="network-still">
          is {nameOf(made, curve, 0)} in every row: there is nothing that changes.
        </p>
      </figure>
    );
  const words = isWords(column);
  const draw = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    context.strokeStyle = colors.value.rule;
    context.lineWidth = 1;
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    const x = (step: number) =>
      words ? ((step + 0.5) / points.length) * width : 2 + (step / last) * (width - 4);
    const y = (value: number) => height - 8 - ((value - low) / (high - low || 1)) * (height - 16);
    if (columnsOf(made.table).length === 1 && !words) drawTargets(context, made, curve, targets, x, y);
    means.forEach((values, unit) => {
      context.strokeStyle = lineOf(unit, means.length);
      context.fillStyle = context.strokeStyle;
      if (words) drawWords(context, values, unit, x, y);
      else drawLine(context, values, means.length > 1 ? unit : 0, x, y);
    });
    context.setLineDash([]);
  };
  const ends = [0, last].map((step) => nameOf(made, curve, step));
  return (
    <figure>
      <figcaption>
        <b title={column.name}>{column.name}</b>
        <span>
          {meanOf(made, low)} … {meanOf(made, high)}
        </span>
      </figcaption>
      <Canvas
        draw={draw}
        label={`Mean prediction as ${column.name} goes from ${ends[0]} to ${ends[1]}: ${means
          .map(
            (values, unit) =>
              `${made.outputs[unit] ?? "prediction"} from ${meanOf(made, values[0])} to ${meanOf(made, values[last])}`,
          )
          .join(", ")}`}
      />
      <div class={words && points.length <= NAMED ? "network-span words" : "network-span"}>
        {underOf(made, curve).map((name, place) => (
          <span key={place}>{name}</span>
        ))}
      </div>
    </figure>
  );
}

/** What stands under a picture: the ends, of numbers on a bent scale the middle too, and few words. */
function underOf(made: Problem, curve: Curve): string[] {
  const { column, points } = curve;
  const name = (step: number) => nameOf(made, curve, step);
  const last = points.length - 1;
  if (isWords(column)) {
    if (points.length <= NAMED) return points.map((_, step) => name(step));
    const left = column.levels.length - WORDS;
    return [name(0), `${points.length} words${left > 0 ? ` of ${column.levels.length}` : ""}`, name(last)];
  }
  const steps = column.bend > 0 ? [0, last / 2, last] : [0, last];
  // Three digits: there is little room.
  return steps.map((step) => {
    const text = name(step);
    return text.length > 6 ? rounded(text) : text;
  });
}

const rounded = (text: string): string => {
  const value = Number(text.replaceAll("−", "-"));
  return Number.isFinite(value) ? short(value) : text;
};

type Place = (value: number) => number;

function drawLine(context: CanvasRenderingContext2D, values: Float64Array, dash: number, x: Place, y: Place): void {
  context.lineWidth = 2;
  context.setLineDash([...DASHES[dash % DASHES.length]]);
  context.beginPath();
  values.forEach((value, step) => context.lineTo(x(step), y(value)));
  context.stroke();
}

function drawWords(context: CanvasRenderingContext2D, values: Float64Array, unit: number, x: Place, y: Place): void {
  values.forEach((value, step) => {
    drawShape(context, unit, x(step), y(value), values.length > 12 ? 3.5 : 5);
    context.fill();
  });
}

/** Of a single column the rows stand beside its curve. */
function drawTargets(
  context: CanvasRenderingContext2D,
  { table }: Problem,
  { points, column }: Curve,
  targets: Float64Array,
  x: Place,
  y: Place,
): void {
  const last = points.length - 1;
  const span = points[last][0] - points[0][0] || 1;
  const width = table.inputs.length;
  context.fillStyle = colors.value.soft;
  for (let row = 0; row < Math.min(table.rows, 1000); row += 1) {
    const step = ((table.X[row * width + column.first] - points[0][0]) / span) * last;
    context.fillRect(x(step) - 1.5, y(targets[row]) - 1.5, 3, 3);
  }
}
