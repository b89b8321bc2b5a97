/** The network of the step: values on its units, weights on its edges, the line at hand marked. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { tidy } from "./formula";
import { edgePlace, spoken, targetPlace, unitPlace, unitTitle } from "./names";
import { Letter } from "./letter";
import type { Line, Script } from "./script";
import { chosen, current, lines, pickEdge, pickUnit } from "./state";

/** Units of a layer that are drawn; of a wider one those around the chosen one. */
const MOST_DRAWN = 6;
/** Pixels that the number on an edge takes. */
const LABEL = { width: 48, height: 14 };
/** Pixels between two units that leave room for two numbers, and for one. */
const ROOM_FOR_TWO = 88;
const ROOM_FOR_ONE = 58;
/** Height of a unit that has room for its letter above its number. */
const ROOM_FOR_LETTER = 36;
/** Where on an edge its number stands: where edges to one unit have not met yet. */
const ALONG = 0.7;

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Box {
  readonly layer: number;
  readonly unit: number;
  readonly x: number;
  readonly y: number;
}

interface Layout {
  readonly boxes: readonly (readonly Box[])[];
  readonly wide: number;
  readonly high: number;
  /** Between two layers, and between two units of a layer. */
  readonly gap: number;
  readonly pitch: number;
}

/** A number for a narrow place: two digits, and no row of zeros. */
function brief(value: number): string {
  const text = tidy(value, 2);
  return text.length <= 6 ? text : value.toExponential(0).replaceAll("-", "−");
}

/** Which units of a layer are drawn. */
export function drawnUnits(count: number, middle: number): number[] {
  const first = Math.max(0, Math.min(middle - Math.floor(MOST_DRAWN / 2), count - MOST_DRAWN));
  return Array.from({ length: Math.min(count, MOST_DRAWN) }, (_, index) => first + index);
}

function layoutOf(script: Script, { width, height }: Size): Layout {
  const columns = script.depth + 1;
  const left = 16;
  const right = 74;
  const gapAll = (width - left - right) / columns;
  const wide = Math.max(34, Math.min(84, 0.56 * gapAll));
  const gap = (width - left - right - wide) / (columns - 1);
  const most = Math.max(
    ...Array.from({ length: columns }, (_, layer) => Math.min(script.count(layer), MOST_DRAWN)),
  );
  const step = Math.min((height - 44) / most, 112);
  const high = Math.min(42, 0.62 * step);
  const boxes = Array.from({ length: columns }, (_, layer) => {
    const units = drawnUnits(script.count(layer), chosen.value[layer] ?? 0);
    const top = height / 2 + 4 - ((units.length - 1) * step) / 2;
    const x = left + wide / 2 + layer * gap;
    return units.map((unit, index) => ({ layer, unit, x, y: top + index * step }));
  });
  return { boxes, wide, high, gap, pitch: step };
}

export function Picture({ script }: { readonly script: Script }) {
  const place = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>({ width: 640, height: 380 });
  useLayoutEffect(() => {
    const node = place.current!;
    const measure = () => {
      // On paper it is not there.
      if (node.clientWidth) setSize({ width: node.clientWidth, height: node.clientHeight });
    };
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(node);
    return () => watcher.disconnect();
  }, []);
  useLayoutEffect(() => {
    const svg = place.current!.querySelector("svg")!;
    const next = svg.querySelector<SVGElement>(`[data-unit="${svg.dataset.next}"]`);
    if (document.activeElement === svg && next) next.focus();
  });
  const layout = layoutOf(script, size);
  const line = lines.value[current.value];
  return (
    <div class="step-picture" ref={place}>
      <svg
        width={size.width}
        height={size.height}
        tabindex={-1}
        role="group"
        aria-label="The network; arrow keys move between its units, Enter shows a unit's line"
        onKeyDown={(event) => moveFocus(event, script)}
      >
        {layout.boxes.slice(0, -1).map((boxes, layer) => (
          <Edges key={layer} script={script} layout={layout} layer={layer} from={boxes} line={line} />
        ))}
        {layout.boxes.map((boxes) =>
          boxes.map((box) => (
            <Unit key={`${box.layer}-${box.unit}`} script={script} layout={layout} box={box} line={line} />
          )),
        )}
        {layout.high < ROOM_FOR_LETTER &&
          layout.boxes.map(([box], layer) => (
            <Letter key={layer} name={{ ...script.letters.output(layer, 0), lower: "" }} x={box.x} y={14} />
          ))}
        {layout.boxes.map((boxes, layer) => (
          <More key={layer} script={script} layout={layout} layer={layer} boxes={boxes} />
        ))}
        {layout.boxes[script.depth].map((box) => (
          <Target key={box.unit} script={script} layout={layout} box={box} />
        ))}
      </svg>
    </div>
  );
}

/** Whether the walk has come to a number of a unit: z and a, or δ. */
function isReached(line: Line, of: "a" | "delta", layer: number, unit: number): boolean {
  if (line.phase === "update") return true;
  if (of === "a") {
    if (line.phase === "backward" || layer === 0) return true;
    return layer < line.layer || (layer === line.layer && unit <= line.unit);
  }
  if (line.phase === "forward") return false;
  return layer > line.layer || (layer === line.layer && unit <= line.unit);
}

/** Whether the line at hand uses a weight. */
function isUsed(line: Line, layer: number, from: number, to: number): boolean {
  if (line.phase === "update") return line.place === edgePlace(layer, from, to);
  if (line.phase === "forward") return layer + 1 === line.layer && to === line.unit;
  return layer === line.layer && from === line.unit;
}

/** Whether the update of a weight is at hand or done. */
function isMoved(line: Line, layer: number, from: number, to: number): boolean {
  if (line.phase !== "update") return false;
  if (layer !== line.layer) return layer > line.layer;
  if (to !== line.unit) return to < line.unit;
  return from >= 0 ? line.from < 0 || from <= line.from : line.from < 0;
}

interface Ends {
  readonly source: Box;
  readonly target: Box;
}

/** Whether numbers at these heights, all between the same two layers, leave each other room. */
function areApart(heights: readonly number[], { gap, wide }: Layout): boolean {
  if (gap - wide < LABEL.width) return !heights.length;
  const rising = [...heights].sort((a, b) => a - b);
  return rising.every((height, index) => !index || height - rising[index - 1] >= LABEL.height);
}

interface EdgesProps {
  readonly script: Script;
  readonly layout: Layout;
  readonly layer: number;
  readonly from: readonly Box[];
  readonly line: Line;
}

function Edges({ script, layout, layer, from, line }: EdgesProps) {
  if (!script.isDense(layer + 1)) return null;
  const to = layout.boxes[layer + 1];
  const { traced } = script.scene;
  let largest = 1;
  for (const source of from)
    for (const target of to)
      largest = Math.max(largest, Math.abs(script.weight(layer, source.unit, target.unit).value));
  const edges = from.flatMap((source) =>
    to.map((target) => {
      const after = isMoved(line, layer, source.unit, target.unit);
      const index = script.place(layer, source.unit, target.unit);
      const weight = (after ? traced.after : traced.before)[index];
      return { source, target, after, weight, used: isUsed(line, layer, source.unit, target.unit) };
    }),
  );
  const height = ({ source, target }: Ends) => source.y + ALONG * (target.y - source.y);
  const used = edges.filter((edge) => edge.used);
  const labelled = [edges, used, []].find((some) => areApart(some.map(height), layout));
  // What the line at hand uses lies on top.
  edges.sort((a, b) => Number(a.used) - Number(b.used));
  return (
    <g>
      {edges.map((edge) => {
        const { source, target, after, weight } = edge;
        const x1 = source.x + layout.wide / 2;
        const x2 = target.x - layout.wide / 2;
        const share = Math.min(Math.abs(weight) / largest, 1);
        const kind = `step-edge ${weight < 0 ? "step-below" : "step-above"}${edge.used ? " step-used" : ""}`;
        return (
          <g
            key={`${source.unit}-${target.unit}`}
            class={kind}
            data-place={edgePlace(layer, source.unit, target.unit)}
            onClick={() => pickEdge(layer, source.unit, target.unit)}
          >
            <line class="step-reach" x1={x1} y1={source.y} x2={x2} y2={target.y} />
            <line
              class="step-stroke"
              x1={x1}
              y1={source.y}
              x2={x2}
              y2={target.y}
              stroke-width={0.8 + 5 * share}
            />
            {labelled!.includes(edge) && (
              <text
                class={after ? "step-label step-new" : "step-label"}
                x={x1 + ALONG * (x2 - x1)}
                y={height(edge) + 4}
              >
                {tidy(weight)}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

interface UnitProps {
  readonly script: Script;
  readonly layout: Layout;
  readonly box: Box;
  readonly line: Line;
}

function Unit({ script, layout, box, line }: UnitProps) {
  const { layer, unit, x, y } = box;
  const { wide, high } = layout;
  const { depth } = script;
  const value = script.output(layer, unit);
  const delta = layer > 0 ? script.delta(layer, unit) : null;
  const isWide = script.count(layer) > MOST_DRAWN;
  const stands = isWide && (chosen.value[layer] ?? 0) === unit;
  const about = line.place === unitPlace(layer, unit);
  const room = layout.pitch > ROOM_FOR_TWO ? 2 : Number(layout.pitch > ROOM_FOR_ONE);
  const forward = line.phase === "forward";
  const narrow = wide < 66;
  const number = (of: number) => (narrow || room < 2 ? brief(of) : tidy(of));
  const lettered = high >= ROOM_FOR_LETTER;
  const kind = ["step-unit", about && "step-current", stands && "step-chosen", narrow && "step-narrow"].filter(Boolean).join(" ");
  const spokenDelta = delta ? `, ${spoken(delta.name)} = ${tidy(delta.value)}` : "";
  return (
    <g
      class={kind}
      role="img"
      tabindex={layer === 0 && box === layout.boxes[0][0] ? 0 : -1}
      data-place={unitPlace(layer, unit)}
      data-unit={`${layer}-${unit}`}
      aria-label={`${unitTitle(depth, layer, unit)}: ${spoken(value.name)} = ${tidy(value.value)}${spokenDelta}`}
      onClick={() => pickUnit(layer, unit)}
    >
      <rect x={x - wide / 2} y={y - high / 2} width={wide} height={high} rx={layer === 0 ? 6 : high / 2} />
      {lettered && <Letter name={value.name} x={x} y={y - high / 2 + 13} />}
      <text
        class={isReached(line, "a", layer, unit) ? "step-value" : "step-value step-ahead"}
        x={x}
        y={lettered ? y + high / 2 - 7 : y + 5}
        aria-hidden="true"
      >
        {number(value.value)}
      </text>
      {delta && (room === 2 || about || (room === 1 && !forward)) && (
        <text
          class={isReached(line, "delta", layer, unit) ? "step-delta" : "step-delta step-ahead"}
          x={x}
          y={y + high / 2 + 15}
          aria-hidden="true"
        >
          δ {number(delta.value)}
        </text>
      )}
      {layer > 0 && script.hasBias(layer - 1) && (room === 2 || (room === 1 && forward)) && (
        <Bias script={script} layer={layer - 1} unit={unit} x={x} y={y - high / 2 - 5} line={line} />
      )}
    </g>
  );
}

interface BiasProps {
  readonly script: Script;
  readonly layer: number;
  readonly unit: number;
  readonly x: number;
  readonly y: number;
  readonly line: Line;
}

function Bias({ script, layer, unit, x, y, line }: BiasProps) {
  const after = isMoved(line, layer, -1, unit);
  const { traced } = script.scene;
  const value = (after ? traced.after : traced.before)[script.place(layer, -1, unit)];
  return (
    <text
      class={after ? "step-bias step-new" : "step-bias"}
      x={x}
      y={y}
      aria-hidden="true"
      data-place={edgePlace(layer, -1, unit)}
      onClick={(event) => {
        event.stopPropagation();
        pickEdge(layer, -1, unit);
      }}
    >
      b {tidy(value)}
    </text>
  );
}

function Target({ script, layout, box }: Omit<UnitProps, "line">) {
  const target = script.target(box.unit);
  return (
    <text
      class="step-target"
      x={box.x + layout.wide / 2 + 8}
      y={box.y + 5}
      data-place={targetPlace(box.unit)}
      data-thing={target.thing}
    >
      d = {tidy(target.value)}
    </text>
  );
}

interface MoreProps {
  readonly script: Script;
  readonly layout: Layout;
  readonly layer: number;
  readonly boxes: readonly Box[];
}

/** How many units of a wide layer are not drawn, above and below. */
function More({ script, layout, layer, boxes }: MoreProps) {
  const count = script.count(layer);
  if (count <= MOST_DRAWN) return null;
  const above = boxes[0].unit;
  const below = count - 1 - boxes[boxes.length - 1].unit;
  const { x, y } = boxes[0];
  const last = boxes[boxes.length - 1];
  return (
    <>
      {above > 0 && (
        <text class="step-more" x={x} y={y - layout.high / 2 - 5} onClick={() => pickUnit(layer, above - 1)}>
          ▲ {above} more
        </text>
      )}
      {below > 0 && (
        <text
          class="step-more"
          x={x}
          y={last.y + layout.high / 2 + 13}
          onClick={() => pickUnit(layer, last.unit + 1)}
        >
          ▼ {below} more
        </text>
      )}
    </>
  );
}

/** Arrow keys go from unit to unit; beyond the end of what is drawn of a wide layer, further. */
function moveFocus(event: KeyboardEvent, script: Script): void {
  const svg = event.currentTarget as SVGSVGElement;
  const focused = (event.target as Element).closest<SVGElement>("[data-unit]");
  const from = focused?.dataset.unit ?? svg.dataset.next;
  if (!from) return;
  const [layer, unit] = from.split("-").map(Number);
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    pickUnit(layer, unit);
    return;
  }
  const steps: Record<string, readonly [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const column = Math.min(Math.max(layer + step[0], 0), script.depth);
  const row = Math.min(Math.max(unit + step[1], 0), script.count(column) - 1);
  const drawn = svg.querySelector<SVGElement>(`[data-unit="${column}-${row}"]`);
  if (drawn) drawn.focus();
  else {
    const shown = [...svg.querySelectorAll<SVGElement>(`[data-unit^="${column}-"]`)];
    if (step[0]) shown[Math.min(shown.length - 1, 2)]?.focus();
    else {
      // The unit is drawn soon; until then the picture holds the focus for it.
      svg.dataset.next = `${column}-${row}`;
      svg.focus();
      pickUnit(column, row);
    }
  }
}
