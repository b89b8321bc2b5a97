/** The line of the walk that is at hand, large: with letters, with numbers, and its result. */
import { exact } from "../../parts/numbers";
import { moved, playing, settings } from "../../model/bench";
import { binding, workedOut } from "./expression";
import { LOSS_WORDS } from "./losses";
import { SIGMA_WORDS } from "./activations";
import { OPTIMIZER_WORDS } from "./optimizers";
import { Check } from "./check";
import { Formula, Symbol, written } from "./formula";
import { INNER_WORDS, innerKind } from "./inner";
import type { Line, Row } from "./row";
import type { Script } from "./script";
import {
  current,
  doThisStep,
  lines,
  playLines,
  said,
  sample,
  takeNewWeights,
  walk,
  walking,
} from "./state";

export function Card({ script }: { readonly script: Script }) {
  const line = lines.value[current.value];
  return (
    <section class="step-card" aria-label="The line at hand">
      <WalkBar />
      <div class={line.rows.length > 3 ? "step-large step-many" : "step-large"} data-line={line.id} data-about={line.place}>
        <h2>{line.title}</h2>
        {line.rows.map((row) => (
          <LargeRow key={row.id} row={row} />
        ))}
        {line.phase === "update" && script.scene.traced.numeric && (
          <Check script={script} line={line} large />
        )}
        <p class="step-words">{words(line, script)}</p>
      </div>
      <p class="step-said" role="status">
        {said.value}
      </p>
    </section>
  );
}

function LargeRow({ row }: { readonly row: Row }) {
  const { formula } = row;
  const writing = { large: true, row: row.id };
  // A formula that is one number says it with its result.
  const worked = formula && binding(formula) < 5 && formula.is !== "leaf" && formula.is !== "plain";
  return (
    <div class="step-row">
      <span class="step-name">
        <Symbol name={row.name} />
      </span>
      <span class="step-equals">
        {formula && (
          <span>
            = <Formula tree={formula} filled={false} {...writing} />
          </span>
        )}
        {worked && (
          <span>
            = <Formula tree={formula} filled {...writing} />
          </span>
        )}
        <span>
          = <Result row={row} />
          {row.says && <em> {row.says}</em>}
        </span>
      </span>
    </div>
  );
}

/** What comes out: the engine's number. */
export function Result({ row }: { readonly row: Row }) {
  const { formula, value } = row;
  return (
    <strong
      class="step-result"
      data-row={row.id}
      data-thing={row.thing}
      data-place={row.place}
      data-value={String(value)}
      data-worked={formula ? String(workedOut(formula)) : undefined}
      data-of={row.of}
      title={exact(value)}
    >
      {written(value)}
    </strong>
  );
}

/** What the line does, in a sentence. */
function words(line: Line, script: Script): string {
  const { layer, unit } = line;
  if (line.id === "f") {
    const losses = script.scene.network.heads.map((head) => LOSS_WORDS[head.loss.name]);
    return `How wrong the prediction is: ${[...new Set(losses)].join("; ")}.`;
  }
  const inner = line.phase === "forward" && innerKind(script, layer);
  if (inner) return INNER_WORDS[inner];
  if (line.phase === "forward")
    return `Everything that comes in, each times its weight${script.hasBias(layer - 1) ? ", and the bias" : ""}; then ${SIGMA_WORDS[script.activation(layer, unit).name]}.`;
  if (line.phase === "update" && innerKind(script, layer + 1))
    return `The gradient of a gain is δ times x̂, that of a shift is δ itself. ${OPTIMIZER_WORDS[script.scene.optimizer.name]}.`;
  if (line.phase === "update")
    return `The gradient is the δ of the unit above times what came in. ${OPTIMIZER_WORDS[script.scene.optimizer.name]}.`;
  if (layer === script.depth) return "δ = ∂f/∂z: how fast the loss grows with z, by the loss and then by σ.";
  if (innerKind(script, layer + 1))
    return "The delta above comes back through the layer between, with numbers of step t: all deltas first, then all updates.";
  const letter = script.letters.weights(layer).letter;
  return `The deltas above come back through the old ${letter}, of step t: all deltas first, then all updates.`;
}

function WalkBar() {
  const count = lines.value.length;
  const at = current.value;
  const last = at === count - 1;
  const drawn = sample.value.kind === "drawn";
  const stands = moved.value?.stopped !== null;
  const what = settings.value.batch_size > 1 ? "Do the mini-batch" : "Do this step";
  return (
    <div class="step-walk" role="group" aria-label="Walk through the lines">
      <button type="button" disabled={at === 0} onClick={() => walk(-1)} aria-keyshortcuts="ArrowLeft">
        ◀ Line before
      </button>
      <button
        type="button"
        class={last ? "" : "primary"}
        disabled={last}
        onClick={() => walk(1)}
        aria-keyshortcuts="ArrowRight"
      >
        Next line ▶
      </button>
      <button type="button" aria-pressed={walking.value} onClick={() => playLines(!walking.value)}>
        {walking.value ? "❚❚ Stop" : "Play the lines"}
      </button>
      <span class="step-count">
        line {at + 1} of {count}
      </span>
      {drawn ? (
        <button
          type="button"
          class={last ? "primary" : ""}
          disabled={playing.value || stands}
          onClick={() => void doThisStep()}
        >
          {what}
        </button>
      ) : (
        <button type="button" class={last ? "primary" : ""} disabled={playing.value} onClick={takeNewWeights}>
          Take the new weights
        </button>
      )}
    </div>
  );
}
