/** The bar that moves the training: in every room at the same place. */
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { advance, back, begin, choose, movable, moved, opened, pause, play, playing, settings, stopped } from "../model/bench";
import { calmMoved } from "../model/calm";
import { short } from "./numbers";
import { Pace } from "./pace";
import { Shortcuts } from "./shortcuts";
import "./transport.css";

/** How many seeds "another seed" goes through before it begins again. */
const SEEDS = 10000;

/** On narrow screens: whether what is seldom pressed is on show, too. */
const unfolded = signal(false);

/** How much of the screen the bar takes, for what stands below it: `--bar` of the page's style. */
function useHeight() {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const bar = ref.current!;
    const tell = () => document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`);
    tell();
    const watcher = new ResizeObserver(tell);
    watcher.observe(bar);
    return () => watcher.disconnect();
  }, []);
  return ref;
}

export function Transport() {
  // While a model is fitted elsewhere it is watched, and not moved; nor is it without an engine.
  const none = !movable.value;
  const batch = settings.value.batch_size > 1;
  return (
    <div
      ref={useHeight()}
      class={unfolded.value ? "transport unfolded" : "transport"}
      role="group"
      aria-label="Training"
    >
      <div class="moves">
        <button
          type="button"
          class="primary"
          disabled={none}
          title={playing.value ? "Space" : "Train on and on (Space)"}
          onClick={() => void (playing.value ? pause() : play())}
        >
          {playing.value ? "❚❚ Pause" : "▶ Train"}
        </button>
        <button
          type="button"
          disabled={none}
          title={`One step: forward, backward, update, for ${batch ? "a few rows" : "one row"} (→)`}
          onClick={() => void advance("step")}
        >
          {batch ? "One mini-batch" : "One sample"}
        </button>
        <button type="button" disabled={none} title="e" onClick={() => void advance("epoch")}>
          One epoch
        </button>
        <Back />
        <More />
      </div>
      <div class="transport-rest">
        <Pace />
        <button
          type="button"
          disabled={none}
          title="The same first weights and the same order of rows"
          onClick={() => void begin()}
        >
          ↺ Same seed again
        </button>
        <button
          type="button"
          disabled={none}
          title="Other first weights and another order of rows"
          onClick={() => void choose({ seed: (settings.value.seed + 1) % SEEDS })}
        >
          Another seed
        </button>
      </div>
      <Shortcuts />
      <Counters />
    </div>
  );
}

function Back() {
  const behind = moved.value?.behind ?? 0;
  return (
    <button type="button" disabled={behind === 0 || !movable.value} title="To where the last move began (←)" onClick={() => void back()}>
      ↶<span class="transport-word"> Back</span>
    </button>
  );
}

/** Shows what a narrow screen leaves out of the bar. */
function More() {
  return (
    <button
      type="button"
      class="transport-more"
      aria-expanded={unfolded.value}
      aria-label="Pace, seeds and keys"
      title="Pace, seeds and keys"
      onClick={() => (unfolded.value = !unfolded.value)}
    >
      ⋯
    </button>
  );
}

function Counters() {
  const at = calmMoved.value;
  if (!at) return null;
  return (
    <dl class="counters">
      <div>
        <dt>epoch</dt>
        <dd>{at.state.epoch.toLocaleString("en")}</dd>
      </div>
      <div>
        <dt>step</dt>
        <dd>
          {at.state.into} of {opened.value?.steps_per_epoch ?? 1}
        </dd>
      </div>
      <div>
        <dt title="The objective: the mean loss over the rows to train on, plus the penalty">
          <span class="transport-word">objective </span>J
        </dt>
        <dd>{told(at.measures.objective)}</dd>
      </div>
      {at.measures.held_loss !== null && (
        <div>
          <dt title="The mean loss over the rows held out">
            held-out<span class="transport-word"> loss</span>
          </dt>
          <dd>{told(at.measures.held_loss)}</dd>
        </div>
      )}
    </dl>
  );
}

/** A loss over all rows; of very many they are computed anew now and then, and when it pauses. */
function told(loss: number): string {
  return Number.isNaN(loss) && stopped.value === null ? "…" : short(loss);
}
