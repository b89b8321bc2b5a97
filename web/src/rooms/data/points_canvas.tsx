/** The canvas for points: press to place, drag to move; keys move a cursor that does the same. */
import { useRef, useState } from "preact/hooks";
import {
  changed,
  nearest,
  tableOfPoints,
  undone,
  within,
  type Drawing,
  type Placed,
} from "../../model/drawing";
import { Canvas, type Size } from "../../parts/canvas";
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import { marks } from "./marks";
import { drawing, type Tool } from "./drawn";

/** How near to a point a press means it, as a share of the canvas' reach. */
const NEAR = 0.05;
/** Steps of the cursor, and with the shift key. */
const STEP = 0.05;
const FINE = 0.01;
const RADIUS = 6;

interface Spot {
  readonly x: number;
  readonly y: number;
}

interface Props {
  readonly tool: Tool;
  readonly value: number;
}

const HELP =
  "Canvas for points. Arrow keys move the cursor, with Shift in small steps; 1 and 2 place a " +
  "point of class 0 and class 1; Enter places a point, or picks one up and puts it down; Delete " +
  "removes.";

export function PointsCanvas({ tool, value }: Props) {
  const now = drawing.value;
  const [cursor, setCursor] = useState<Spot>({ x: 0, y: 0 });
  const [focused, setFocused] = useState(false);
  /** The point that moves with the cursor or the pointer; −1 for none. */
  const [held, setHeld] = useState(-1);
  const dragged = useRef(-1);
  const under = nearest(now, cursor.x, cursor.y, NEAR * now.reach);

  const put = (points: readonly Placed[], keep = true) => {
    drawing.value = keep ? changed(drawing.value, points) : { ...drawing.value, points };
  };
  const place = (spot: Spot, target: number) => {
    const { points } = drawing.value;
    const at = nearest(drawing.value, spot.x, spot.y, NEAR * now.reach);
    const point = at < 0 ? { ...spot, target } : { ...points[at], target };
    put(at < 0 ? [...points, point] : points.map((old, index) => (index === at ? point : old)));
  };
  const remove = (at: number) => put(drawing.value.points.filter((_, index) => index !== at));
  const moveTo = (at: number, spot: Spot) =>
    put(
      drawing.value.points.map((old, index) => (index === at ? { ...old, ...spot } : old)),
      false,
    );
  const chosen = tool === "value" ? value : Number(tool === "1");

  const press = (event: PointerEvent & { currentTarget: HTMLCanvasElement }) => {
    const spot = spotOf(event, now);
    const at = nearest(now, spot.x, spot.y, NEAR * now.reach);
    setCursor(spot);
    putDown();
    if (event.button === 2 || tool === "remove") {
      if (at >= 0) remove(at);
      return;
    }
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    // What is placed can be dragged at once, and one step back takes both away.
    const { points } = drawing.value;
    put(at < 0 ? [...points, { ...spot, target: chosen }] : points);
    dragged.current = at < 0 ? now.points.length : at;
  };
  const drag = (event: PointerEvent & { currentTarget: HTMLCanvasElement }) => {
    if (dragged.current < 0) return;
    const spot = spotOf(event, now);
    moveTo(dragged.current, spot);
    setCursor(spot);
  };
  /** A point that was picked up and did not move has changed nothing. */
  const settle = () => {
    const { past, points } = drawing.value;
    if (sameAs(past[past.length - 1], points)) drawing.value = undone(drawing.value);
  };
  const drop = () => {
    if (dragged.current >= 0) settle();
    dragged.current = -1;
  };
  const putDown = () => {
    if (held >= 0) settle();
    setHeld(-1);
  };

  const walk = (dx: number, dy: number, fine: boolean) => {
    const step = (fine ? FINE : STEP) * (now.reach > 2 ? now.reach : 1);
    const spot = { x: within(now, cursor.x + dx * step), y: within(now, cursor.y + dy * step) };
    setCursor(spot);
    if (held >= 0) moveTo(held, spot);
  };
  const pickOrPlace = () => {
    if (held >= 0) return putDown();
    if (tool === "remove") return under >= 0 ? remove(under) : undefined;
    if (under < 0) return place(cursor, chosen);
    put(now.points);
    setHeld(under);
    setCursor(now.points[under]);
  };
  const keys: Readonly<Record<string, (event: KeyboardEvent) => void>> = {
    ArrowLeft: (event) => walk(-1, 0, event.shiftKey),
    ArrowRight: (event) => walk(1, 0, event.shiftKey),
    ArrowUp: (event) => walk(0, 1, event.shiftKey),
    ArrowDown: (event) => walk(0, -1, event.shiftKey),
    "1": () => place(cursor, now.kind === "classes" ? 0 : value),
    "2": () => place(cursor, now.kind === "classes" ? 1 : -value),
    Enter: pickOrPlace,
    " ": pickOrPlace,
    Delete: () => under >= 0 && remove(under),
    Backspace: () => under >= 0 && remove(under),
    Escape: putDown,
  };
  const type = (event: KeyboardEvent) => {
    const back = event.key === "z" && (event.ctrlKey || event.metaKey);
    const done = back ? () => (drawing.value = undone(drawing.value)) : keys[event.key];
    if (!done || (!back && (event.ctrlKey || event.metaKey || event.altKey))) return;
    event.preventDefault();
    if (!event.key.startsWith("Arrow") && done !== pickOrPlace) putDown();
    done(event);
  };

  const paint = (context: CanvasRenderingContext2D, size: Size) => {
    drawAxes(context, size);
    const to = (spot: Spot) => pixelOf(spot, now, size);
    const mark = marks(context, tableOfPoints(now), RADIUS, 1);
    for (const point of now.points) mark(...to(point), point.target);
    if (!now.points.length) drawInvitation(context, size);
    if (focused) drawCursor(context, ...to(cursor), held >= 0);
  };
  return (
    <>
      <Canvas
        class="data-points"
        draw={paint}
        label={HELP}
        role="application"
        tabIndex={0}
        onPointerDown={press}
        onPointerMove={drag}
        onPointerUp={drop}
        onPointerCancel={drop}
        onContextMenu={(event) => event.preventDefault()}
        onKeyDown={type}
        onFocus={() => setFocused(true)}
        onBlur={() => {
          setFocused(false);
          putDown();
        }}
      />
      <p class="data-hint" role="status">
        {focused
          ? told(cursor, now, under, held)
          : "Press to place, drag to move, right-click to remove."}
      </p>
    </>
  );
}

function told(cursor: Spot, { kind, points }: Drawing, under: number, held: number): string {
  const where = `x₁ = ${short(cursor.x)}, x₂ = ${short(cursor.y)}`;
  if (held >= 0) return `${where}: the point moves with the cursor until Enter`;
  if (under < 0) return `${where}: free. Keys: arrows, 1, 2, Enter, Delete`;
  const { target } = points[under];
  const of = kind === "classes" ? `class ${target}` : `value ${short(target)}`;
  return `${where}: a point of ${of}`;
}

const sameAs = (before: readonly Placed[] | undefined, after: readonly Placed[]): boolean =>
  before?.length === after.length && before.every((point, index) => point === after[index]);

function spotOf(event: PointerEvent & { currentTarget: HTMLCanvasElement }, now: Drawing): Spot {
  const { width, height, left, top } = event.currentTarget.getBoundingClientRect();
  const x = ((event.clientX - left) / width) * 2 - 1;
  const y = 1 - ((event.clientY - top) / height) * 2;
  return { x: within(now, x * now.reach), y: within(now, y * now.reach) };
}

function pixelOf({ x, y }: Spot, { reach }: Drawing, { width, height }: Size): [number, number] {
  return [((x / reach + 1) / 2) * width, ((1 - y / reach) / 2) * height];
}

function drawAxes(context: CanvasRenderingContext2D, { width, height }: Size): void {
  const { rule, soft } = colors.peek();
  context.strokeStyle = rule;
  context.beginPath();
  context.moveTo(width / 2, 0);
  context.lineTo(width / 2, height);
  context.moveTo(0, height / 2);
  context.lineTo(width, height / 2);
  context.stroke();
  context.fillStyle = soft;
  context.font = "12px system-ui";
  context.textAlign = "right";
  context.fillText("x₁", width - 6, height / 2 - 6);
  context.fillText("x₂", width / 2 - 6, 14);
}

function drawInvitation(context: CanvasRenderingContext2D, { width, height }: Size): void {
  context.fillStyle = colors.peek().soft;
  context.font = "15px system-ui";
  context.textAlign = "center";
  context.fillText("Press here to place a point", width / 2, height / 4);
}

function drawCursor(context: CanvasRenderingContext2D, x: number, y: number, holds: boolean): void {
  context.strokeStyle = colors.peek().ink;
  context.lineWidth = holds ? 3 : 1.5;
  context.beginPath();
  for (const [dx, dy] of [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ]) {
    context.moveTo(x + 5 * dx, y + 5 * dy);
    context.lineTo(x + 14 * dx, y + 14 * dy);
  }
  context.stroke();
}
