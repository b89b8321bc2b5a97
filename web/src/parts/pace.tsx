/** The slider of the pace: from one step a second to as fast as the engine can. */
import { choose, opened, settings } from "../model/bench";
import { nearest } from "./fields";
import { useId } from "preact/hooks";

const ROUND = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000];

/** Paces in epochs a second: some steps a second, then some epochs a second, then 0, full speed. */
export function paces(stepsPerEpoch: number): number[] {
  const steps = [1, 2, 5, 10, 20, 50, 100].filter((count) => count < stepsPerEpoch);
  return [...steps.map((count) => count / stepsPerEpoch), ...ROUND, 0];
}

export function paceInWords(pace: number, stepsPerEpoch: number): string {
  if (pace === 0) return "full speed";
  const steps = Math.max(1, Math.round(pace * stepsPerEpoch));
  if (steps < stepsPerEpoch) return steps === 1 ? "1 step a second" : `${steps} steps a second`;
  const epochs = Math.round(pace * 10) / 10;
  return epochs === 1 ? "1 epoch a second" : `${epochs} epochs a second`;
}

export function Pace() {
  const id = useId();
  const perEpoch = opened.value?.steps_per_epoch ?? 1;
  const { pace } = settings.value;
  const stops = paces(perEpoch);
  const place = pace === 0 ? stops.length - 1 : nearest(stops.slice(0, -1), pace);
  const words = paceInWords(pace, perEpoch);
  return (
    <div class="pace">
      <label for={id}>pace</label>
      <input
        id={id}
        type="range"
        min={0}
        max={stops.length - 1}
        step={1}
        value={place}
        aria-valuetext={words}
        onInput={(event) => void choose({ pace: stops[event.currentTarget.valueAsNumber] })}
      />
      <output for={id}>{words}</output>
    </div>
  );
}
