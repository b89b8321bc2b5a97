/** What the library's diagnosis finds wrong with the network, each with its remedy. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, engineIs, live, moved, opened, problem, subject } from "../model/bench";
import type { Finding, Opened } from "../protocol";
import "./findings.css";

interface Found {
  readonly findings: readonly Finding[];
  /** Of which training, and at which of its steps. */
  readonly of: Opened | null;
  readonly step: number;
}

const found = signal<Found | null>(null);

/** Characters of an input's name in a sentence. */
const MOST_CALLED = 60;

/** What sentences call the inputs. */
export const calledInputs = (inputs: readonly string[]): string[] =>
  inputs.map((name) => (name.length > MOST_CALLED ? `${name.slice(0, MOST_CALLED - 1)}…` : name));

async function diagnose(): Promise<void> {
  const [of, step] = [opened.value, moved.value?.state.step ?? 0];
  const told = await ask("diagnose", { inputs: calledInputs(problem.value?.table.inputs ?? []) });
  if (told && of === opened.value) found.value = { ...told, of, step };
}

/** The gravest stands open; of the others the name is enough until somebody asks. */
function One({ finding, open }: { readonly finding: Finding; readonly open: boolean }) {
  const { name, sentence, measured, remedy } = finding;
  return (
    <details open={open}>
      <summary>
        <h3>{name.replaceAll("_", " ")}</h3>
      </summary>
      <p>{sentence}</p>
      {remedy && (
        <p>
          <b>Remedy:</b> {remedy}
        </p>
      )}
      <p class="findings-measured">{measured}</p>
    </details>
  );
}

export function Findings() {
  const can = engineIs.value?.can.includes("diagnose") && !live.value;
  const open = opened.value;
  // An opened model is diagnosed as it comes: that is what it was opened for.
  useEffect(() => {
    if (can && open && subject.value) void diagnose();
  }, [can, open]);
  if (!can) return null;
  const shown = found.value?.of === open ? found.value : null;
  const passed = shown && moved.value ? moved.value.state.step !== shown.step : false;
  return (
    <section class="findings" aria-label="Diagnosis">
      <header>
        <h2>Diagnosis</h2>
        <button type="button" disabled={!open} onClick={() => void diagnose()}>
          {shown ? "Diagnose again" : "Diagnose"}
        </button>
      </header>
      <div role="status">
        {shown && passed && (
          <p class="findings-passed">From step {shown.step.toLocaleString("en")}, before it moved on.</p>
        )}
        {shown && !shown.findings.length && (
          <p>None of what is looked for was found.</p>
        )}
        {shown && shown.findings.length > 0 && (
          <ul>
            {shown.findings.map((finding, index) => (
              <li key={`${finding.name}-${index}`}>
                <One finding={finding} open={index === 0} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
