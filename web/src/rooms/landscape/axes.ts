/** Axes of a picture: round numbers where lines are drawn, and places between two ends. */
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";

interface Tick {
  readonly value: number;
  readonly text: string;
}

export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  /** Where a value stands, 0 … 1. */
  readonly share: (value: number) => number;
  readonly ticks: readonly Tick[];
}

export function scaleOf(low: number, high: number, log: boolean, count = 5): Scale {
  if (!(high > low)) high = low + (Math.abs(low) || 1) * 1e-6;
  if (!log) {
    const share = (value: number) => (value - low) / (high - low);
    return { low, high, log, share, ticks: even(low, high, count) };
  }
  const [from, to] = [Math.log10(low), Math.log10(high)];
  const share = (value: number) => (Math.log10(Math.max(value, low)) - from) / (to - from);
  return { low, high, log, share, ticks: decades(low, high, count) };
}

function even(low: number, high: number, count: number) {
  const raw = (high - low) / count;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= raw)!;
  const ticks = [];
  for (
    let index = Math.ceil(low / step - 1e-9);
    index * step <= high * (1 + 1e-12) + 1e-12 * step;
    index += 1
  ) {
    const value = index * step;
    ticks.push({
      value,
      text: short(Number(value.toPrecision(6)))
        .replace(/(\.\d*?)0+$/, "$1")
        .replace(/\.$/, ""),
    });
  }
  return ticks;
}

function decades(low: number, high: number, count: number) {
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  if (to - from < 1) return even(low, high, count);
  const every = Math.max(1, Math.ceil((to - from + 1) / (count + 1)));
  const ticks = [];
  for (let power = from; power <= to; power += every)
    ticks.push({
      value: 10 ** power,
      text: power < -3 || power > 4 ? `1e${String(power).replace("-", "−")}` : String(10 ** power),
    });
  return ticks;
}

/** Where J stands upright over what grows to the right. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  /** Where the lines of equal J end: at `right`, or behind what stands there. */
  readonly end: number;
  readonly top: number;
  readonly low: number;
}

/** Pixels that the words below a frame take. */
export const BELOW = 38;

/** Lines of equal J with their numbers, numbers and a word below, and "J" at the top. */
export function paintAxes(
  context: CanvasRenderingContext2D,
  { left, right, end, top, low }: Frame,
  scale: Scale,
  across: { readonly ticks: readonly Tick[]; readonly x: (value: number) => number; readonly title: string },
): void {
  const { rule, soft } = colors.peek();
  context.font = "13px system-ui";
  context.lineWidth = 1;
  context.strokeStyle = rule;
  context.fillStyle = soft;
  context.textAlign = "right";
  for (const { value, text } of scale.ticks) {
    const y = Math.round(low - scale.share(value) * (low - top)) + 0.5;
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(end, y);
    context.stroke();
    context.fillText(text, left - 6, y + 4);
  }
  context.textAlign = "center";
  for (const { value, text } of across.ticks)
    context.fillText(text.replace("-", "−"), across.x(value), low + 16);
  context.fillText(across.title, (left + right) / 2, low + 33);
  context.textAlign = "left";
  context.fillText("J", 2, top + 3);
}
