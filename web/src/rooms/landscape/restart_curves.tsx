/** The objective of all restarts over the epochs, and on the same axis how many ended where. */
import { Canvas, type Size } from "../../parts/canvas";
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import { BELOW, paintAxes, scaleOf, type Scale } from "./axes";
import { barsOf, type Outcomes } from "./outcomes";
import type { Track } from "./tracks";

interface Props {
  readonly outcomes: Outcomes;
  readonly epochs: number;
  readonly log: boolean;
  readonly selected: Track | null;
  readonly onSelect: (track: Track) => void;
}

const LEFT = 56;
const TOP = 14;
/** Room between curves and bars. */
const GAP = 26;
const BARS = 28;
/** Width below which words beside the bars have no room. */
const NARROW = 560;

interface Layout {
  readonly narrow: boolean;
  readonly right: number;
  readonly bars: number;
  readonly low: number;
  readonly high: number;
}

function layoutOf({ width, height }: Size): Layout {
  const narrow = width < NARROW;
  const right = Math.round(LEFT + (width - LEFT) * (narrow ? 0.6 : 0.7));
  return { narrow, right, bars: right + (narrow ? GAP / 2 : GAP), low: height - BELOW, high: TOP };
}

/** From 0 to where nearly all curves lie; on a log scale from the best. */
export function lossScale(outcomes: Outcomes, log: boolean): Scale {
  const tracks = outcomes.ranked;
  const tops = tracks.flatMap(({ seen }) => seen);
  const finite = tops.filter(Number.isFinite).sort((a, b) => a - b);
  const high = 1.08 * (finite[Math.floor(0.99 * (finite.length - 1))] || 1);
  if (!log) return scaleOf(0, high, false);
  const best = Math.max(outcomes.best, high * 1e-8);
  return scaleOf(10 ** Math.floor(Math.log10(best)), high, true);
}

export function RestartCurves({ outcomes, epochs, log, selected, onSelect }: Props) {
  const scale = lossScale(outcomes, log);
  const bars = barsOf(outcomes.ranked, scale.low, scale.high, BARS, log);
  const draw = (context: CanvasRenderingContext2D, size: Size) => {
    const place = layoutOf(size);
    const y = (value: number) => place.low - scale.share(value) * (place.low - place.high);
    const x = (epoch: number) => LEFT + (epoch / epochs) * (place.right - LEFT);
    const line = (track: Track) => {
      context.beginPath();
      track.seen.forEach((objective, index) => {
        // One that diverged leaves through the top.
        const height = Number.isFinite(objective) ? Math.max(y(objective), -40) : -40;
        context.lineTo(x(track.epoch[index]), height);
      });
      context.stroke();
    };
    const frame = { left: LEFT, right: place.right, end: size.width - 8, top: place.high, low: place.low };
    paintAxes(context, frame, scale, {
      ticks: scaleOf(0, epochs, false, place.narrow ? 2 : 4).ticks,
      x,
      title: "epoch",
    });
    context.fillText(
      place.narrow ? "restarts" : "restarts that end at this J",
      place.bars,
      place.low + 16,
    );
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, place.right - LEFT, place.low);
    context.clip();
    context.lineWidth = 1.1;
    const bad = (track: Track) => track.objective > outcomes.limit;
    for (const worse of [false, true]) {
      context.globalAlpha = outcomes.ranked.length > 40 ? 0.4 : 0.75;
      context.strokeStyle = colors.peek()[worse ? "below" : "above"];
      context.setLineDash(worse ? [5, 3] : []);
      for (const track of outcomes.ranked) if (bad(track) === worse) line(track);
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
    if (selected && outcomes.ranked.includes(selected)) {
      context.lineWidth = 3;
      context.strokeStyle = colors.peek().ink;
      line(selected);
    }
    context.restore();
    paintBars(context, place, size.width);
  };
  const paintBars = (context: CanvasRenderingContext2D, place: Layout, width: number) => {
    const most = Math.max(1, ...bars.tracks.map((group) => group.length));
    const tall = (place.low - place.high) / BARS;
    const wide = width - place.bars - 34;
    context.font = "11px system-ui";
    context.textAlign = "left";
    bars.tracks.forEach((group, index) => {
      if (!group.length) return;
      const top = place.low - (index + 1) * tall;
      const length = Math.max(2, (group.length / most) * wide);
      const worse = group.filter((track) => track.objective > outcomes.limit).length;
      context.fillStyle = colors.peek()[worse > group.length / 2 ? "below" : "above"];
      context.fillRect(place.bars, top + 0.5, length, Math.max(tall - 1, 1.5));
      if (selected && group.includes(selected)) {
        context.strokeStyle = colors.peek().ink;
        context.lineWidth = 2;
        context.strokeRect(place.bars, top, length, tall);
      }
      context.fillStyle = colors.peek().ink;
      context.fillText(String(group.length), place.bars + length + 5, top + tall / 2 + 4);
    });
    if (outcomes.diverged) {
      context.fillStyle = colors.peek().wrong;
      context.fillText(`∞: ${outcomes.diverged} diverged`, place.bars, place.high - 2);
    }
  };
  const choose = (event: MouseEvent) => {
    const canvas = event.currentTarget as HTMLCanvasElement;
    const box = canvas.getBoundingClientRect();
    const size = { width: box.width, height: box.height };
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const found = px > layoutOf(size).right + 4 ? barAt(py, size) : curveAt(px, py, size);
    if (found) onSelect(found);
  };
  const barAt = (py: number, size: Size): Track | null => {
    const place = layoutOf(size);
    const index = Math.floor(((place.low - py) / (place.low - place.high)) * BARS);
    for (const away of [0, 1, -1]) {
      const group = bars.tracks[index + away];
      if (group?.length) return group[Math.floor((group.length - 1) / 2)];
    }
    return null;
  };
  const curveAt = (px: number, py: number, size: Size): Track | null => {
    const place = layoutOf(size);
    const epoch = ((px - LEFT) / (place.right - LEFT)) * epochs;
    let [nearest, least] = [null as Track | null, 24];
    for (const track of outcomes.ranked) {
      const index = track.epoch.findIndex((at) => at >= epoch);
      const objective = index < 0 ? track.objective : track.seen[index];
      const away = Math.abs(place.low - scale.share(objective) * (place.low - place.high) - py);
      if (away < least) [nearest, least] = [track, away];
    }
    return nearest;
  };
  const label =
    `Objective of ${outcomes.ranked.length} restarts over ${epochs} epochs, and a histogram of their ` +
    `last objectives: ${bars.tracks
      .map((group, index) => ({ group, low: barLow(scale, index) }))
      .filter(({ group }) => group.length)
      .map(({ group, low }) => `${group.length} from ${short(low)}`)
      .join(", ")}`;
  return <Canvas class="landscape-curves" draw={draw} label={label} onClick={choose} />;
}

function barLow({ low, high, log }: Scale, index: number): number {
  const share = index / BARS;
  return log ? low * (high / low) ** share : low + share * (high - low);
}
