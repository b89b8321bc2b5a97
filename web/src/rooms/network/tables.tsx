/** The picture of the network in numbers: its weights layer by layer, and what its units say. */
import { opened } from "../../model/bench";
import { calmMoved } from "../../model/calm";
import { unitsOf, type Problem } from "../../model/problem";
import { short } from "../../parts/numbers";
import { AsTable } from "../../parts/as_table";
import { weightSlots, biasSlot } from "./geometry";
import { unitLetter, unitName } from "./selection";

/** Units below and above that a table of weights has at most. */
const MOST = 64;

export function NetworkTables({ problem: made }: { problem: Problem }) {
  const now = opened.value;
  if (!now) return null;
  const units = unitsOf(made.open);
  return (
    <div class="network-tables">
      {weightSlots(now)
        .filter(({ shape }) => shape[0] <= MOST && shape[1] <= MOST)
        .map(({ layer }) => (
          <AsTable
            key={layer}
            title={`Weights into ${layer === units.length - 2 ? "the output" : `hidden layer ${layer + 1}`}`}
            heads={["from", ...Array.from({ length: units[layer + 1] }, (_, unit) => `to ${unitLetter(made, layer + 1, unit)}`)]}
            rows={() => weightRows(made, layer)}
          />
        ))}
      <AsTable
        title="The maps in numbers"
        heads={["unit", "lowest colour", "highest colour", "lowest on the map", "highest on the map"]}
        rows={() => mapRows(made)}
      />
    </div>
  );
}

function weightRows(made: Problem, layer: number): string[][] {
  const now = opened.value;
  const vector = calmMoved.value?.state.vector;
  const slot = now && weightSlots(now).find((found) => found.layer === layer);
  if (!now || !slot || vector?.length !== now.size) return [];
  const [inputs, outputs] = slot.shape;
  const rows = Array.from({ length: inputs }, (_, from) => [
    unitLetter(made, layer, from),
    ...Array.from({ length: outputs }, (_, to) => short(vector[slot.start + from * outputs + to], 4)),
  ]);
  const bias = biasSlot(now, layer);
  if (bias) rows.push(["bias", ...Array.from({ length: outputs }, (_, to) => short(vector[bias.start + to], 4))]);
  return rows;
}

function mapRows(made: Problem): string[][] {
  const maps = calmMoved.value?.maps;
  if (!maps) return [];
  const units = unitsOf(made.open);
  const names = units.slice(1).flatMap((count, layer) =>
    Array.from({ length: count }, (_, unit) => unitName(made, layer + 1, unit)),
  );
  const area = maps.levels.length / maps.low.length;
  const skipped = names.length - maps.low.length;
  return Array.from(maps.low.keys()).map((place) => {
    const levels = maps.levels.subarray(place * area, (place + 1) * area);
    const [low, high] = [maps.low[place], maps.high[place]];
    const value = (level: number) => short(low + (level / 255) * (high - low));
    const least = levels.reduce((a, b) => Math.min(a, b), 255);
    const most = levels.reduce((a, b) => Math.max(a, b), 0);
    return [names[skipped + place], short(low), short(high), value(least), value(most)];
  });
}
