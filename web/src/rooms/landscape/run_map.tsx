/** What a network with the weights of a run says over the plane: a small decision map. */
import { useEffect, useState } from "preact/hooks";
import { ask } from "../../model/bench";
import { outputCount, toNetwork, type Problem, type Scaling } from "../../model/problem";
import { Canvas, type Size } from "../../parts/canvas";
import { colorOf, palette } from "../../parts/colors";
import { frameOf, gridPoints } from "../network/grid";

const COUNT = 40;
const AXES = [0, 1] as const;

/** First outputs of all points as bytes between the ends of the output's activation. */
export function levelsOf(outputs: Float64Array, width: number, activation: string): Uint8Array {
  const first = Float64Array.from(
    { length: outputs.length / width },
    (_, row) => outputs[row * width],
  );
  const signed = activation === "tanh" || activation === "sign";
  const bounded = signed || activation === "logistic" || activation === "softmax";
  const most = bounded
    ? 1
    : first.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30);
  const low = bounded && !signed ? 0 : -most;
  return Uint8Array.from(first, (value) => Math.round((255 * (value - low)) / (most - low)));
}

interface Props {
  readonly made: Problem;
  readonly scaling: Scaling;
  readonly vector: Float64Array;
  readonly buffers: Float64Array;
  readonly label: string;
}

/** Whether decision maps can be drawn at all. */
export const isFlat = (made: Problem): boolean => made.table.inputs.length === 2;

export function RunMap({ made, scaling, vector, buffers, label }: Props) {
  const [levels, setLevels] = useState<Uint8Array | null>(null);
  const { table } = made;
  const frame = frameOf(table, AXES);
  const width = outputCount(table);
  useEffect(() => {
    let wanted = true;
    const X = toNetwork(scaling, gridPoints(table, AXES, COUNT));
    void ask("look", { X, layers: false, parameters: { vector, buffers } }).then((seen) => {
      if (wanted && seen) setLevels(levelsOf(seen.outputs, width, made.outputActivation));
    });
    return () => {
      wanted = false;
    };
  }, [made, scaling, vector]);
  const draw = (context: CanvasRenderingContext2D, size: Size) => {
    if (levels) context.drawImage(picture(levels), 0, 0, size.width, size.height);
    const spread = table.kind === "classes" ? 1 : Math.max(...table.y.map(Math.abs)) || 1;
    for (let row = 0; row < table.rows; row += 1) {
      const x = ((table.X[2 * row] - frame.low[0]) / (frame.high[0] - frame.low[0])) * size.width;
      const y =
        (1 - (table.X[2 * row + 1] - frame.low[1]) / (frame.high[1] - frame.low[1])) * size.height;
      context.beginPath();
      context.arc(x, y, table.rows > 50 ? 1.6 : 4, 0, 2 * Math.PI);
      context.fillStyle = colorOf(
        table.kind === "classes" ? 2 * table.y[row] - 1 : table.y[row] / spread,
      );
      context.fill();
      context.lineWidth = table.rows > 50 ? 0.4 : 1;
      context.strokeStyle = "white";
      context.stroke();
    }
  };
  return <Canvas class="landscape-map" draw={draw} label={label} />;
}

function picture(levels: Uint8Array): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = COUNT;
  canvas.height = COUNT;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(COUNT, COUNT);
  const colors = palette();
  new Uint32Array(image.data.buffer).set(Uint32Array.from(levels, (level) => colors[level]));
  context.putImageData(image, 0, 0);
  return canvas;
}
