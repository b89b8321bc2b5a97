/** What can be chosen, in groups; what a newcomer does not need yet is folded away. */
import { settings } from "../../model/bench";
import { shows } from "../../model/groups";
import { DataChoices } from "./data_choices";
import { NetworkChoices } from "./network_choices";
import { TrainingChoices } from "./training_choices";

export function Controls() {
  const { hide } = settings.value;
  return (
    <form class="controls" aria-label="Choices" onSubmit={(event) => event.preventDefault()}>
      {shows(hide, "data") && <DataChoices />}
      {shows(hide, "network") && <NetworkChoices />}
      {shows(hide, "training") && <TrainingChoices />}
    </form>
  );
}
