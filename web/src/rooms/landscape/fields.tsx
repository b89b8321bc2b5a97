/** Fields that more than one view of the landscape has. */
import { choose, settings } from "../../model/bench";
import { NumberField, Switch } from "../../parts/fields";
import { standing } from "./job";

interface TrainProps {
  readonly label: string;
  readonly onTrain: () => Promise<void>;
}

/** What begins the training of a view; while one is under way no other begins. */
export function TrainButton({ label, onTrain }: TrainProps) {
  return (
    <button
      type="button"
      class="primary"
      disabled={standing.value !== null}
      onClick={() => void onTrain()}
    >
      ▶ {label}
    </button>
  );
}

/** How long each training is. */
export function EpochsField() {
  return (
    <NumberField
      label="epochs"
      value={settings.value.epochs}
      low={1}
      high={1_000_000}
      whole
      onChoose={(epochs) => void choose({ epochs })}
    />
  );
}

interface LogProps {
  readonly value: boolean;
  readonly onChoose: (log: boolean) => void;
}

/** Whether J stands on a logarithmic scale. */
export function LogSwitch(props: LogProps) {
  return <Switch label="log scale" {...props} />;
}
