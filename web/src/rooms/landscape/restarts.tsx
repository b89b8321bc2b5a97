/** Restarts: the same network from many first weights, and how differently they end. */
import { useState } from "preact/hooks";
import { choose, moved, setWeights, settings } from "../../model/bench";
import type { Problem } from "../../model/problem";
import { NumberField } from "../../parts/fields";
import { short } from "../../parts/numbers";
import { EpochsField, LogSwitch, TrainButton } from "./fields";
import { say, standing } from "./job";
import type { Outcomes } from "./outcomes";
import { Progress } from "./progress";
import { RestartCurves } from "./restart_curves";
import { outcomes, outdated, restarts, selected, trainRestarts } from "./restarts_state";
import { isFlat, RunMap } from "./run_map";
import type { Track } from "./tracks";

/** Few enough to show the map of each. */
const FEW = 8;

export function Restarts({ made }: { readonly made: Problem }) {
  const s = settings.value;
  const [log, setLog] = useState(false);
  const found = outcomes.value;
  const all = restarts.value;
  return (
    <section class="landscape-view" aria-labelledby="restarts-title">
      <h2 id="restarts-title">
        Does it matter where a training begins? Train the same network again and again, each time
        from other first weights, and see where each one ends.
      </h2>
      <div class="landscape-row">
        <TrainButton label={`Train ${s.restarts} restarts`} onTrain={trainRestarts} />
        <NumberField
          label="restarts"
          value={s.restarts}
          low={2}
          high={200}
          whole
          onChoose={(count) => void choose({ restarts: count })}
        />
        <EpochsField />
        <LogSwitch value={log} onChoose={setLog} />
      </div>
      <Progress />
      {!all && !standing.value && <p class="empty">Nothing is trained yet: press the button.</p>}
      {all && found && (
        <>
          <p class="landscape-result" role="status">
            {all.whole ? said(found, all.reached) : soFar(found)}
            {outdated.value &&
              " These were trained with other choices than now: train again to see those."}
          </p>
          <RestartCurves
            outcomes={found}
            epochs={all.epochs}
            log={log}
            selected={selected.value}
            onSelect={(track) => (selected.value = track)}
          />
          <p class="landscape-key">
            <span class="landscape-line good" aria-hidden="true" /> as good as the best{" "}
            <span class="landscape-line bad" aria-hidden="true" /> in a worse place (J above{" "}
            {short(found.limit)}). Click a curve, a bar or a map to take it up.
          </p>
          {all.whole && <Shown made={made} outcomes={found} />}
          {selected.value && <Selected track={selected.value} />}
          {all.whole && <Table outcomes={found} />}
        </>
      )}
    </section>
  );
}

/** Of the first J, what is left where a training has come down little. */
const LITTLE = 0.8;

/** What came out, in one or two sentences. */
export function said(found: Outcomes, epochs: number): string {
  const count = found.ranked.length;
  const diverged = found.diverged
    ? ` ${found.diverged} diverged: their numbers ran away. Lower the step size.`
    : "";
  if (found.diverged === count)
    return `All ${count} restarts diverged: their numbers ran away. Lower the step size.`;
  const best = `The best reached J = ${short(found.best)}, the median ${short(found.median)}.`;
  if (found.best > LITTLE * found.begun)
    return (
      `None of ${count} restarts came down much in ${epochs} epochs: J was ${short(found.begun)} ` +
      `at first, and the best reached ${short(found.best)}. Try more hidden units, more epochs or ` +
      `another step size.${diverged}`
    );
  if (!found.worse)
    return (
      `None of ${count} restarts ended in a worse place than the others after ${epochs} epochs. ` +
      best +
      diverged
    );
  return (
    `${found.worse} of ${count} restarts ended in a worse place: J above ${short(found.limit)} after ` +
    `${epochs} epochs, in a local minimum or on a plateau. ${best}${diverged}`
  );
}

function soFar(found: Outcomes): string {
  const good = found.ranked.length - found.worse - found.diverged;
  const all = found.ranked.length;
  return `So far ${good} of ${all} are about as low as the lowest, J = ${short(found.best)}.`;
}

function nameOf(track: Track): string {
  return `${track.name} (seed ${track.run.seed})`;
}

function Shown({ made, outcomes: found }: { readonly made: Problem; readonly outcomes: Outcomes }) {
  if (!isFlat(made)) return null;
  const finite = found.ranked.filter((track) => !track.diverged);
  if (!finite.length) return null;
  const middle = finite[Math.floor((finite.length - 1) / 2)];
  const chosen: [string, Track][] =
    finite.length <= FEW
      ? finite.map((track, index) => [String(index + 1), track])
      : [
          ["best", finite[0]],
          ["median", middle],
          ...worseKinds(finite, found).map((track): [string, Track] => ["worse", track]),
          ["worst", finite[finite.length - 1]],
        ];
  return (
    <ul class="landscape-maps" aria-label="Decision maps">
      {chosen.map(([title, track]) => (
        <li key={track.name}>
          <button
            type="button"
            aria-pressed={selected.value === track}
            onClick={() => (selected.value = track)}
          >
            <RunMap
              made={made}
              scaling={made.scaling}
              vector={track.state!.vector}
              buffers={track.state!.buffers}
              label={`Map of the output of ${nameOf(track)}`}
            />
            <b>{title}</b>
            <span>J = {short(track.objective)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The first of the worse ones: the most common place beside the best. */
function worseKinds(finite: readonly Track[], found: Outcomes): Track[] {
  const worse = finite.filter((track) => track.objective > found.limit);
  return worse.length > 2 ? [worse[0], worse[Math.floor(worse.length / 2)]] : [];
}

function endOf({ diverged, state, objective, begun }: Track): string {
  const { epoch } = state!;
  if (diverged) return `diverged in epoch ${epoch}: its numbers ran away`;
  return `J = ${short(objective)} after ${epoch} epochs, ${short(begun)} at its first weights`;
}

function Selected({ track }: { readonly track: Track }) {
  const take = async () => {
    await setWeights(track.state!.vector, track.state!.buffers);
    say(`The training now has the weights of ${nameOf(track)}: press Train to go on from them.`);
  };
  const watch = async () => {
    await choose({ seed: track.run.seed });
    say(`This is ${nameOf(track)} at its first weights: press Train to watch it.`);
  };
  return (
    <div class="landscape-chosen" role="group" aria-label="The restart that is chosen">
      <p>
        <b>{nameOf(track)}</b>: {endOf(track)}.
      </p>
      <button type="button" disabled={!moved.value} onClick={() => void take()}>
        Train on from here
      </button>
      <button
        type="button"
        disabled={settings.value.held > 0}
        title={
          settings.value.held > 0
            ? "Rows are held out by the seed: another seed has other rows"
            : undefined
        }
        onClick={() => void watch()}
      >
        Watch it from its first step
      </button>
    </div>
  );
}

function Table({ outcomes: found }: { readonly outcomes: Outcomes }) {
  return (
    <details class="landscape-table">
      <summary>All restarts as a table</summary>
      <div tabIndex={0} role="region" aria-label="All restarts">
        <table>
          <thead>
            <tr>
              <th scope="col">place</th>
              <th scope="col">restart</th>
              <th scope="col">seed</th>
              <th scope="col">J at first</th>
              <th scope="col">J at last</th>
              <th scope="col">outcome</th>
              <th scope="col" />
            </tr>
          </thead>
          <tbody>
            {found.ranked.map((track, index) => (
              <tr key={track.name} class={track === selected.value ? "chosen" : undefined}>
                <td>{index + 1}</td>
                <td>{track.name.replace("restart ", "")}</td>
                <td>{track.run.seed}</td>
                <td>{short(track.begun)}</td>
                <td>{short(track.objective)}</td>
                <td>
                  {track.diverged
                    ? "diverged"
                    : track.objective > found.limit
                      ? "worse place"
                      : "as good as the best"}
                </td>
                <td>
                  <button
                    type="button"
                    onClick={() => (selected.value = track)}
                    aria-label={`Look at ${nameOf(track)}`}
                  >
                    look
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
