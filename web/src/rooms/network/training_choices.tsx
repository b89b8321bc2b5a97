/** The training: step size and its schedule, optimiser, order and number of the rows of a step, penalties. */
import { choose, problem, settings } from "../../model/bench";
import { OPTIMIZERS, SAMPLINGS, SCHEDULES, optionRecord, type Settings } from "../../model/settings";
import { Choice, More, NumberField, Stops } from "../../parts/fields";
import type { Sampling } from "../../protocol";
import { OptionFields } from "./option_fields";
import { SchedulePicture } from "./schedule_picture";

const STEP_SIZES = [1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 0.5, 1, 2, 3, 5, 10, 30];
const STRENGTHS = [0, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

const SAMPLING_WORDS: Readonly<Record<Sampling, string>> = {
  replacement: "drawn with replacement",
  shuffle: "shuffled each epoch",
  sequential: "one after the other",
};

/** Schedules that count on an end. */
const ENDING = ["cosine", "cyclic_cosine", "one_cycle"];

const same = (names: readonly string[]) => names.map((name) => [name, name] as const);

/** Optimisers whose step has the size of the step size itself: one that suits SGD is too long. */
const SCALED = ["adam", "adamw", "rmsprop"];
const MOST_SCALED = 0.1;

/** A step size that the optimiser can go with. */
function calmer(optimizer: string): Partial<Settings> {
  const tooLong = SCALED.includes(optimizer) && settings.value.learning_rate_init > MOST_SCALED;
  return tooLong ? { learning_rate_init: 0.01 } : {};
}

export function TrainingChoices() {
  const s = settings.value;
  const rows = problem.value?.train.length ?? 1;
  const batches = [1, 2, 4, 8, 16, 32, 64, 128, 256].filter((size) => size < rows);
  return (
    <fieldset>
      <legend>How to train</legend>
      <Stops
        label="step size α₀"
        value={s.learning_rate_init}
        stops={STEP_SIZES}
        low={1e-9}
        high={1e6}
        onChoose={(learning_rate_init) => void choose({ learning_rate_init })}
      />
      <Choice
        label="optimiser"
        value={s.optimizer.name}
        options={same(OPTIMIZERS)}
        onChoose={(name) => void choose({ optimizer: optionRecord("optimizers", name), ...calmer(name) })}
      />
      <More title="More of the training">
        <OptionFields record={s.optimizer} onChoose={(optimizer) => void choose({ optimizer })} />
        <Choice
          label="schedule"
          value={s.schedule.name}
          options={same(SCHEDULES)}
          onChoose={(name) => void choose({ schedule: optionRecord("schedules", name) })}
        />
        <OptionFields record={s.schedule} onChoose={(schedule) => void choose({ schedule })} />
        {ENDING.includes(s.schedule.name) && (
          <NumberField
            label="over epochs"
            value={s.max_epochs}
            low={1}
            high={1e9}
            whole
            onChoose={(max_epochs) => void choose({ max_epochs })}
          />
        )}
        {s.schedule.name !== "constant" && <SchedulePicture />}
        <Stops
          label="batch size"
          value={s.batch_size}
          stops={[...batches, rows]}
          whole
          low={1}
          high={1e6}
          onChoose={(batch_size) => void choose({ batch_size })}
        />
        <Choice
          label="rows"
          value={s.sampling}
          options={SAMPLINGS.map((name) => [name, SAMPLING_WORDS[name]])}
          onChoose={(name) => void choose({ sampling: name as Sampling })}
        />
        <Stops
          label="penalty L2"
          value={s.l2}
          stops={STRENGTHS}
          high={1e6}
          onChoose={(l2) => void choose({ l2 })}
        />
        <Stops
          label="penalty L1"
          value={s.l1}
          stops={STRENGTHS}
          high={1e6}
          onChoose={(l1) => void choose({ l1 })}
        />
      </More>
    </fieldset>
  );
}
