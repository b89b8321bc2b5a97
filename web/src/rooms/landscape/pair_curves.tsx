/** J of two trainings over the epochs, and behind each what its epochs met. */
import { Canvas, type Size } from "../../parts/canvas";
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import { BELOW, paintAxes, scaleOf } from "./axes";
import type { Runner } from "./beside_state";

interface Props {
  readonly runners: readonly Runner[];
  readonly epochs: number;
  readonly log: boolean;
}

export const COLORS = { A: "above", B: "below" } as const;

const MARGIN = { left: 58, right: 24, top: 14, bottom: BELOW };

export function PairCurves({ runners, epochs, log }: Props) {
  const seen = runners
    .flatMap(({ track }) => [...track.seen, ...track.met.loss])
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const begun = Math.max(...runners.map(({ track }) => track.begun).filter(Number.isFinite), 0);
  const most = 1.08 * Math.max(seen[Math.floor(0.98 * (seen.length - 1))] ?? 1, begun);
  const least = Math.min(
    ...runners.flatMap(({ track }) => track.seen.filter((value) => value > 0)),
  );
  const scale = log
    ? scaleOf(10 ** Math.floor(Math.log10(Math.max(least, most * 1e-8))), most, true)
    : scaleOf(0, most, false);
  const draw = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    const [right, low] = [width - MARGIN.right, height - MARGIN.bottom];
    const x = (epoch: number) => MARGIN.left + (epoch / epochs) * (right - MARGIN.left);
    const y = (value: number) =>
      Number.isFinite(value) ? Math.max(low - scale.share(value) * (low - MARGIN.top), -40) : -40;
    paintAxes(context, { ...MARGIN, right, end: right, low }, scale, {
      ticks: scaleOf(0, epochs, false, 4).ticks,
      x,
      title: "epoch",
    });
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, 0, right - MARGIN.left, low + 1);
    context.clip();
    const line = (epoch: readonly number[], values: readonly number[]) => {
      const every = Math.max(1, Math.floor(values.length / 1000));
      context.beginPath();
      for (let index = 0; index < values.length; index += every)
        context.lineTo(x(epoch[index]), y(values[index]));
      context.stroke();
    };
    for (const { letter, track } of runners) {
      context.strokeStyle = colors.peek()[COLORS[letter]];
      context.globalAlpha = 0.22;
      context.lineWidth = 1;
      line(track.met.epoch, track.met.loss);
    }
    for (const { letter, track } of runners) {
      context.strokeStyle = colors.peek()[COLORS[letter]];
      context.globalAlpha = 1;
      context.lineWidth = 2.5;
      context.setLineDash(letter === "B" ? [8, 4] : []);
      line(track.epoch, track.seen);
      context.setLineDash([]);
    }
    context.restore();
  };
  const told = runners.map(
    ({ letter, track }) => `${letter} from ${short(track.begun)} to ${short(track.objective)}`,
  );
  return (
    <Canvas
      class="landscape-curves"
      draw={draw}
      label={`Objective over ${epochs} epochs: ${told.join(", ")}`}
    />
  );
}
