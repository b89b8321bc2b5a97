/** The large map: the output over two inputs with the rows on top, or the unit that is looked at. */
import { useMemo } from "preact/hooks";
import { moved, settings } from "../../model/bench";
import { spanOf } from "../../model/own_units";
import { unitsOf, type Problem } from "../../model/problem";
import type { Size } from "../../parts/canvas";
import { LiveCanvas } from "../../parts/live_canvas";
import { colors } from "../../parts/scheme";
import { axesOf, column, frameOf, limits } from "./grid";
import { LargeMap } from "./large_map";
import type { TableRead } from "../../protocol";
import { Legend } from "./legend";
import { drawRow, spreadOf } from "./rows";
import { shown, unitLetter, unitName } from "./selection";

interface Props {
  readonly problem: Problem;
  readonly count: number;
}

/** The unit of the maps that is shown large: its place among all units; −1 for the classes together. */
interface Shown {
  readonly place: number;
  readonly title: string;
  readonly letter: string;
  readonly isOutput: boolean;
}

function shownOf(made: Problem): Shown {
  const units = unitsOf(made.open);
  const last = units.length - 1;
  const before = (column: number) => units.slice(1, column).reduce((sum, width) => sum + width, 0);
  const chosen = shown.value;
  const column = chosen?.kind === "unit" && chosen.column > 0 ? chosen.column : last;
  const unit = chosen?.kind === "unit" && chosen.column > 0 ? chosen.unit : 0;
  const isOutput = column === last;
  if (isOutput && chosen?.kind !== "unit" && made.table.kind === "classes" && units[last] > 1)
    return { place: -1, title: "The class of the largest output", letter: "d̂", isOutput };
  const title = chosen?.kind === "unit" ? unitName(made, column, unit) : `The output ${unitLetter(made, column, unit)}`;
  return { place: before(column) + unit, title, letter: unitLetter(made, column, unit), isOutput };
}

const followTraining = () => void (moved.value, shown.value);

export function MapPanel({ problem: made, count }: Props) {
  const { table } = made;
  const now = shownOf(made);
  const axes = axesOf(table, settings.value.axes);
  const large = useMemo(() => new LargeMap(), []);
  const units = unitsOf(made.open).slice(1);
  const outputs = units[units.length - 1];
  const all = units.reduce((sum, width) => sum + width, 0);

  const drawMap = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    const maps = moved.peek()?.maps;
    if (!maps) return;
    const of = maps.levels.length / count ** 2;
    if (of !== all && of !== outputs) return;
    context.imageSmoothingEnabled = true;
    const place = now.place - (all - of);
    if (now.place >= 0 && place < 0) return;
    const picture = now.place < 0 ? large.classes(maps, of - outputs, outputs, count) : large.unit(maps, place, count);
    context.drawImage(picture, 0, 0, width, height);
  };
  const drawRows = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    context.clearRect(0, 0, width, height);
    drawAllRows(context, made, axes, width, height);
  };
  return (
    <figure class="network-map">
      <h2>{now.title}</h2>
      <div class="network-map-stage">
        <LiveCanvas when={followTraining} draw={drawMap} label={labelOf(made, axes, now.title)} />
        <LiveCanvas when={still} draw={drawRows} />
        <span class="network-axis across">{axisOf(table, axes[0], CALLED)}</span>
        {table.inputs.length > 1 && <span class="network-axis up">{axisOf(table, axes[1], CALLED)}</span>}
      </div>
      <figcaption>
        <Legend problem={made} place={now.place} isOutput={now.isOutput} letter={now.letter} />
      </figcaption>
    </figure>
  );
}

const still = () => undefined;

/** Letters of an input's name beside the map, so that its span has room too. */
const CALLED = 24;

/** An input with the span of its rows, as the table has it. */
function axisOf(table: TableRead, input: number, most = Infinity): string {
  const [low, high] = limits(column(table, input));
  const name = table.inputs[input];
  const called = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  return `${called}: ${spanOf(table, input, low, high)}`;
}

function labelOf({ table }: Problem, axes: readonly [number, number], title: string): string {
  const names = [...new Set(axes)].map((input) => axisOf(table, input).replace(":", " from").replace("…", "to"));
  return `Map: ${title}, over ${names.join(" and ")}, with ${table.rows} rows`;
}

/** Where a row stands beside the place of others that were there before: as the seeds of a sunflower. */
function around(before: number, apart: number): [number, number] {
  const [away, angle] = [apart * Math.sqrt(before), before * Math.PI * (3 - Math.sqrt(5))];
  return [away * Math.cos(angle), away * Math.sin(angle)];
}

/** Pixels within which all rows of one place stand. */
const CROWD = 34;

/** Rows of a table that are drawn at most. */
const MOST_ROWS = 2000;

function drawAllRows(
  context: CanvasRenderingContext2D,
  made: Problem,
  axes: readonly [number, number],
  width: number,
  height: number,
): void {
  const { table } = made;
  const { low, high } = frameOf(table, axes);
  const held = new Set(made.held);
  const inputs = table.inputs.length;
  const spread = spreadOf(table);
  const { panel, ink } = colors.peek();
  const size = table.rows <= 20 ? 7 : table.rows <= 80 ? 4.5 : 3.2;
  const every = Math.ceil(table.rows / MOST_ROWS);
  const rows = Array.from({ length: Math.ceil(table.rows / every) }, (_, index) => index * every);
  const spots = rows.map((row) => {
    const x = ((table.X[inputs * row + axes[0]] - low[0]) / (high[0] - low[0])) * width;
    // Of a single input the height says the target.
    const up =
      inputs > 1 ? (table.X[inputs * row + axes[1]] - low[1]) / (high[1] - low[1]) : 0.5 + 0.4 * (table.y[row] / spread);
    return { x, y: (1 - up) * height };
  });
  const there = new Map<string, number>();
  const before = spots.map(({ x, y }) => {
    const place = `${x} ${y}`;
    const found = there.get(place) ?? 0;
    there.set(place, found + 1);
    return found;
  });
  const most = Math.max(...there.values());
  const apart = Math.min(0.9 * size, CROWD / Math.sqrt(most));
  rows.forEach((row, index) => {
    const { x, y } = spots[index];
    const [right, down] = around(before[index], apart);
    context.lineWidth = held.has(row) ? 2.2 : 1;
    drawRow(context, {
      x: x + right,
      y: y + down,
      size,
      table,
      row,
      outline: held.has(row) ? ink : panel,
      spread,
    });
  });
}
