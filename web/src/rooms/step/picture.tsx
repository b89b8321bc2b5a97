/** The network of the step: values on its units, weights on its edges, the line at hand marked. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { tidy } from "./formula";
import { ABOVE, BELOW, layoutOf, MOST_DRAWN, type EdgePlan, type Layout, type MorePlan, type Size, type UnitPlan } from "./layout";
import { spoken } from "../../parts/letters";
import { edgePlace, targetPlace, unitPlace, unitTitle } from "./names";
import { Letter } from "./letter";
import { isReached } from "./reach";
import type { Line } from "./row";
import type { Script } from "./script";
import { chosen, current, lines, pickEdge, pickUnit } from "./state";

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
  const line = lines.value[current.value];
  const layout = layoutOf(script, line, chosen.value, size);
  useLayoutEffect(() => {
    // A picture wider than its frame shows the layer at hand.
    const node = place.current!;
    const [unit] = layout.units[Math.min(line.layer, script.depth)];
    if (layout.width > size.width) node.scrollLeft = unit.x - size.width / 2;
  }, [line.layer, layout.width, size.width]);
  return (
    <div class="step-picture" ref={place}>
      <svg
        class={layout.narrow ? "step-narrow" : undefined}
        width={layout.width}
        height={size.height}
        tabindex={-1}
        role="group"
        aria-label="The network; arrow keys move between its units, Enter shows a unit's line"
        onKeyDown={(event) => moveFocus(event, script)}
      >
        {layout.edges.map((edges, layer) => (
          <g key={layer}>
            {edges.map((edge) => (
              <Edge key={`${edge.source.unit}-${edge.target.unit}`} edge={edge} wide={layout.wide} />
            ))}
          </g>
        ))}
        {layout.units.map((units) =>
          units.map((unit) => (
            <Unit key={`${unit.layer}-${unit.unit}`} script={script} layout={layout} plan={unit} line={line} />
          )),
        )}
        {!layout.lettered &&
          layout.units.map(([unit], layer) => (
            <Letter key={layer} name={{ ...script.letters.output(layer, 0), lower: "" }} x={unit.x} y={14} />
          ))}
        {layout.more.map((more) => (
          <More key={`${more.layer}-${more.next}`} more={more} />
        ))}
        {layout.units[script.depth].map((unit, index) => (
          <Target key={unit.unit} script={script} plan={unit} wide={layout.wide} text={layout.targets[index]} />
        ))}
      </svg>
    </div>
  );
}

function Edge({ edge, wide }: { readonly edge: EdgePlan; readonly wide: number }) {
  const { source, target, used, moved, weight, share, label } = edge;
  const kind = weight === null ? "step-through" : weight < 0 ? "step-below" : "step-above";
  const ends = { x1: source.x + wide / 2, y1: source.y, x2: target.x - wide / 2, y2: target.y };
  return (
    <g
      class={`step-edge ${kind}${used ? " step-used" : ""}`}
      data-place={edgePlace(source.layer, source.unit, target.unit)}
      onClick={() =>
        weight === null
          ? pickUnit(target.layer, target.unit)
          : pickEdge(source.layer, source.unit, target.unit)
      }
    >
      <line class="step-reach" {...ends} />
      <line class="step-stroke" {...ends} stroke-width={0.8 + 5 * share} />
      {label && (
        <text class={moved ? "step-label step-new" : "step-label"} x={label.x} y={label.y}>
          {label.text}
        </text>
      )}
    </g>
  );
}

interface UnitProps {
  readonly script: Script;
  readonly layout: Layout;
  readonly plan: UnitPlan;
  readonly line: Line;
}

function Unit({ script, layout, plan, line }: UnitProps) {
  const { layer, unit, x, y } = plan;
  const { wide, high, lettered } = layout;
  const value = script.output(layer, unit);
  const delta = layer > 0 ? script.delta(layer, unit) : null;
  const stands = script.count(layer) > MOST_DRAWN && (chosen.value[layer] ?? 0) === unit;
  const about = line.place === unitPlace(layer, unit);
  const kind = ["step-unit", about && "step-current", stands && "step-chosen"].filter(Boolean).join(" ");
  const spokenDelta = delta ? `, ${spoken(delta.name)} = ${tidy(delta.value)}` : "";
  return (
    <g
      class={kind}
      role="img"
      tabindex={layer === 0 && unit === layout.units[0][0].unit ? 0 : -1}
      data-place={unitPlace(layer, unit)}
      data-unit={`${layer}-${unit}`}
      aria-label={`${unitTitle(script.depth, layer, unit)}: ${spoken(value.name)} = ${tidy(value.value)}${spokenDelta}`}
      onClick={() => pickUnit(layer, unit)}
    >
      <rect x={x - wide / 2} y={y - high / 2} width={wide} height={high} rx={layer === 0 ? 6 : Math.min(high / 2, layout.narrow ? 12 : high)} />
      {lettered && <Letter name={value.name} x={x} y={y - high / 2 + 13} />}
      <text
        class={isReached(line, "a", layer, unit) ? "step-value" : "step-value step-ahead"}
        x={x}
        y={lettered ? y + high / 2 - 7 : y + 5}
        aria-hidden="true"
      >
        {plan.value}
      </text>
      {plan.delta && (
        <text
          class={isReached(line, "delta", layer, unit) ? "step-delta" : "step-delta step-ahead"}
          x={x}
          y={y + high / 2 + BELOW}
          aria-hidden="true"
        >
          {plan.delta}
        </text>
      )}
      {plan.bias && <Bias plan={plan} y={y - high / 2 - ABOVE} />}
    </g>
  );
}

function Bias({ plan, y }: { readonly plan: UnitPlan; readonly y: number }) {
  const { layer, unit, x, bias, biasMoved } = plan;
  return (
    <text
      class={biasMoved ? "step-bias step-new" : "step-bias"}
      x={x}
      y={y}
      aria-hidden="true"
      data-place={edgePlace(layer - 1, -1, unit)}
      onClick={(event) => {
        event.stopPropagation();
        pickEdge(layer - 1, -1, unit);
      }}
    >
      {bias}
    </text>
  );
}

interface TargetProps {
  readonly script: Script;
  readonly plan: UnitPlan;
  readonly wide: number;
  readonly text: string;
}

function Target({ script, plan, wide, text }: TargetProps) {
  return (
    <text
      class="step-target"
      x={plan.x + wide / 2 + 8}
      y={plan.y + 5}
      data-place={targetPlace(plan.unit)}
      data-thing={script.target(plan.unit).thing}
    >
      {text}
    </text>
  );
}

/** How many units of a wide layer are not drawn: they come into the picture when pressed. */
function More({ more }: { readonly more: MorePlan }) {
  const { layer, next, text, x, y } = more;
  return (
    <text class="step-more" x={x} y={y} onClick={() => pickUnit(layer, next)}>
      {text}
    </text>
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
