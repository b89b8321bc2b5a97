/** A letter with its scripts, inside a picture. */
import { isPlain, type Name } from "../../parts/letters";

export function Letter({ name, x, y }: { readonly name: Name; readonly x: number; readonly y: number }) {
  const { letter, upper, lower } = name;
  return (
    <text class="step-letter" x={x} y={y} aria-hidden="true">
      <tspan class={isPlain(letter) ? "" : "step-hat"}>{letter}</tspan>
      {upper && (
        <tspan class="step-script" dy={-4}>
          {upper}
        </tspan>
      )}
      {lower && (
        <tspan class="step-script" dx={upper ? -6 * upper.length : 0} dy={upper ? 8 : 3}>
          {lower}
        </tspan>
      )}
    </text>
  );
}
