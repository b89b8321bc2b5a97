/** The landscape room: many trainings beside each other, and the surface that they descend. */
import { choose, problem, settings } from "../../model/bench";
import { unitsOf, type Problem } from "../../model/problem";
import {
  LANDSCAPE_VIEWS,
  optionRecord,
  type LandscapeView,
  type Settings,
} from "../../model/settings";
import { short } from "../../parts/numbers";
import { Beside } from "./beside";
import { Restarts } from "./restarts";
import { trainRestarts } from "./restarts_state";
import { Surface } from "./surface";
import "./landscape.css";

const TITLES: Readonly<Record<LandscapeView, string>> = {
  restarts: "Restarts",
  surface: "Surface",
  beside: "Side by side",
};

const VIEWS: Readonly<Record<LandscapeView, typeof Restarts>> = {
  restarts: Restarts,
  surface: Surface,
  beside: Beside,
};

const XOR: Partial<Settings> = {
  set: "xor",
  noise: 0,
  activation: "logistic",
  output_activation: "auto",
  loss: "squared_error",
  optimizer: optionRecord("optimizers", "sgd"),
  schedule: optionRecord("schedules", "constant"),
  learning_rate_init: 1,
  batch_size: 1,
  sampling: "replacement",
  standardize: false,
  l1: 0,
  l2: 0,
  held: 0,
  epochs: 2000,
  restarts: 100,
};

/** Problems that show something at once. */
const EXAMPLES: readonly (readonly [title: string, choices: Partial<Settings>])[] = [
  ["2 hidden units", { ...XOR, hidden: [2] }],
  ["3", { ...XOR, hidden: [3] }],
  ["5", { ...XOR, hidden: [5] }],
];

export function LandscapeRoom() {
  const made = problem.value;
  if (!made) return <p class="empty">Preparing …</p>;
  const { view } = settings.value;
  const View = VIEWS[view];
  return (
    <div class="landscape-room">
      <div class="landscape-row">
        <nav class="landscape-views" aria-label="Views of the landscape">
          {LANDSCAPE_VIEWS.map((name) => (
            <button
              key={name}
              type="button"
              aria-current={name === view ? "page" : undefined}
              onClick={() => void choose({ view: name })}
            >
              {TITLES[name]}
            </button>
          ))}
        </nav>
        <p class="landscape-problem">
          {summary(made)}{" "}
          <a
            href="#room=network"
            onClick={(event) => {
              event.preventDefault();
              void choose({ room: "network" });
            }}
          >
            change
          </a>
        </p>
        <div class="landscape-examples" role="group" aria-label="XOR with so many hidden units">
          <span>Try XOR with</span>
          {EXAMPLES.map(([title, choices]) => (
            <button
              key={title}
              type="button"
              onClick={() =>
                void choose(choices).then(() => (view === "restarts" ? trainRestarts() : undefined))
              }
            >
              {title}
            </button>
          ))}
        </div>
      </div>
      <View made={made} />
    </div>
  );
}

/** What is trained here, in one line. */
function summary(made: Problem): string {
  const s = settings.value;
  const batch = s.batch_size > 1 ? `mini-batches of ${s.batch_size}` : "per sample";
  const units = unitsOf(made.open).join("-");
  const steps = `${s.optimizer.name}, α₀ = ${short(s.learning_rate_init)}, ${batch}`;
  const activation = s.hidden.length ? s.activation : made.outputActivation;
  return `${made.table.name} · ${units} ${activation} · ${steps}`;
}
