/** All lines of the step, compact, in the three phases; the one at hand is marked. */
import { NumberField } from "../../parts/fields";
import { short, subscript } from "../../parts/numbers";
import { agreement, Check, hasSign } from "./check";
import { Result } from "./card";
import { Formula, Symbol, tidy, written } from "./formula";
import { unitTitle } from "./names";
import { PHASES, type Line, type Phase, type Row } from "./row";
import { MOST_UNITS, MOST_WEIGHTS, type Script } from "./script";
import { chosen, current, goTo, goToPhase, lines, pickUnit, toggled, wide } from "./state";

const TITLES: Readonly<Record<Phase, string>> = {
  forward: "Forward",
  backward: "Backward",
  update: "Update",
};

export function Lines({ script }: { readonly script: Script }) {
  const all = lines.value;
  const at = all[current.value];
  return (
    <div class="step-lines">
      {PHASES.map((phase, index) => {
        const own = all.filter((line) => line.phase === phase);
        return (
          <section key={phase} class="step-phase" aria-label={TITLES[phase]}>
            <h2>
              <button
                type="button"
                aria-pressed={at.phase === phase}
                disabled={!own.length}
                onClick={() => goToPhase(phase)}
              >
                <span class="step-order">{index + 1}</span> {TITLES[phase]}
              </button>
              <span class="step-rule">{rule(phase, script)}</span>
            </h2>
            {phase === "update" ? (
              <Updates script={script} own={own} at={at} />
            ) : (
              <Compact script={script} own={own} at={at} />
            )}
          </section>
        );
      })}
    </div>
  );
}

/** The phase in the notes' letters. */
function rule(phase: Phase, script: Script): string {
  if (phase === "forward") return "z = Σ W a + b, a = σ(z), from the inputs to d̂";
  if (phase === "backward") return "all δ with the weights of step t, from d̂ back";
  return `every weight moves, α${subscript(script.scene.traced.step)} = ${tidy(script.scene.traced.rate, 4)}`;
}

interface Props {
  readonly script: Script;
  readonly own: readonly Line[];
  readonly at: Line;
}

function Compact({ script, own, at }: Props) {
  return (
    <ol>
      {own.map((line, index) => (
        <li key={line.id}>
          {script.depth >= line.layer && line.layer !== own[index - 1]?.layer && (
            <Chooser script={script} layer={line.layer} />
          )}
          <button
            type="button"
            class="step-line"
            data-about={line.place}
            data-line={line.id}
            aria-current={line === at ? "step" : undefined}
            onClick={() => goTo(line.id)}
          >
            {line.rows.map((row) => (
              <CompactRow key={row.id} row={row} />
            ))}
          </button>
        </li>
      ))}
    </ol>
  );
}

function CompactRow({ row }: { readonly row: Row }) {
  const { formula } = row;
  const says = formula && formula.is !== "leaf" && formula.is !== "plain";
  return (
    <span class="step-compact">
      <Symbol name={row.name} /> ={" "}
      {says && (
        <>
          <Formula tree={formula} filled large={false} row={row.id} /> ={" "}
        </>
      )}
      <Result row={row} />
    </span>
  );
}

/** Which unit of a wide layer is written out. */
function Chooser({ script, layer }: { readonly script: Script; readonly layer: number }) {
  const count = script.count(layer);
  if (count <= MOST_UNITS) return null;
  return (
    <div class="step-chooser">
      <NumberField
        label={`${layer === script.depth ? "output" : `unit of hidden layer ${layer}`}, 1 … ${count}`}
        value={(chosen.value[layer] ?? 0) + 1}
        low={1}
        high={count}
        whole
        onChoose={(unit) => pickUnit(layer, unit - 1)}
      />
    </div>
  );
}

function Updates({ script, own, at }: Props) {
  const { numeric } = script.scene.traced;
  return (
    <>
      <div class="step-table">
        <table>
          <thead>
            <tr>
              <th scope="col">weight</th>
              <th scope="col">old</th>
              <th scope="col">∂f/∂w = δ · in</th>
              {numeric && (
                <th scope="col" class="step-difference">
                  by differences
                </th>
              )}
              <th scope="col">new</th>
            </tr>
          </thead>
          <tbody>
            {own.map((line) => (
              <UpdateRow key={line.id} script={script} line={line} at={at} />
            ))}
          </tbody>
        </table>
      </div>
      <Unlisted script={script} />
      {numeric && <Verdict script={script} />}
    </>
  );
}

function UpdateRow({ script, line, at }: { readonly script: Script; readonly line: Line; readonly at: Line }) {
  const { old } = line.moves!;
  const [gradient] = line.rows;
  const after = line.rows[line.rows.length - 1];
  const { numeric } = script.scene.traced;
  return (
    <tr data-about={line.place} data-line={line.id} aria-current={line === at ? "step" : undefined}>
      <th scope="row">
        <button
          type="button"
          class="step-weight"
          data-place={line.place}
          onClick={() => goTo(line.id)}
        >
          <Symbol name={old.name} />
        </button>
      </th>
      <td>
        <span
          class="step-number"
          data-thing={old.thing}
          data-place={old.place}
          data-value={String(old.value)}
        >
          {written(old.value)}
        </span>
      </td>
      <td>
        <Result row={gradient} />
      </td>
      {numeric && (
        <td class="step-difference">
          <Check script={script} line={line} />
        </td>
      )}
      <td>
        <Result row={after} />
      </td>
    </tr>
  );
}

/** Weights that are not listed, layer by layer, and how to see them. */
function Unlisted({ script }: { readonly script: Script }) {
  const long = script.layers
    .map((layer, index) => ({ index, inputs: layer.inputs }))
    .filter(({ index, inputs }) => inputs > MOST_WEIGHTS && script.isDense(index + 1));
  return (
    <>
      {long.map(({ index, inputs }) => (
        <button
          key={index}
          type="button"
          class="step-fold"
          onClick={() => (wide.value = toggled(wide.value, index))}
        >
          {wide.value.has(index)
            ? `fold the ${inputs} weights into layer ${index + 1}`
            : `list all ${inputs} weights into ${unitTitle(script.depth, index + 1, script.written(index + 1)[0])}`}
        </button>
      ))}
    </>
  );
}

function Verdict({ script }: { readonly script: Script }) {
  const { judged, agreed, largest } = agreement(script);
  const size = script.scene.traced.gradient.length;
  if (!judged && hasSign(script))
    return (
      <p class="step-verdict">
        The difference sees a flat function: sign is trained by a rule, which no difference can
        confirm.
      </p>
    );
  return (
    <p class="step-verdict">
      Gradient check: {agreed} of {judged} weights agree with the central difference, the largest
      gap is {short(largest)}.
      {judged < size &&
        ` ${size - judged} are not judged: there the difference reaches across a kink of σ or of the loss.`}
    </p>
  );
}
