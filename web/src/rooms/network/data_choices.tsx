/** The data: a set by its picture; its rows, noise and seed; what of it is held out. */
import { useId } from "preact/hooks";
import { choose, ownTable, settings } from "../../model/bench";
import { chooseShipped, suited } from "../../model/choices";
import { CLASSICS, classicTable } from "../../model/sets";
import { SHIPPED } from "../../model/shipped";
import { Canvas } from "../../parts/canvas";
import { More, Stops, Switch } from "../../parts/fields";
import { drawRow } from "./rows";

/** Points of the picture of a set. */
const SHOWN = 70;

/** Sets whose points are few and fixed: their number cannot be chosen. */
const FIXED = ["xor"];

const SEEDS = 1000;

export function DataChoices() {
  const s = settings.value;
  const drawn = Object.hasOwn(CLASSICS, s.set);
  return (
    <fieldset>
      <legend>Data</legend>
      <Sets />
      <More title="More of the data">
        {drawn && !FIXED.includes(s.set) && (
          <Stops
            label="rows"
            value={s.rows}
            stops={[10, 20, 50, 100, 200, 300, 500, 1000, 2000]}
            whole
            low={4}
            high={5000}
            onChoose={(rows) => void choose({ rows })}
          />
        )}
        {drawn && (
          <>
            <Stops
              label="noise"
              value={s.noise}
              stops={[0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1]}
              onChoose={(noise) => void choose({ noise })}
            />
            <div class="field">
              <span class="network-words">points</span>
              <button type="button" onClick={() => void choose({ set_seed: (s.set_seed + 1) % SEEDS })}>
                Draw others
              </button>
            </div>
          </>
        )}
        <Stops
          label="held out"
          value={s.held}
          stops={[0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5]}
          write={(share) => `${Math.round(100 * share)} %`}
          onChoose={(held) => void choose({ held })}
        />
        <Switch
          label="standardize the inputs"
          value={s.standardize}
          onChoose={(standardize) => void choose({ standardize })}
        />
      </More>
    </fieldset>
  );
}

function Sets() {
  const group = useId();
  const { set } = settings.value;
  const own = ownTable.value;
  return (
    <div class="network-sets" role="radiogroup" aria-label="set">
      {Object.entries(CLASSICS).map(([name, { title, kind }]) => (
        <label key={name} title={title} class={set === name ? "chosen" : undefined}>
          <input
            type="radio"
            class="visually-hidden"
            name={group}
            checked={set === name}
            onChange={() => void choose({ set: name, ...suited(settings.value, kind) })}
          />
          <Thumbnail name={name} />
          <span class="visually-hidden">{title}</span>
        </label>
      ))}
      {Object.entries(SHIPPED).map(([name, { title }]) => (
        <Named key={name} group={group} name={name} title={title} words={name} />
      ))}
      {own && <Named group={group} name="own" title={own.name} words={own.name} />}
      <p class="network-words">{CLASSICS[set]?.title ?? SHIPPED[set]?.title ?? own?.name}</p>
      <button type="button" onClick={() => void choose({ room: "data" })}>
        More sets, or your own …
      </button>
    </div>
  );
}

interface NamedProps {
  readonly group: string;
  readonly name: string;
  readonly title: string;
  readonly words: string;
}

/** A set without a picture of its points: its name stands for it. */
function Named({ group, name, title, words }: NamedProps) {
  const { set } = settings.value;
  return (
    <label title={title} class={set === name ? "chosen own" : "own"}>
      <input
        type="radio"
        class="visually-hidden"
        name={group}
        aria-label={title}
        checked={set === name}
        onChange={() => void (Object.hasOwn(SHIPPED, name) ? chooseShipped(name) : choose({ set: name }))}
      />
      <span>{words}</span>
    </label>
  );
}

function Thumbnail({ name }: { name: string }) {
  const table = classicTable(name, SHOWN, 0.1, 0);
  const fixed = FIXED.includes(name);
  return (
    <Canvas
      label=""
      aria-hidden="true"
      draw={(context, { width, height }) => {
        const low = fixed ? -0.35 : -1.1;
        const high = fixed ? 1.35 : 1.1;
        for (let row = 0; row < table.rows; row += 1) {
          const x = ((table.X[2 * row] - low) / (high - low)) * width;
          const y = (1 - (table.X[2 * row + 1] - low) / (high - low)) * height;
          drawRow(context, { x, y, size: fixed ? 5 : 1.9, table, row, outline: null });
        }
      }}
    />
  );
}
