/** What can be taken along: the step, the losses, the model. */
import { signal } from "@preact/signals";
import { curves, engineIs, problem, request, settings, useModel } from "../../model/bench";
import { lossesCsv, traceJson } from "../../model/exports";
import { planOf, type Problem } from "../../model/problem";
import { NumberField } from "../../parts/fields";
import { download } from "../../parts/download";
import { FileButton } from "../../parts/file_button";
import { MOST_STEPS, recordedPage, subjectNow } from "./recording";

const trouble = signal("");

/** Does it, and says in this place what went wrong. */
async function tried(work: () => Promise<void>): Promise<void> {
  trouble.value = "";
  try {
    await work();
  } catch (error) {
    trouble.value = error instanceof Error ? error.message : String(error);
  }
}

async function saveTrace(made: Problem): Promise<void> {
  const traced = await request("trace", { x: null, d: null, numeric: false });
  const text = traceJson(traced, made.open.network, planOf(settings.value), engineIs.value);
  download("deltarule-step.json", new Blob([text], { type: "application/json" }));
}

async function saveModel(): Promise<void> {
  const { file } = await request("save", {});
  download("model.safetensors", new Blob([file as BlobPart]));
}

const steps = signal(100);
/** How far a recording is; empty where none is made. */
const recording = signal("");

async function saveRecording(): Promise<void> {
  const subject = subjectNow();
  if (!subject || recording.value) return;
  recording.value = "Recording …";
  try {
    const { page, count } = await recordedPage(subject, steps.value, (step, of) => {
      const fit = of < steps.value ? `Of ${steps.value} steps ${of} fit into a file. ` : "";
      recording.value = `${fit}Recording step ${step} of ${of} …`;
    });
    download("deltarule.html", new Blob([page], { type: "text/html" }));
    if (count < steps.value) trouble.value = `The file holds ${count} steps: more did not fit, or there were no more.`;
  } finally {
    recording.value = "";
  }
}

/** Open a model file that was chosen or dropped. */
export function openModelFile(file: File): void {
  void tried(async () => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    await useModel(await request("load", { file: bytes }));
  });
}

export function TakeAlong() {
  const made = problem.value;
  if (!made) return null;
  const can = engineIs.value?.can ?? [];
  const { epoch } = curves.value;
  const losses = () =>
    download("deltarule-losses.csv", new Blob([lossesCsv(curves.value)], { type: "text/csv" }));
  return (
    <section class="data-card" aria-labelledby="data-along">
      <h2 id="data-along">Take it along</h2>
      <div class="data-bar">
        <button type="button" onClick={() => void tried(() => saveTrace(made))}>
          ⤓ This step as JSON
        </button>
        <button type="button" disabled={!epoch.length} onClick={losses}>
          ⤓ Losses as CSV
        </button>
        {can.includes("save") && (
          <button type="button" onClick={() => void tried(saveModel)}>
            ⤓ Model file
          </button>
        )}
        {can.includes("load") && (
          <FileButton label="Open a model file" accept=".safetensors" onFile={openModelFile} />
        )}
      </div>
      <div class="data-bar">
        <button type="button" disabled={recording.value !== ""} onClick={() => void tried(saveRecording)}>
          ⤓ Save as one HTML file
        </button>
        <NumberField
          label="steps"
          value={steps.value}
          low={1}
          high={MOST_STEPS}
          whole
          onChoose={(count) => (steps.value = count)}
        />
      </div>
      <p class="data-hint" role="status">
        {recording.value}
      </p>
      <p class="data-hint">
        The file holds this network and its next steps of training, with all their numbers. It opens in any browser,
        offline too: to walk through, to hand in, to project.
      </p>
      {!can.includes("save") && (
        <p class="data-hint">
          Model files are written and read by deltarule on your own machine: start it with deltarule play. This page
          has no server.
        </p>
      )}
      {trouble.value && (
        <p class="data-problem" role="alert">
          {trouble.value}
        </p>
      )}
    </section>
  );
}
