/** A plane of the surface in colours and lines of equal height, with ways and places on it. */
import { useMemo } from "preact/hooks";
import { Canvas, type Size } from "../../parts/canvas";
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import { scaleOf, type Scale } from "./axes";
import { contour } from "./contours";
import { lowest, type Heights } from "./heights";
import { LEVELS } from "./lightness";
import type { Slice } from "./slices";

export interface Way {
  readonly name: string;
  readonly points: readonly Float64Array[];
  readonly dashed?: boolean;
}

export interface Mark {
  readonly letter: string;
  readonly name: string;
  readonly vector: Float64Array;
}

interface Props {
  readonly heights: Heights;
  readonly log: boolean;
  readonly ways: readonly Way[];
  readonly marks: readonly Mark[];
  /** Where the training stands; null: it is not shown. */
  readonly now: Float64Array | null;
  readonly point: { readonly u: number; readonly v: number } | null;
  readonly onPoint?: (u: number, v: number) => void;
}

const LINES = 14;
const MARGIN = { left: 58, right: 14, top: 10, bottom: 44 };

/** From the lowest J to where all but the steepest walls lie. */
export function heightScale({ values }: Heights, log: boolean): Scale {
  const finite = values.filter(Number.isFinite).sort();
  if (!finite.length) return scaleOf(0, 1, false);
  const [low, high] = [finite[0], finite[Math.floor(0.97 * (finite.length - 1))]];
  if (!log) return scaleOf(low, high, false);
  return scaleOf(Math.max(low, high * 1e-9, 1e-300), high, true);
}

export const heightAt = ({ low, high, log }: Scale, share: number): number =>
  log ? low * (high / low) ** share : low + share * (high - low);

interface Plot {
  readonly x: (u: number) => number;
  readonly y: (v: number) => number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function plotOf({ width, height }: Size, heights: Heights): Plot {
  const left = MARGIN.left;
  const plot = {
    left,
    top: MARGIN.top,
    width: width - left - MARGIN.right,
    height: height - MARGIN.top - MARGIN.bottom,
  };
  const { u, v } = heights.slice;
  return {
    ...plot,
    x: (value) => left + ((value - u[0]) / (u[1] - u[0])) * plot.width,
    y: (value) => plot.top + (1 - (value - v[0]) / (v[1] - v[0])) * plot.height,
  };
}

export function SurfacePicture({ heights, log, ways, marks, now, point, onPoint }: Props) {
  const scale = useMemo(() => heightScale(heights, log), [heights, log]);
  const colors = useMemo(() => painted(heights, scale), [heights, scale]);
  const lines = useMemo(() => {
    const grid = { values: heights.values, columns: heights.columns, rows: heights.rows };
    return Array.from({ length: LINES }, (_, index) => {
      const share = (index + 0.5) / LINES;
      return { share, segments: contour(grid, heightAt(scale, share)) };
    });
  }, [heights, scale]);
  const { slice } = heights;
  const project = useMemo(() => remembered(slice), [slice]);
  const draw = (context: CanvasRenderingContext2D, size: Size) => {
    const plot = plotOf(size, heights);
    context.save();
    context.beginPath();
    context.rect(plot.left, plot.top, plot.width, plot.height);
    context.clip();
    // Points of the grid are middles of pixels: the outermost reach half a cell beyond.
    const [wide, high] = [plot.width / (heights.columns - 1), plot.height / (heights.rows - 1)];
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(
      colors,
      plot.left - wide / 2,
      plot.top - high / 2,
      plot.width + wide,
      plot.height + high,
    );
    for (const { share, segments } of lines) {
      context.beginPath();
      for (const [x0, y0, x1, y1] of segments) {
        context.moveTo(plot.left + x0 * wide, plot.top + plot.height - y0 * high);
        context.lineTo(plot.left + x1 * wide, plot.top + plot.height - y1 * high);
      }
      context.lineWidth = 1;
      context.strokeStyle = share > 0.55 ? "rgb(0 0 0 / 0.38)" : "rgb(255 255 255 / 0.42)";
      context.stroke();
    }
    for (const way of ways) paintWay(context, plot, way, project);
    context.restore();
    if (now) paintNow(context, plot, slice.project(now));
    for (const mark of marks) paintMark(context, plot, slice.project(mark.vector), mark.letter);
    if (point) paintPoint(context, plot, point.u, point.v);
    paintFrame(context, plot, size, heights);
  };
  const low = lowest(heights);
  const label =
    `Surface of J: ${slice.titles[0]} to the right ` +
    `from ${short(slice.u[0])} to ${short(slice.u[1])}, ` +
    `${slice.titles[1]} upwards from ${short(slice.v[0])} to ${short(slice.v[1])}. ` +
    `J is lowest, ${short(low.objective)}, at ${short(low.u)}, ${short(low.v)}.`;
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowDown: [0, -1],
      ArrowUp: [0, 1],
    };
    const step = steps[event.key];
    if (!step || !onPoint) return;
    event.preventDefault();
    const from = point ?? { u: (slice.u[0] + slice.u[1]) / 2, v: (slice.v[0] + slice.v[1]) / 2 };
    const by = event.shiftKey ? 0.1 : 0.02;
    const next = (value: number, [a, b]: readonly [number, number], direction: number) =>
      Math.min(b, Math.max(a, value + direction * by * (b - a)));
    onPoint(next(from.u, slice.u, step[0]), next(from.v, slice.v, step[1]));
  };
  const click = (event: MouseEvent) => {
    if (!onPoint) return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const plot = plotOf({ width: box.width, height: box.height }, heights);
    const [right, up] = [
      (event.clientX - box.left - plot.left) / plot.width,
      1 - (event.clientY - box.top - plot.top) / plot.height,
    ];
    if (right < 0 || right > 1 || up < 0 || up > 1) return;
    onPoint(
      slice.u[0] + right * (slice.u[1] - slice.u[0]),
      slice.v[0] + up * (slice.v[1] - slice.v[0]),
    );
  };
  return (
    <figure class="landscape-surface">
      <div
        class={onPoint ? "pick" : undefined}
        role="group"
        tabIndex={onPoint ? 0 : undefined}
        aria-label={onPoint ? "The surface: arrow keys move a point over it" : "The surface"}
        onKeyDown={move}
        onClick={click}
      >
        <Canvas draw={draw} label={label} />
      </div>
      <Legend scale={scale} />
      <HeightsTable heights={heights} />
    </figure>
  );
}

/** Where vectors stand on a slice: ways grow at their ends, and are long. */
function remembered({ project }: Slice): Slice["project"] {
  const known = new WeakMap<Float64Array, readonly [number, number]>();
  return (vector) => {
    const found = known.get(vector) ?? project(vector);
    known.set(vector, found);
    return found;
  };
}

function painted(heights: Heights, scale: Scale): HTMLCanvasElement {
  const { columns, rows, values } = heights;
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < columns; i += 1)
    for (let j = 0; j < rows; j += 1) {
      const share = Math.min(Math.max(scale.share(values[i * rows + j]), 0), 1);
      // What is no number has run away upwards.
      pixels[(rows - 1 - j) * columns + i] =
        LEVELS[Number.isNaN(share) ? 255 : Math.round(255 * share)];
    }
  context.putImageData(image, 0, 0);
  return canvas;
}

function paintWay(
  context: CanvasRenderingContext2D,
  plot: Plot,
  way: Way,
  project: (vector: Float64Array) => readonly [number, number],
): void {
  if (way.points.length < 2) return;
  context.lineJoin = "round";
  context.setLineDash(way.dashed ? [7, 4] : []);
  for (const [width, color] of [
    [4, "rgb(0 0 0 / 0.75)"],
    [2, "white"],
  ] as const) {
    context.beginPath();
    for (const vector of way.points) {
      const [u, v] = project(vector);
      context.lineTo(plot.x(u), plot.y(v));
    }
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }
  context.setLineDash([]);
}

function disc(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  fill: string,
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = fill === "white" ? "black" : "white";
  context.stroke();
}

function paintMark(
  context: CanvasRenderingContext2D,
  plot: Plot,
  [u, v]: readonly [number, number],
  letter: string,
): void {
  disc(context, plot.x(u), plot.y(v), letter.length > 1 ? 13 : 10, "black");
  context.fillStyle = "white";
  context.font = "bold 12px system-ui";
  context.textAlign = "center";
  context.fillText(letter, plot.x(u), plot.y(v) + 4.5);
}

/** Where the training stands: at the rim, where it is beyond what is shown. */
function paintNow(
  context: CanvasRenderingContext2D,
  plot: Plot,
  [u, v]: readonly [number, number],
): void {
  const x = Math.min(Math.max(plot.x(u), plot.left), plot.left + plot.width);
  const y = Math.min(Math.max(plot.y(v), plot.top), plot.top + plot.height);
  disc(context, x, y, 3, "white");
  // Wide enough to be seen around a letter that stands at the same place.
  for (const [width, color] of [
    [6, "black"],
    [3, "white"],
  ] as const) {
    context.beginPath();
    context.arc(x, y, 14, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }
}

function paintPoint(context: CanvasRenderingContext2D, plot: Plot, u: number, v: number): void {
  const [x, y] = [plot.x(u), plot.y(v)];
  for (const [width, color] of [
    [5, "black"],
    [2, "white"],
  ] as const) {
    context.beginPath();
    context.moveTo(x - 11, y);
    context.lineTo(x + 11, y);
    context.moveTo(x, y - 11);
    context.lineTo(x, y + 11);
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }
}

function paintFrame(
  context: CanvasRenderingContext2D,
  plot: Plot,
  size: Size,
  { slice }: Heights,
): void {
  context.strokeStyle = colors.peek().soft;
  context.lineWidth = 1;
  context.strokeRect(plot.left + 0.5, plot.top + 0.5, plot.width - 1, plot.height - 1);
  context.fillStyle = colors.peek().soft;
  context.font = "12px system-ui";
  context.textAlign = "center";
  for (const { value, text } of scaleOf(...slice.u, false, 6).ticks)
    context.fillText(text.replace("-", "−"), plot.x(value), plot.top + plot.height + 16);
  context.textAlign = "right";
  for (const { value, text } of scaleOf(...slice.v, false, 6).ticks)
    context.fillText(text.replace("-", "−"), plot.left - 6, plot.y(value) + 4);
  context.fillStyle = colors.peek().ink;
  context.font = "13px system-ui";
  context.textAlign = "center";
  context.fillText(slice.titles[0], plot.left + plot.width / 2, size.height - 8);
  context.save();
  context.translate(13, plot.top + plot.height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(slice.titles[1], 0, 0);
  context.restore();
}

/** The colours and what J they stand for. */
export function Legend({ scale }: { readonly scale: Scale }) {
  const draw = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    const canvas = document.createElement("canvas");
    canvas.width = 256;
    canvas.height = 1;
    const inner = canvas.getContext("2d")!;
    const image = inner.createImageData(256, 1);
    new Uint32Array(image.data.buffer).set(LEVELS);
    inner.putImageData(image, 0, 0);
    context.drawImage(canvas, 0, 0, width, height);
  };
  return (
    <figcaption class="landscape-legend">
      <span>J = {short(scale.low)}</span>
      <Canvas draw={draw} label="Colours from low J, dark, to high J, light" />
      <span>{short(scale.high)} and more</span>
    </figcaption>
  );
}

/** Every so many points of the grid, to be read out. */
function HeightsTable({ heights }: { readonly heights: Heights }) {
  const { slice, columns, rows, values } = heights;
  const picks = (count: number) =>
    Array.from({ length: 5 }, (_, k) => Math.round((k * (count - 1)) / 4));
  const at = ([low, high]: readonly [number, number], index: number, count: number) =>
    short(low + ((high - low) * index) / (count - 1));
  return (
    <div class="visually-hidden">
      <table>
        <caption>
          J over {slice.titles[0]} (columns) and {slice.titles[1]} (rows)
        </caption>
        <thead>
          <tr>
            <td />
            {picks(columns).map((i) => (
              <th key={i} scope="col">
                {at(slice.u, i, columns)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {picks(rows)
            .reverse()
            .map((j) => (
              <tr key={j}>
                <th scope="row">{at(slice.v, j, rows)}</th>
                {picks(columns).map((i) => (
                  <td key={i}>{short(values[i * rows + j])}</td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
