/** The lesson that is open, beside any room: its text, the task at hand, and how far it is. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { LESSONS } from "../lessons";
import {
  again,
  beginLesson,
  closeLesson,
  done,
  goTo,
  lesson,
  place,
  press,
  task,
} from "../model/lesson";
import type { Lesson, Task } from "../model/lesson_file";
import { GoalView } from "./lesson_goal";
import "./lesson_panel.css";
import { Paragraphs } from "./rich_text";

/** Where the panel stands: beside the room, or below it. */
export const docked = signal<"side" | "below">("side");
/** Whether only its head is on show. */
const folded = signal(false);

export function LessonPanel() {
  const open = lesson.value;
  const at = task.value;
  if (!open || !at) return null;
  return (
    <aside class="lesson-panel" aria-label="Lesson">
      <Head open={open} />
      {!folded.value && (
        <>
          <Places open={open} />
          {place.value === 0 && (
            <div class="lesson-text">
              <Paragraphs texts={open.text} />
            </div>
          )}
          <TaskView key={`${open.title} ${place.value}`} at={at} open={open} />
        </>
      )}
    </aside>
  );
}

function Head({ open }: { readonly open: Lesson }) {
  const number = LESSONS.indexOf(open) + 1;
  const isBeside = docked.value === "side";
  return (
    <div class="lesson-head">
      <p class="lesson-kicker">
        {number ? `Lesson ${number} of ${LESSONS.length}` : "Your own lesson"}
      </p>
      <button
        type="button"
        class="lesson-dock"
        onClick={() => (docked.value = isBeside ? "below" : "side")}
      >
        {isBeside ? "Dock below" : "Dock beside"}
      </button>
      <button
        type="button"
        aria-expanded={!folded.value}
        onClick={() => (folded.value = !folded.value)}
      >
        {folded.value ? "Unfold" : "Fold"}
      </button>
      <button type="button" onClick={closeLesson}>
        Close
      </button>
      <h2>{open.title}</h2>
    </div>
  );
}

/** The tasks by number: any of them can be gone to. */
function Places({ open }: { readonly open: Lesson }) {
  return (
    <ol class="lesson-places" aria-label="Tasks">
      {open.tasks.map((entry, index) => {
        const isDone = done.value.has(index);
        const state = isDone ? ", done" : "";
        return (
          <li key={index}>
            <button
              type="button"
              class={isDone ? "ticked" : undefined}
              aria-current={index === place.value ? "step" : undefined}
              aria-label={`Task ${index + 1}${state}: ${entry.title}`}
              title={entry.title}
              onClick={() => index !== place.value && void goTo(index)}
            >
              {isDone ? "✓" : index + 1}
            </button>
          </li>
        );
      })}
    </ol>
  );
}

function TaskView({ at, open }: { readonly at: Task; readonly open: Lesson }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(place.value === 0);
  const isDone = done.value.has(place.value);
  useEffect(() => {
    // Whoever goes on by keyboard, or listens, stands at the new task.
    if (!isFirst.current) heading.current?.focus();
  }, []);
  return (
    <section class="lesson-task">
      <h3 ref={heading} tabIndex={-1}>
        {at.title}
      </h3>
      <div class="lesson-text">
        <Paragraphs texts={at.text} />
      </div>
      {at.presses.length > 0 && (
        <div class="lesson-presses" role="group" aria-label="For this task">
          {at.presses.map((entry) => (
            <button key={entry.label} type="button" onClick={() => void press(entry)}>
              {entry.label}
            </button>
          ))}
        </div>
      )}
      <GoalView goal={at.goal} isDone={isDone} />
      <div role="status" class="lesson-done">
        {isDone && (
          <div class="lesson-said right">
            <p>
              <strong>Task {place.value + 1} is done.</strong>
            </p>
            <Paragraphs texts={at.done} />
          </div>
        )}
      </div>
      {!isDone && at.hints.length > 0 && <Hints hints={at.hints} />}
      <Onwards open={open} isDone={isDone} />
    </section>
  );
}

function Onwards({ open, isDone }: { readonly open: Lesson; readonly isDone: boolean }) {
  const isLast = place.value === open.tasks.length - 1;
  const number = LESSONS.indexOf(open);
  const next = number >= 0 ? LESSONS[number + 1] : undefined;
  return (
    <div class="lesson-onwards">
      {isDone && !isLast && (
        <button type="button" class="primary" onClick={() => void goTo(place.value + 1)}>
          Next task
        </button>
      )}
      {isDone && isLast && next && (
        <button type="button" class="primary" onClick={() => void beginLesson(next)}>
          Next lesson: {next.title}
        </button>
      )}
      <button type="button" onClick={() => void again()}>
        Set up this task again
      </button>
    </div>
  );
}

/** One hint after the other, each when it is asked for. */
function Hints({ hints }: { readonly hints: readonly string[] }) {
  const [count, setCount] = useState(0);
  return (
    <div class="lesson-hints">
      <div role="status">
        <Paragraphs texts={hints.slice(0, count)} />
      </div>
      {count < hints.length && (
        <button type="button" onClick={() => setCount(count + 1)}>
          {count ? "Another hint" : "A hint"}
        </button>
      )}
    </div>
  );
}
