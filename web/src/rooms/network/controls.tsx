/** What can be chosen, in groups: data, network, training. */
import { choose, settings } from "../../model/bench";
import { shows } from "../../model/groups";
import { ACTIVATIONS, LOSSES, OPTIMIZERS, optionRecord } from "../../model/settings";
import { CLASSICS } from "../../model/sets";
import { Choice, NumberField } from "../../parts/fields";

export function Controls() {
  const s = settings.value;
  return (
    <form class="controls" aria-label="Choices" onSubmit={(event) => event.preventDefault()}>
      {shows(s.hide, "data") && (
        <fieldset>
          <legend>Data</legend>
          <Choice
            label="set"
            value={s.set}
            options={Object.entries(CLASSICS).map(([name, { title }]) => [name, title])}
            onChoose={(set) => void choose({ set })}
          />
        </fieldset>
      )}
      {shows(s.hide, "network") && (
        <fieldset>
          <legend>Network</legend>
          <Choice
            label="activation"
            value={s.activation}
            options={ACTIVATIONS.map((name) => [name, name])}
            onChoose={(activation) => void choose({ activation })}
          />
          <Choice
            label="loss"
            value={s.loss}
            options={LOSSES.map((name) => [name, name])}
            onChoose={(loss) => void choose({ loss })}
          />
        </fieldset>
      )}
      {shows(s.hide, "training") && (
        <fieldset>
          <legend>Training</legend>
          <Choice
            label="optimiser"
            value={s.optimizer.name}
            options={OPTIMIZERS.map((name) => [name, name])}
            onChoose={(name) => void choose({ optimizer: optionRecord("optimizers", name) })}
          />
          <NumberField
            label="step size α₀"
            value={s.learning_rate_init}
            low={1e-6}
            high={100}
            onChoose={(learning_rate_init) => void choose({ learning_rate_init })}
          />
        </fieldset>
      )}
    </form>
  );
}
