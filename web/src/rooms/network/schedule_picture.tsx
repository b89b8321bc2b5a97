/** The step size over the epochs, as the schedule has it. */
import { useEffect, useState } from "preact/hooks";
import { ask, opened, settings } from "../../model/bench";
import { Canvas } from "../../parts/canvas";
import { plain } from "../../parts/numbers";
import { colors } from "../../parts/scheme";

interface Factors {
  readonly epoch: Float64Array;
  readonly factor: Float64Array;
}

const POINTS = 100;

export function SchedulePicture() {
  const { schedule, max_epochs } = settings.value;
  const now = opened.value;
  const [found, setFound] = useState<Factors | null>(null);
  // The engine has heard of the plan before: it answers in the order that it is asked in.
  useEffect(() => {
    let gone = false;
    void ask("factors", { points: POINTS }).then((told) => !gone && setFound(told));
    return () => {
      gone = true;
    };
  }, [schedule, max_epochs, now]);
  if (!found) return null;
  const { epoch, factor } = found;
  const last = epoch[epoch.length - 1];
  return (
    <figure class="network-schedule">
      <Canvas
        label={`The factor of the step size, from ${plain(factor[0])} at epoch 0 to ${factor[factor.length - 1].toPrecision(3)} at epoch ${last}`}
        draw={(context, { width, height }) => {
          context.strokeStyle = colors.value.rule;
          context.strokeRect(0.5, 0.5, width - 1, height - 1);
          context.strokeStyle = colors.value.ink;
          context.lineWidth = 1.8;
          context.beginPath();
          factor.forEach((value, index) =>
            context.lineTo(2 + (epoch[index] / (last || 1)) * (width - 4), height - 3 - value * (height - 8)),
          );
          context.stroke();
        }}
      />
      <figcaption>
        factor of α₀ over {last + 1} epochs{schedule.name === "adaptive" ? "; divided at each plateau" : ""}
      </figcaption>
    </figure>
  );
}
