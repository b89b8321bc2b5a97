/** The network of a sheet: units with their letters, black on white. */
import { Letter } from "./letter";
import type { Script } from "./script";

const WIDTH = 300;
const COLUMN = 26;

export function SheetNetwork({ script }: { readonly script: Script }) {
  const columns = Array.from({ length: script.depth + 1 }, (_, layer) => script.count(layer));
  const most = Math.max(...columns);
  const height = Math.max(most * 40, 90);
  const radius = 14;
  const place = (layer: number, unit: number) => ({
    x: COLUMN + (layer / (columns.length - 1)) * (WIDTH - 2 * COLUMN),
    y: height / 2 + (unit - (columns[layer] - 1) / 2) * 40,
  });
  const units = (layer: number) => Array.from({ length: columns[layer] }, (_, unit) => unit);
  return (
    <svg
      class="sheet-network"
      viewBox={`0 0 ${WIDTH} ${height}`}
      role="img"
      aria-label={`A network of ${columns.join(", ")} units`}
    >
      {columns.slice(1).map((_, layer) =>
        units(layer).map((from) =>
          units(layer + 1).map((to) => {
            const a = place(layer, from);
            const b = place(layer + 1, to);
            return <line key={`${from}-${to}`} x1={a.x + radius} y1={a.y} x2={b.x - radius} y2={b.y} />;
          }),
        ),
      )}
      {columns.map((_, layer) =>
        units(layer).map((unit) => {
          const { x, y } = place(layer, unit);
          return (
            <g key={`${layer}-${unit}`}>
              <circle cx={x} cy={y} r={radius} />
              <Letter name={script.letters.output(layer, unit)} x={x} y={y + 4} />
            </g>
          );
        }),
      )}
    </svg>
  );
}
