/** Side by side: two ways to train from the same first weights. */
import { useState } from "preact/hooks";
import type { Problem } from "../../model/problem";
import { OPTIMIZERS, optionRecord, SAMPLINGS, SCHEDULES } from "../../model/settings";
import { Choice, NumberField, Switch } from "../../parts/fields";
import { short } from "../../parts/numbers";
import type { Sampling } from "../../protocol";
import {
  bothSides,
  chosenPair,
  onSurface,
  outcomeOf,
  pair,
  pairOf,
  PAIRS,
  pairSentence,
  sideName,
  sides,
  trainBoth,
  type Runner,
  type Side,
} from "./beside_state";
import { EpochsField, LogSwitch, TrainButton } from "./fields";
import { standing } from "./job";
import { PairCurves } from "./pair_curves";
import { Progress } from "./progress";
import { isFlat, RunMap } from "./run_map";
import { SurfacePicture } from "./surface_picture";

export function Beside(_: { readonly made: Problem }) {
  const [log, setLog] = useState(false);
  const found = pair.value;
  return (
    <section class="landscape-view" aria-labelledby="beside-title">
      <h2 id="beside-title">
        Two ways to train, from the same first weights: which one comes down further, and which one
        sooner?
      </h2>
      <div class="landscape-row">
        <TrainButton label="Train both" onTrain={trainBoth} />
        <EpochsField />
        <LogSwitch value={log} onChoose={setLog} />
      </div>
      <div class="landscape-pairs" role="group" aria-label="Pairs">
        {PAIRS.map(([title], index) => (
          <button
            key={index}
            type="button"
            aria-pressed={chosenPair.value === index}
            onClick={() => {
              sides.value = pairOf(index);
              void trainBoth();
            }}
          >
            {typeof title === "string" ? title : title()}
          </button>
        ))}
      </div>
      <Sides />
      <Progress />
      {!found && !standing.value && (
        <p class="empty">
          Nothing is trained yet: press a pair, or choose both sides and train them.
        </p>
      )}
      {found && (
        <>
          <p class="landscape-result" role="status">
            {found.whole ? pairSentence(found) : ""}
          </p>
          <PairCurves runners={found.runners} epochs={found.epochs} log={log} />
          <CurvesTable runners={found.runners} />
          <p class="landscape-key">
            <span class="landscape-line good" aria-hidden="true" /> A: {found.runners[0].name}
            <span class="landscape-line bad" aria-hidden="true" /> B: {found.runners[1].name}.
            Faint: the mean loss as each epoch met it, while the weights still moved.
          </p>
          {found.whole && <Ends />}
        </>
      )}
    </section>
  );
}

function Sides() {
  const [a, b] = bothSides.value;
  const set = (index: number, changes: Partial<Side>) => {
    const both = [a, b] as [Side, Side];
    both[index] = { ...both[index], ...changes };
    sides.value = both;
  };
  return (
    <details class="landscape-table">
      <summary>
        A: {sideName(a, b) || "the same"} · B: {sideName(b, a) || "the same"}: choose both sides
        freely
      </summary>
      <div class="landscape-sides">
        <SideFields letter="A" side={a} onChange={(changes) => set(0, changes)} />
        <SideFields letter="B" side={b} onChange={(changes) => set(1, changes)} />
      </div>
    </details>
  );
}

interface SideProps {
  readonly letter: string;
  readonly side: Side;
  readonly onChange: (changes: Partial<Side>) => void;
}

/** Optimisers that go over all rows at once take no steps to be compared. */
const STEPPING = OPTIMIZERS.filter((name) => name !== "lbfgs");

function SideFields({ letter, side, onChange }: SideProps) {
  const named = (names: readonly string[]): [string, string][] => names.map((name) => [name, name]);
  return (
    <fieldset>
      <legend>Side {letter}</legend>
      <Choice
        label="optimiser"
        value={side.optimizer.name}
        options={named(STEPPING)}
        onChoose={(name) => onChange({ optimizer: optionRecord("optimizers", name) })}
      />
      <NumberField
        label="step size α₀"
        value={side.learning_rate_init}
        low={1e-6}
        high={100}
        onChoose={(learning_rate_init) => onChange({ learning_rate_init })}
      />
      <Choice
        label="schedule"
        value={side.schedule.name}
        options={named(SCHEDULES)}
        onChoose={(name) => onChange({ schedule: optionRecord("schedules", name) })}
      />
      <NumberField
        label="rows a step"
        value={side.batch_size}
        low={1}
        high={100_000}
        whole
        onChoose={(batch_size) => onChange({ batch_size })}
      />
      <Choice
        label="sampling"
        value={side.sampling}
        options={named(SAMPLINGS)}
        onChoose={(name) => onChange({ sampling: name as Sampling })}
      />
      <NumberField
        label="L2 penalty"
        value={side.l2}
        low={0}
        high={1000}
        onChoose={(l2) => onChange({ l2 })}
      />
      <NumberField
        label="L1 penalty"
        value={side.l1}
        low={0}
        high={1000}
        onChoose={(l1) => onChange({ l1 })}
      />
      <Switch
        label="standardise inputs"
        value={side.standardize}
        onChoose={(standardize) => onChange({ standardize })}
      />
    </fieldset>
  );
}

/** J at every tenth place where it was looked at, to be read out. */
function CurvesTable({ runners }: { readonly runners: readonly Runner[] }) {
  const rows = runners[0].track.epoch
    .map((epoch, index) => ({ epoch, index }))
    .filter(({ index }) => index % 10 === 0);
  return (
    <div class="visually-hidden">
      <table>
        <caption>J over the epochs</caption>
        <thead>
          <tr>
            <th scope="col">epoch</th>
            {runners.map(({ letter }) => (
              <th key={letter} scope="col">
                {letter}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ epoch, index }) => (
            <tr key={epoch}>
              <th scope="row">{epoch}</th>
              {runners.map(({ letter, track }) => (
                <td key={letter}>{index < track.seen.length ? short(track.seen[index]) : ""}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Ends() {
  const found = pair.value!;
  return (
    <div class="landscape-ends">
      <div class="landscape-shown">
        <Measured />
        {isFlat(found.made) && (
          <ul class="landscape-maps" aria-label="Decision maps">
            {found.runners.map((runner) => (
              <li key={runner.letter}>
                <EndMap runner={runner} />
              </li>
            ))}
          </ul>
        )}
      </div>
      {found.heights ? (
        <div class="landscape-shown">
          <SurfacePicture
            heights={found.heights}
            log={false}
            ways={found.runners.map(({ letter, name, track }) => ({
              name,
              points: track.path,
              dashed: letter === "B",
            }))}
            marks={found.places}
            now={null}
            point={null}
          />
          <p class="landscape-note">
            Both ways from the first weights W⁰, on the plane through these and both ends; A whole,
            B broken. The heights are J of the page's own choices.
          </p>
        </div>
      ) : (
        !onSurface(found) && (
          <p class="landscape-note">
            With other inputs the same weights mean another function: the two have no surface in
            common.
          </p>
        )
      )}
    </div>
  );
}

function EndMap({ runner: { letter, name, made, track } }: { readonly runner: Runner }) {
  return (
    <figure class="landscape-end">
      <RunMap
        made={made}
        scaling={made.scaling}
        vector={track.state!.vector}
        buffers={track.state!.buffers}
        label={`Map of the output of ${letter}, ${name}`}
      />
      <figcaption>
        <b>{letter}</b> {name}
      </figcaption>
    </figure>
  );
}

function Measured() {
  const found = pair.value!;
  const outcome = outcomeOf(found);
  const rows: readonly (readonly [string, (runner: Runner, index: number) => string])[] = [
    ["J at first", ({ track }) => short(track.begun)],
    ["J at last", ({ track }) => (track.diverged ? "∞, diverged" : short(track.objective))],
    ["epochs", ({ track }) => track.state!.epoch.toLocaleString("en")],
    ["steps", ({ track }) => track.state!.step.toLocaleString("en")],
    [
      outcome ? `epochs to J = ${short(outcome.level)}` : "epochs to a low J",
      (_, index) =>
        outcome ? (outcome.reached[index]?.toLocaleString("en") ?? "not reached") : "not reached",
    ],
    [
      "largest weight",
      ({ track }) =>
        short(track.state!.vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)),
    ],
  ];
  return (
    <table>
      <thead>
        <tr>
          <td />
          {found.runners.map(({ letter, name }) => (
            <th key={letter} scope="col">
              {letter}: {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([title, value]) => (
          <tr key={title}>
            <th scope="row">{title}</th>
            {found.runners.map((runner, index) => (
              <td key={runner.letter}>{value(runner, index)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
