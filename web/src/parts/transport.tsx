/** The bar that moves the training: in every room at the same place. */
import { advance, back, begin, moved, opened, pause, play, playing, settings } from "../model/bench";
import { short } from "./numbers";

export function Transport() {
  const at = moved.value;
  const perEpoch = opened.value?.steps_per_epoch ?? 1;
  const one = settings.value.batch_size > 1 ? "One mini-batch" : "One sample";
  return (
    <div class="transport" role="group" aria-label="Training">
      <button
        type="button"
        class="primary"
        disabled={!at}
        onClick={() => void (playing.value ? pause() : play())}
      >
        {playing.value ? "❚❚ Pause" : "▶ Train"}
      </button>
      <button type="button" disabled={!at} onClick={() => void advance("step")}>
        {one}
      </button>
      <button type="button" disabled={!at} onClick={() => void advance("epoch")}>
        One epoch
      </button>
      <button type="button" disabled={!at?.behind} onClick={() => void back()}>
        ↶ Back
      </button>
      <button type="button" disabled={!at} onClick={() => void begin()}>
        ↺ Same seed again
      </button>
      {at && (
        <dl class="counters">
          <div>
            <dt>epoch</dt>
            <dd>{at.state.epoch.toLocaleString("en")}</dd>
          </div>
          <div>
            <dt>step</dt>
            <dd>
              {at.state.into} of {perEpoch}
            </dd>
          </div>
          <div>
            <dt title="The objective: the mean loss over the rows to train on, plus the penalty">
              objective J
            </dt>
            <dd>{short(at.measures.objective)}</dd>
          </div>
          {at.measures.held_loss !== null && (
            <div>
              <dt>held-out loss</dt>
              <dd>{short(at.measures.held_loss)}</dd>
            </div>
          )}
        </dl>
      )}
    </div>
  );
}
