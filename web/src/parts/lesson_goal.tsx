/** How a task of a lesson is done: a list that ticks itself, a question, a number to be found. */
import { useId, useState } from "preact/hooks";
import { readNumber } from "../model/address_fields";
import { answer, facts, tryNumber } from "../model/lesson";
import { linesOf, type Condition } from "../model/lesson_conditions";
import type { Goal } from "../model/lesson_file";
import { RichText } from "./rich_text";

interface Props {
  readonly goal: Goal;
  readonly isDone: boolean;
}

/** What a goal of one kind is shown by. */
interface Of<K extends Goal["kind"]> {
  readonly goal: Extract<Goal, { kind: K }>;
  readonly isDone: boolean;
}

export function GoalView({ goal, isDone }: Props) {
  if (goal.kind === "question") return <Question goal={goal} isDone={isDone} />;
  if (goal.kind === "number") return <NumberAsked goal={goal} isDone={isDone} />;
  return <Checks condition={goal.condition} isDone={isDone} />;
}

interface ChecksProps {
  readonly condition: Condition;
  readonly isDone: boolean;
}

function Checks({ condition, isDone }: ChecksProps) {
  return (
    <ul class="lesson-checks" aria-label="To be done">
      {linesOf(condition, facts.value).map((line, index) => {
        const ticked = isDone || line.holds;
        return (
          <li key={index} class={ticked ? "ticked" : undefined}>
            <span aria-hidden="true">{ticked ? "✓" : "○"}</span>
            <span class="visually-hidden">{ticked ? "done: " : "not yet: "}</span>
            <span>
              <RichText text={line.text} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function Question({ goal, isDone }: Of<"question">) {
  const [chosen, choose] = useState<number | null>(null);
  const id = useId();
  const said = chosen === null ? null : goal.choices[chosen];
  return (
    <div class="lesson-question" role="group" aria-labelledby={id}>
      <p id={id}>
        <RichText text={goal.text} />
      </p>
      <ul>
        {goal.choices.map((choice, index) => {
          const isChosen = chosen === index;
          const verdict = choice.right ? "right" : "wrong";
          return (
            <li key={index}>
              <button
                type="button"
                aria-pressed={isChosen}
                class={isChosen ? verdict : undefined}
                onClick={() => {
                  choose(index);
                  answer(index);
                }}
              >
                {isChosen && <span aria-hidden="true">{choice.right ? "✓ " : "✗ "}</span>}
                <RichText text={choice.text} />
              </button>
            </li>
          );
        })}
      </ul>
      <div role="status">
        {said && (
          <p class={said.right ? "lesson-said right" : "lesson-said wrong"}>
            <strong>{said.right ? "Right." : "Not so."}</strong> <RichText text={said.because} />
          </p>
        )}
        {!said && isDone && <p class="lesson-said right">Answered.</p>}
      </div>
    </div>
  );
}

/** A sentence for what was typed. */
function verdictOn(text: string): string {
  const value = readNumber(text.trim().replace(",", ".").replace("−", "-"));
  if (Number.isNaN(value))
    return `Type a number, as in 0.25 or −1.5 (got ${text.trim().slice(0, 20) || "nothing"}).`;
  const right = tryNumber(value);
  if (right === null) return "The page does not know this number yet: pause the training first.";
  return right ? "" : `Not so: ${text.trim()} is too far away. Check each factor and its sign.`;
}

function NumberAsked({ goal, isDone }: Of<"number">) {
  const [text, setText] = useState("");
  const [verdict, setVerdict] = useState("");
  const id = useId();
  return (
    <form
      class="lesson-number"
      onSubmit={(event) => {
        event.preventDefault();
        setVerdict(verdictOn(text));
      }}
    >
      <label for={id}>
        <RichText text={goal.text} />
      </label>
      <div>
        <input
          id={id}
          type="text"
          inputMode="decimal"
          autocomplete="off"
          value={text}
          aria-describedby={`${id}-said`}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit">Check</button>
      </div>
      <div role="status" id={`${id}-said`}>
        {isDone ? (
          <p class="lesson-said right">
            <strong>Right.</strong>
          </p>
        ) : (
          verdict && <p class="lesson-said wrong">{verdict}</p>
        )}
      </div>
    </form>
  );
}
