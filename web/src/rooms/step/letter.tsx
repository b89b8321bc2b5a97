/** A letter with its scripts, inside a picture. */
import type { Name } from "./names";

export function Letter({ name, x, y }: { readonly name: Name; readonly x: number; readonly y: number }) {
  const { letter, upper, lower } = name;
  return (
    <text class="step-letter" x={x} y={y}>
      <tspan>{letter}</tspan>
      {upper && (
        <tspan class="step-script" dy={-4}>
          {upper}
        </tspan>
      )}
      {lower && (
        <tspan class="step-script" dy={upper ? 7 : 3}>
          {lower}
        </tspan>
      )}
    </text>
  );
}
