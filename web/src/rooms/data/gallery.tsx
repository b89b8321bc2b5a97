/** The classic sets as small pictures to press, and what they are drawn with. */
import { useEffect, useState } from "preact/hooks";
import { choose, settings } from "../../model/bench";
import { chooseShipped, suited } from "../../model/choices";
import { CLASSICS, classicTable } from "../../model/sets";
import { SHIPPED, shippedTable } from "../../model/shipped";
import { NumberField } from "../../parts/fields";
import type { TableRead } from "../../protocol";
import { Digits } from "./digits";
import { Scatter } from "./scatter";

const ROWS_DRAWN = 200;
/** The rows that stand on the tile of the digits. */
const TWELVE = Array.from({ length: 12 }, (_, row) => row);

export function Gallery() {
  const { set, rows, noise, set_seed } = settings.value;
  return (
    <section class="data-card" aria-labelledby="data-gallery">
      <h2 id="data-gallery">Choose a set</h2>
      <p class="data-hint">Press a picture: the network then learns from these rows.</p>
      <div class="data-gallery">
        {Object.entries(CLASSICS).map(([name, { title, kind }]) => {
          const table = classicTable(name, Math.min(rows, ROWS_DRAWN), noise, set_seed);
          return (
            <Tile
              key={name}
              title={title}
              about={kind === "classes" ? "2 inputs, 2 classes" : "2 inputs, values"}
              pressed={name === set}
              onPress={() => void choose({ set: name, ...suited(settings.value, kind) })}
            >
              <Scatter table={table} axes={[0, 1]} size={name === "xor" ? 6 : 2.4} label="" />
            </Tile>
          );
        })}
        {Object.keys(SHIPPED).map((name) => (
          <ShippedTile key={name} name={name} />
        ))}
      </div>
      {set in CLASSICS && <Drawing />}
    </section>
  );
}

interface TileProps {
  readonly title: string;
  readonly about: string;
  readonly pressed: boolean;
  readonly onPress: () => void;
  readonly children: preact.ComponentChildren;
}

function Tile({ title, about, pressed, onPress, children }: TileProps) {
  return (
    <button type="button" class="data-tile" aria-pressed={pressed} onClick={onPress}>
      <span class="data-picture" aria-hidden="true">
        {children}
      </span>
      <b>{title}</b>
      <small>{about}</small>
    </button>
  );
}

function ShippedTile({ name }: { readonly name: string }) {
  const { title, about, picture } = SHIPPED[name];
  const [table, setTable] = useState<TableRead | null>(null);
  useEffect(() => {
    // Where it cannot be fetched, the tile stands without a picture and says why when pressed.
    shippedTable(name).then(setTable, () => setTable(null));
  }, [name]);
  return (
    <Tile
      title={title}
      about={about}
      pressed={settings.value.set === name}
      onPress={() => void chooseShipped(name)}
    >
      {table &&
        (picture ? (
          <Digits table={table} rows={TWELVE} columns={4} label="" {...picture} />
        ) : (
          <Scatter table={table} axes={[2, 3]} size={2.4} label="" />
        ))}
    </Tile>
  );
}

/** What a classic set is drawn with. */
function Drawing() {
  const { set, rows, noise, set_seed } = settings.value;
  const percent = Math.round(100 * noise);
  return (
    <div class="data-drawing">
      <div class="field data-noise">
        <label for="data-noise">noise</label>
        <input
          id="data-noise"
          type="range"
          min="0"
          max="100"
          value={percent}
          aria-valuetext={`${percent} percent`}
          onChange={(event) => void choose({ noise: Number(event.currentTarget.value) / 100 })}
        />
        <output for="data-noise">{percent} %</output>
      </div>
      {set !== "xor" && (
        <NumberField
          label="rows"
          value={rows}
          low={4}
          high={5000}
          whole
          onChoose={(value) => void choose({ rows: value })}
        />
      )}
      <NumberField
        label="seed"
        value={set_seed}
        low={0}
        high={1e6}
        whole
        onChoose={(value) => void choose({ set_seed: value })}
      />
      <button type="button" onClick={() => void choose({ set_seed: set_seed + 1 })}>
        ⚄ Draw other rows
      </button>
    </div>
  );
}
