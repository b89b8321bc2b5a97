/** The network as layers of units and the weights between them, drawn on one canvas. */
import { Canvas, type Size } from "../../parts/canvas";
import { colorOf } from "../../parts/colors";
import { moved, opened } from "../../model/bench";
import { unitsOf, type Problem } from "../../model/problem";
import { tile } from "./output_map";

interface Props {
  readonly problem: Problem;
  readonly count: number;
}

interface Node {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/** Where each unit stands: layers as columns from left to right. */
export function places(units: readonly number[], { width, height }: Size): Node[][] {
  const most = Math.max(...units);
  const side = Math.max(3, Math.min(44, (height - 40) / most - 6, width / units.length / 2.4));
  const step = Math.min((height - 30) / most, side * 1.9);
  return units.map((count, layer) => {
    const x = 34 + side / 2 + (layer / (units.length - 1)) * (width - 68 - side);
    const top = height / 2 - ((count - 1) * step) / 2;
    return Array.from({ length: count }, (_, unit) => ({ x, y: top + unit * step, side }));
  });
}

export function NetworkPicture({ problem, count }: Props) {
  const at = moved.value;
  const units = unitsOf(problem.open);
  const slots = opened.value?.slots ?? [];
  const draw = (context: CanvasRenderingContext2D, size: Size) => {
    if (!at) return;
    const nodes = places(units, size);
    const { vector } = at.state;
    for (const slot of slots) {
      if (slot.block !== "weight") continue;
      const [inputs, outputs] = slot.shape;
      let largest = 1e-12;
      for (let index = slot.start; index < slot.stop; index += 1)
        largest = Math.max(largest, Math.abs(vector[index]));
      const scale = Math.max(largest, 1);
      for (let i = 0; i < inputs; i += 1)
        for (let j = 0; j < outputs; j += 1) {
          const weight = vector[slot.start + i * outputs + j];
          const from = nodes[slot.layer][i];
          const to = nodes[slot.layer + 1][j];
          const share = Math.abs(weight) / scale;
          if (share < 0.02 && inputs * outputs > 400) continue;
          const middle = (from.x + to.x) / 2;
          context.beginPath();
          context.moveTo(from.x + from.side / 2, from.y);
          context.bezierCurveTo(middle, from.y, middle, to.y, to.x - to.side / 2, to.y);
          context.lineWidth = 0.4 + 5 * share * Math.min(1, to.side / 24);
          context.strokeStyle = colorOf(Math.sign(weight) * (0.25 + 0.75 * share));
          context.stroke();
        }
    }
    let unit = 0;
    nodes.forEach((layer, depth) =>
      layer.forEach((node, index) => {
        const { x, y, side } = node;
        const left = x - side / 2;
        const top = y - side / 2;
        if (depth > 0 && at.maps) {
          context.drawImage(tile(at.maps.levels, unit, count), left, top, side, side);
          unit += 1;
        } else {
          context.fillStyle = getComputedStyle(context.canvas).getPropertyValue("--panel");
          context.fillRect(left, top, side, side);
        }
        context.lineWidth = 1;
        context.strokeStyle = getComputedStyle(context.canvas).getPropertyValue("--soft");
        context.strokeRect(left, top, side, side);
        if (depth === 0 && side > 10) {
          context.fillStyle = getComputedStyle(context.canvas).getPropertyValue("--ink");
          context.font = "13px system-ui";
          context.textAlign = "center";
          context.fillText(problem.table.inputs[index], x, y + 4);
        }
      }),
    );
  };
  return (
    <Canvas draw={draw} label={`A network of ${units.join(", ")} units; blue weights are positive, orange negative`} />
  );
}
