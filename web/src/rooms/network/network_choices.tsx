/** The network: its activations, its loss, how its first weights are drawn. */
import { choose, settings } from "../../model/bench";
import { ACTIVATIONS, INITIALIZERS, LOSSES, optionRecord } from "../../model/settings";
import { Choice, More, NumberField, Switch } from "../../parts/fields";
import { OptionFields } from "./option_fields";

const same = (names: readonly string[]) => names.map((name) => [name, name] as const);

export function NetworkChoices() {
  const s = settings.value;
  const isHidden = s.hidden.length > 0;
  const leaky =
    (isHidden && s.activation === "leaky_relu") || s.output_activation === "leaky_relu";
  return (
    <fieldset>
      <legend>Network</legend>
      <Choice
        label="activation"
        value={s.activation}
        options={same(ACTIVATIONS)}
        idle={isHidden ? undefined : "no hidden layer"}
        onChoose={(activation) => void choose({ activation })}
      />
      {leaky && (
        <NumberField label="slope" value={s.slope} onChoose={(slope) => void choose({ slope })} />
      )}
      <Choice
        label="loss"
        value={s.loss}
        options={same(LOSSES)}
        onChoose={(loss) => void choose({ loss })}
      />
      {s.loss === "huber" && (
        <NumberField
          label="delta"
          value={s.huber_delta}
          onChoose={(huber_delta) => void choose({ huber_delta })}
        />
      )}
      {s.loss === "quantile" && (
        <NumberField
          label="quantile"
          value={s.quantile}
          onChoose={(quantile) => void choose({ quantile })}
        />
      )}
      <More title="More of the network">
        <Choice
          label="of the output"
          value={s.output_activation}
          options={[["auto", "what suits the loss"], ...same(ACTIVATIONS)]}
          onChoose={(output_activation) => void choose({ output_activation })}
        />
        <Choice
          label="initializer"
          value={s.initializer.name}
          options={[["auto", "what suits the activation"], ...same(INITIALIZERS.filter((name) => name !== "auto"))]}
          onChoose={(name) => void choose({ initializer: optionRecord("initializers", name) })}
        />
        <OptionFields record={s.initializer} onChoose={(initializer) => void choose({ initializer })} />
        <NumberField
          label="seed"
          value={s.seed}
          low={0}
          high={1e9}
          whole
          onChoose={(seed) => void choose({ seed })}
        />
        <Switch label="biases" value={s.bias} onChoose={(bias) => void choose({ bias })} />
      </More>
    </fieldset>
  );
}
