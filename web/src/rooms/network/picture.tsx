/** The network as layers of units and the weights between them: pointed at, gone through by keys. */
import { useMemo, useRef, useState } from "preact/hooks";
import { LiveCanvas } from "../../parts/live_canvas";
import type { Size } from "../../parts/canvas";
import { moved, opened, playing, settings } from "../../model/bench";
import { unitsOf, type Problem } from "../../model/problem";
import { Atlas } from "./atlas";
import { Edges, MOST_LINES } from "./edges";
import { columnsOf, isBar, LEAST_COLUMN, unitAt, weightSlots, type Column, type Margins, type Point } from "./geometry";
import { LayerHeads } from "./layer_heads";
import { addUnits } from "./layers";
import { LineLegend } from "./line_legend";
import { drawMarks } from "./marks";
import { kept, pointed, same, shown, unitName, type Selection, type UnitChoice } from "./selection";
import { drawUnits } from "./units";

interface Props {
  readonly problem: Problem;
  /** Points of a map along each side; 0 where there are none. */
  readonly count: number;
}

/** Seconds between two drawings of the lines while it plays, of few and of many. */
const LINES_EVERY = [0.06, 0.12] as const;

/** Units above which the picture is taller. */
const TALL = 32;

/** The room for names that are longer than two letters, up to a limit. */
export function marginsOf(made: Problem): Margins {
  const room = (names: readonly string[], most: number) => {
    const longest = Math.max(0, ...names.map((name) => name.length));
    return names.length > most || longest <= 2 ? 0 : Math.min(92, 12 + 6.6 * longest);
  };
  const classes = made.table.kind === "classes" && made.outputs.length > 1;
  return { left: room(made.table.inputs, 40), right: classes ? room(made.outputs, 40) : 0 };
}

const followTraining = () => void moved.value;
const followSelection = () => void (shown.value, kept.value);

export function NetworkPicture({ problem: made, count }: Props) {
  const units = unitsOf(made.open);
  const allUnits = units.slice(1).reduce((sum, width) => sum + width, 0);
  const margins = marginsOf(made);
  const [edges] = useState(() => new Edges());
  const [atlas] = useState(() => new Atlas());
  const drawnAt = useRef(0);
  const size = useRef<Size>({ width: 0, height: 0 });
  const slots = opened.value ? weightSlots(opened.value) : [];
  const columns = useMemo(() => {
    let made: Column[] = [];
    let of = "";
    return (at: Size) => {
      const key = `${at.width} ${at.height}`;
      if (key !== of) [made, of] = [columnsOf(units, at, margins), key];
      return made;
    };
  }, [made, margins.left, margins.right]);

  const drawLines = (context: CanvasRenderingContext2D, at: Size, fresh: boolean) => {
    size.current = at;
    const vector = moved.peek()?.state.vector;
    if (!vector || vector.length !== opened.peek()?.size) return;
    const many = vector.length > MOST_LINES;
    const now = performance.now() / 1000;
    if (!fresh && playing.peek() && now - drawnAt.current < LINES_EVERY[Number(many)]) return;
    const changed = edges.change(vector, slots);
    if (!fresh && !changed) return;
    drawnAt.current = now;
    context.clearRect(0, 0, at.width, at.height);
    edges.draw(context, columns(at), slots);
  };
  const drawAllUnits = (context: CanvasRenderingContext2D, at: Size) => {
    const told = moved.peek();
    const now = opened.peek();
    if (!told || !now || told.state.vector.length !== now.size) return;
    const there = columns(at);
    // Of very many units there are no maps, or those of the last layer alone.
    const mapped = count > 0 && told.maps?.levels.length === allUnits * count ** 2;
    if (mapped) atlas.paint(told.maps!, count, there.slice(1));
    context.clearRect(0, 0, at.width, at.height);
    drawUnits(context, { made, columns: there, opened: now, vector: told.state.vector, atlas: mapped ? atlas : null });
  };
  const drawSelection = (context: CanvasRenderingContext2D, at: Size) => {
    context.clearRect(0, 0, at.width, at.height);
    drawMarks(context, columns(at), slots, [kept.peek(), shown.peek()]);
  };

  const at = (event: PointerEvent | MouseEvent): Selection | null => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const point: Point = { x: event.clientX - box.left, y: event.clientY - box.top };
    const there = columns(size.current);
    const found = unitAt(there, point);
    if (found) return { kind: "unit", column: found[0], unit: found[1] };
    return edges.at(there, slots, point);
  };
  const point = (event: PointerEvent) => {
    const found = event.pointerType === "touch" ? null : at(event);
    if (!same(found, pointed.peek())) pointed.value = found;
  };
  const keep = (event: MouseEvent) => {
    const found = at(event);
    kept.value = same(found, kept.peek()) ? null : found;
  };
  return (
    <div class="network-frame">
      <div style={{ minWidth: `${units.length * LEAST_COLUMN}px` }}>
        <LayerHeads problem={made} margins={margins} />
        <div
          class={Math.max(...units.filter((count) => !isBar(count))) > TALL ? "network-stage tall" : "network-stage"}
          role="application"
          tabIndex={0}
          aria-label={`The network, ${units.join(", ")} units from the inputs to the output. Arrow keys go from unit to unit.`}
          aria-describedby="network-at"
          onPointerMove={point}
          onPointerLeave={() => (pointed.value = null)}
          onClick={keep}
          onKeyDown={(event) => {
            if (pressed(event.key, units)) event.preventDefault();
          }}
        >
          <LiveCanvas when={followTraining} draw={drawLines} />
          <LiveCanvas when={followTraining} draw={drawAllUnits} label={labelOf(units)} />
          <LiveCanvas when={followSelection} draw={drawSelection} />
          <At made={made} />
        </div>
      </div>
      <LineLegend problem={made} />
    </div>
  );
}

const labelOf = (units: readonly number[]): string =>
  `A network of ${units.join(", ")} units; blue weights are positive, orange or dashed ones negative`;

/** What the keys have come to, for a screen reader. */
function At({ made }: { made: Problem }) {
  const chosen = kept.value;
  return (
    <p id="network-at" class="visually-hidden" aria-live="polite">
      {chosen?.kind === "unit" ? unitName(made, chosen.column, chosen.unit) : ""}
    </p>
  );
}

/** The unit that an arrow key leads to from another. */
export function neighbour(from: UnitChoice, key: string, units: readonly number[]): UnitChoice | null {
  const aside = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (aside !== undefined) {
    let column = from.column + aside;
    // Over bars, which have no units to be looked at.
    while (column >= 0 && column < units.length && isBar(units[column])) column += aside;
    if (column < 0 || column >= units.length) return null;
    // To the unit that stands at about the same height.
    const unit = Math.round(((from.unit + 0.5) / units[from.column]) * units[column] - 0.5);
    return { kind: "unit", column, unit: Math.min(Math.max(unit, 0), units[column] - 1) };
  }
  const along = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (along === undefined) return null;
  const unit = from.unit + along;
  return unit < 0 || unit >= units[from.column] ? null : { ...from, unit };
}

/** Whether the picture does something with a key. */
function pressed(key: string, units: readonly number[]): boolean {
  const chosen = kept.peek();
  if (key === "Escape") {
    kept.value = null;
    return chosen !== null;
  }
  const from = chosen?.kind === "unit" ? chosen : null;
  if (key.startsWith("Arrow")) {
    const column = units.findIndex((count) => !isBar(count));
    const first: UnitChoice | null = column < 0 ? null : { kind: "unit", column, unit: 0 };
    const next = from ? neighbour(from, key, units) : first;
    if (next) kept.value = next;
    return true;
  }
  const more = { "+": 1, "=": 1, "-": -1, "−": -1 }[key];
  if (more === undefined || !from || from.column === 0 || from.column === units.length - 1) return false;
  if (!settings.peek().hide.includes("network")) addUnits(from.column - 1, more);
  return true;
}
