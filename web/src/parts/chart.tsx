/** A line chart over epochs, by uPlot. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colors, dark, type ColorName } from "./scheme";

interface Line {
  readonly name: string;
  readonly color: ColorName;
  readonly dash?: number[];
  readonly values: readonly number[];
}

interface Props {
  readonly label: string;
  readonly epochs: readonly number[];
  readonly lines: readonly Line[];
  readonly height: number;
  /** Whether the values stand on a logarithmic scale; what is not above 0 is left out there. */
  readonly log?: boolean;
}

/** What can be drawn: a number, and on a logarithmic scale one above 0. */
function drawable(values: readonly number[], log: boolean): (number | null)[] {
  return values.map((value) => (Number.isFinite(value) && (!log || value > 0) ? value : null));
}

export function Chart({ label, epochs, lines, height, log = false }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const names = lines.map((line) => line.name).join();
  const inDark = dark.value;
  useEffect(() => {
    const node = place.current!;
    const { soft, rule } = colors.peek();
    const axis = { stroke: soft, grid: { stroke: rule, width: 1 }, ticks: { show: false } };
    chart.current = new uPlot(
      {
        width: node.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
        axes: [
          { ...axis, size: 26, font: "12px system-ui" },
          { ...axis, size: 50, font: "12px system-ui" },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.name,
            stroke: colors.peek()[line.color],
            width: 2,
            // A line of one epoch is a point.
            points: { show: (of: uPlot) => of.data[0].length < 2, size: 6, fill: colors.peek()[line.color] },
            ...(line.dash ? { dash: line.dash } : {}),
          })),
        ],
      },
      [[], ...lines.map(() => [])],
      node,
    );
    const watcher = new ResizeObserver(() =>
      chart.current?.setSize({ width: node.clientWidth, height }),
    );
    watcher.observe(node);
    return () => {
      watcher.disconnect();
      chart.current?.destroy();
    };
  }, [names, height, log, inDark]);
  useEffect(() => {
    const columns = lines.map((line) => drawable(line.values, log));
    chart.current?.setData([epochs as number[], ...columns]);
  }, [epochs, log, names, inDark, ...lines.map((line) => line.values)]);
  return <div ref={place} class="chart" role="img" aria-label={label} />;
}
