/** J along a line between two places, and how high the wall between them is. */
import { Canvas, type Size } from "../../parts/canvas";
import { short } from "../../parts/numbers";
import { colors } from "../../parts/scheme";
import { BELOW, paintAxes, scaleOf } from "./axes";
import type { Heights } from "./heights";
import type { Mark } from "./surface_picture";

export interface Barrier {
  readonly ends: readonly [number, number];
  /** Where between the two J is highest, and J there. */
  readonly at: number;
  readonly top: number;
  /** How much higher that is than the higher end. */
  readonly height: number;
}

/** Of a line whose places lie at 0 and 1. */
export function barrierOf({ slice, columns, values }: Heights): Barrier {
  const at = (index: number) => slice.u[0] + ((slice.u[1] - slice.u[0]) * index) / (columns - 1);
  const nearest = (place: number) =>
    values[Math.round(((place - slice.u[0]) / (slice.u[1] - slice.u[0])) * (columns - 1))];
  const ends = [nearest(0), nearest(1)] as const;
  let [best, top] = [0, -Infinity];
  for (let index = 0; index < columns; index += 1) {
    const place = at(index);
    const value = Number.isNaN(values[index]) ? Infinity : values[index];
    if (place > -1e-9 && place < 1 + 1e-9 && value > top) [best, top] = [place, value];
  }
  return { ends, at: best, top, height: top - Math.max(...ends) };
}

export function barrierSentence({ ends, at, top, height }: Barrier): string {
  const first = `J is ${short(ends[0])} at A and ${short(ends[1])} at B.`;
  if (!(height > 1e-3 * Math.max(...ends, 1e-12)))
    return `${first} No wall is between them: nowhere on the way is J above its higher end.`;
  return (
    `${first} Between them it climbs to ${short(top)}, ${Math.round(100 * at)} % of the way: ` +
    `a wall of ${short(height)} above the higher end.`
  );
}

interface Props {
  readonly heights: Heights;
  readonly log: boolean;
  readonly marks: readonly Mark[];
  readonly now: Float64Array | null;
}

const MARGIN = { left: 62, right: 14, top: 16, bottom: BELOW };

export function Profile({ heights, log, marks, now }: Props) {
  const { slice, columns, values } = heights;
  const barrier = barrierOf(heights);
  const finite = values.filter(Number.isFinite);
  const most = Math.max(...finite, 1e-300);
  const least = Math.min(...finite, most);
  const scale = log
    ? scaleOf(Math.max(least, most * 1e-9), 1.2 * most, true)
    : scaleOf(-0.05 * most, 1.08 * most, false);
  const draw = (context: CanvasRenderingContext2D, { width, height }: Size) => {
    const right = width - MARGIN.right;
    const low = height - MARGIN.bottom;
    const x = (u: number) =>
      MARGIN.left + ((u - slice.u[0]) / (slice.u[1] - slice.u[0])) * (right - MARGIN.left);
    const y = (value: number) => low - Math.min(scale.share(value), 1.1) * (low - MARGIN.top);
    paintAxes(context, { ...MARGIN, right, end: right, low }, scale, {
      ticks: scaleOf(...slice.u, false, 6).ticks,
      x,
      title: slice.titles[0],
    });
    if (barrier.height > 0) {
      const base = Math.max(...barrier.ends);
      context.strokeStyle = colors.peek().below;
      context.setLineDash([4, 3]);
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(x(barrier.at), y(base));
      context.lineTo(x(barrier.at), y(barrier.top));
      context.stroke();
      context.setLineDash([]);
      context.fillStyle = colors.peek().below;
      context.fillText(
        `+${short(barrier.height)}`,
        x(barrier.at) + 8,
        (y(base) + y(barrier.top)) / 2 + 4,
      );
    }
    context.strokeStyle = colors.peek().above;
    context.lineWidth = 2.5;
    context.beginPath();
    for (let index = 0; index < columns; index += 1) {
      const u = slice.u[0] + ((slice.u[1] - slice.u[0]) * index) / (columns - 1);
      if (Number.isFinite(values[index])) context.lineTo(x(u), y(values[index]));
    }
    context.stroke();
    const spot = (u: number, objective: number, letter: string) => {
      context.beginPath();
      context.arc(x(u), y(objective), letter ? 10 : 6, 0, 2 * Math.PI);
      context.fillStyle = letter ? colors.peek().ink : colors.peek().panel;
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = letter ? colors.peek().panel : colors.peek().ink;
      context.stroke();
      context.fillStyle = colors.peek().panel;
      context.font = "bold 12px system-ui";
      context.textAlign = "center";
      context.fillText(letter, x(u), y(objective) + 4.5);
    };
    marks.forEach(({ letter }, index) => spot(index, barrier.ends[index], letter));
    if (now) {
      const [u] = slice.project(now);
      const index = Math.round(((u - slice.u[0]) / (slice.u[1] - slice.u[0])) * (columns - 1));
      if (index >= 0 && index < columns) spot(u, values[index], "");
    }
  };
  const picks = Array.from({ length: 9 }, (_, k) => Math.round((k * (columns - 1)) / 8));
  return (
    <figure class="landscape-profile">
      <Canvas draw={draw} label={`J along the line from A to B. ${barrierSentence(barrier)}`} />
      <div class="visually-hidden">
        <table>
          <caption>J along the line: 0 is A, 1 is B</caption>
          <tbody>
            {picks.map((index) => (
              <tr key={index}>
                <th scope="row">
                  {short(slice.u[0] + ((slice.u[1] - slice.u[0]) * index) / (columns - 1))}
                </th>
                <td>{short(values[index])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
