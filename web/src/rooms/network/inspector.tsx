/** The unit or the weight that is looked at, in numbers that can be changed. */
import { useEffect, useState } from "preact/hooks";
import { ask, changeWeight, opened } from "../../model/bench";
import { calmMoved } from "../../model/calm";
import { columnOf, hasOwnTargets, isTranslated, ownTarget, spanOf, written } from "../../model/own_units";
import { unitsOf, type Problem } from "../../model/problem";
import { readNumber } from "../../parts/fields";
import { plain, short } from "../../parts/numbers";
import type { Moved, Ranges } from "../../protocol";
import { biasSlot } from "./geometry";
import { column, limits } from "./grid";
import { shown, unitLetter, unitName, weightPlace, type Selection } from "./selection";

export function Inspector({ problem: made }: { problem: Problem }) {
  const chosen = shown.value;
  return (
    <section class="network-inspector" aria-label="What is looked at">
      {chosen ? <Looked made={made} chosen={chosen} /> : <Hint />}
    </section>
  );
}

function Hint() {
  return (
    <p class="network-words">
      Point at a unit or a line to look at it; click to keep it here. Its weights can then be changed.
    </p>
  );
}

function Looked({ made, chosen }: { made: Problem; chosen: Selection }) {
  if (chosen.kind === "weight") {
    const { layer, from, to } = chosen;
    const [below, above] = [unitLetter(made, layer, from), unitLetter(made, layer + 1, to)];
    return (
      <>
        <h2>
          The weight from {below} to {above}
        </h2>
        <p class="network-words">
          It multiplies {below} in the sum z of {above}.
        </p>
        <WeightTable
          caption={`Weight from ${below} to ${above}`}
          entries={[{ name: below, place: weightPlace(layer, from, to) }]}
          into={above}
        />
      </>
    );
  }
  const { column, unit } = chosen;
  return (
    <>
      <h2>{unitName(made, column, unit)}</h2>
      {column === 0 ? <InputWords made={made} unit={unit} /> : <UnitWords made={made} column={column} unit={unit} />}
      {column > 0 && <Incoming made={made} column={column} unit={unit} />}
    </>
  );
}

function InputWords({ made, unit }: { made: Problem; unit: number }) {
  const { table } = made;
  const translated = isTranslated(made);
  const [low, high] = translated ? limits(column(table, unit)) : [0, 0];
  return (
    <p class="network-words">
      A value of each row, as the network sees it{translated ? ": in numbers of its own. " : ". "}
      {translated && (
        <>
          In the table it is <b>{columnOf(table, unit).name}</b>, {spanOf(table, unit, low, high)}.{" "}
        </>
      )}
      Its weights stand with the units that they run to.
    </p>
  );
}

/** The ranges of all units over the rows to train on, asked for as the training goes on. */
function useRanges(): Ranges | null {
  const [found, setFound] = useState<Ranges | null>(null);
  const at = calmMoved.value;
  useEffect(() => {
    let gone = false;
    void ask("ranges", {}).then((told) => !gone && told && setFound(told));
    return () => {
      gone = true;
    };
  }, [at]);
  return found;
}

function UnitWords({ made, column, unit }: { made: Problem; column: number; unit: number }) {
  const ranges = useRanges();
  const letter = unitLetter(made, column, unit);
  const units = unitsOf(made.open);
  const place = units.slice(1, column).reduce((sum, width) => sum + width, 0) + unit;
  const from = (values: Float64Array | undefined) => short(values?.[place] ?? NaN);
  const own = (value: number) => written(made.table, ownTarget(made.table, unit, value));
  const layer = made.open.network.layers[column - 1];
  const kind = column === units.length - 1 ? made.outputActivation : layer.function?.name;
  return (
    <p class="network-words">
      {layer.name === "dense" ? `${letter} = ${kind ?? "identity"}(z). ` : `A unit of ${layer.name.replaceAll("_", " ")}. `}
      {ranges && ranges.low.length > place && (
        <>
          Over the rows to train on z goes from <b>{from(ranges.z_low)}</b> to <b>{from(ranges.z_high)}</b>, and{" "}
          {letter} from <b>{from(ranges.low)}</b> to <b>{from(ranges.high)}</b>
          {column === units.length - 1 && hasOwnTargets(made.table) && (
            <>
              : {made.outputs[unit]} {own(ranges.low[place])} … {own(ranges.high[place])}
            </>
          )}
          .
        </>
      )}
    </p>
  );
}

function Incoming({ made, column, unit }: { made: Problem; column: number; unit: number }) {
  const layer = column - 1;
  const below = unitsOf(made.open)[layer];
  const bias = opened.value && biasSlot(opened.value, layer);
  if (weightPlace(layer, 0, unit) < 0) return null;
  const entries = Array.from({ length: below }, (_, from) => ({
    name: unitLetter(made, layer, from),
    place: weightPlace(layer, from, unit),
  }));
  if (bias) entries.push({ name: "bias", place: bias.start + unit });
  return (
    <WeightTable
      caption={`Weights into ${unitName(made, column, unit)}`}
      entries={entries}
      into={unitLetter(made, column, unit)}
    />
  );
}

interface Entry {
  readonly name: string;
  readonly place: number;
}

/** Weights of a table at most: a wide layer has more than anyone reads. */
const MOST_ENTRIES = 130;

function WeightTable({ caption, entries, into }: { caption: string; entries: readonly Entry[]; into: string }) {
  const at = calmMoved.value;
  if (!at) return null;
  return (
    <>
      <div class="network-weights" role="group" aria-label={caption}>
        {entries.slice(0, MOST_ENTRIES).map(({ name, place }) => (
          <WeightField
            key={place}
            name={name}
            label={name === "bias" ? `bias of ${into}` : `weight from ${name} to ${into}`}
            place={place}
            at={at}
          />
        ))}
      </div>
      {entries.length > MOST_ENTRIES && (
        <p class="network-words">
          The first {MOST_ENTRIES} of {entries.length.toLocaleString("en")}.
        </p>
      )}
    </>
  );
}

interface WeightProps {
  readonly name: string;
  readonly label: string;
  readonly place: number;
  readonly at: Moved;
}

function WeightField({ name, label, place, at }: WeightProps) {
  const [wrong, setWrong] = useState(false);
  const value = at.state.vector[place];
  const change = (input: HTMLInputElement) => {
    const number = readNumber(input.value, -1e12, 1e12);
    setWrong(number === null);
    if (number === null) return;
    void changeWeight(place, number);
  };
  return (
    <label class={wrong ? "wrong" : undefined}>
      <span>{name}</span>
      <input
        type="text"
        inputMode="decimal"
        aria-label={label}
        aria-invalid={wrong}
        title={wrong ? `${label} must be a number` : `${label}: ${plain(value)}`}
        value={short(value, 4)}
        onChange={(event) => change(event.currentTarget)}
      />
    </label>
  );
}
