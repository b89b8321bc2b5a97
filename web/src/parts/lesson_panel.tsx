/** The lesson that is open, beside any room: its text, the task at hand, and how far it is. */
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
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
  return open && at ? <Panel open={open} at={at} /> : null;
}

/** How far down the screen the panel begins, for its style: it is to end where the screen does. */
function useTop() {
  const ref = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const panel = ref.current!;
    const tell = () =>
      panel.style.setProperty("--panel-top", `${panel.getBoundingClientRect().top}px`);
    tell();
    // What stands above it grows and goes: the bar, a notice.
    const watcher = new ResizeObserver(tell);
    watcher.observe(document.body);
    for (const kind of ["scroll", "resize"]) addEventListener(kind, tell, { passive: true });
    return () => {
      watcher.disconnect();
      for (const kind of ["scroll", "resize"]) removeEventListener(kind, tell);
    };
  }, []);
  return ref;
}

function Panel({ at, open }: TaskProps) {
  return (
    <aside ref={useTop()} class="lesson-panel" aria-label="Lesson">
      <Head open={open} />
      {!folded.value && (
        <>
          <Places open={open} />
          <Scrolled key={`${open.title} ${place.value}`} at={at} open={open} />
          <Onwards open={open} />
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
      <h2 tabIndex={-1}>{open.title}</h2>
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

interface TaskProps {
  readonly at: Task;
  readonly open: Lesson;
}

/** What the panel scrolls: a task begins at its top, and shows what it says when it is done. */
function Scrolled({ at, open }: TaskProps) {
  const frame = useRef<HTMLDivElement>(null);
  const isFirst = place.value === 0;
  const wasDone = useRef(done.value.has(place.value));
  const isDone = done.value.has(place.value);
  useEffect(() => {
    // A lesson begins at the top of its room, wherever the page was scrolled to.
    if (isFirst) scrollTo(0, 0);
    // Whoever goes on by keyboard, or listens, stands at the new task.
    else frame.current?.querySelector("h3")?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    if (isDone && !wasDone.current) showVerdict(frame.current!);
    wasDone.current = isDone;
  }, [isDone]);
  return (
    <div class="lesson-scrolled" ref={frame}>
      {isFirst && (
        <div class="lesson-text">
          <Paragraphs texts={open.text} />
        </div>
      )}
      <TaskView at={at} isDone={isDone} />
    </div>
  );
}

/** Scrolls the panel, and not the page, to what was said last; from its begin where it is long. */
function showVerdict(frame: HTMLElement): void {
  const [first] = frame.querySelectorAll(".lesson-said");
  const last = frame.querySelector(".lesson-done");
  if (!first || !last) return;
  const top = frame.getBoundingClientRect().top;
  const begin = first.getBoundingClientRect().top - top - MARGIN;
  const end = last.getBoundingClientRect().bottom - top - frame.clientHeight + MARGIN;
  const by = Math.min(begin, end);
  if (by > 0) frame.scrollBy({ top: by });
}

/** Pixels that are left free around what is scrolled to. */
const MARGIN = 4;

function TaskView({ at, isDone }: { readonly at: Task; readonly isDone: boolean }) {
  return (
    <section class="lesson-task">
      <h3 tabIndex={-1}>{at.title}</h3>
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
      <button type="button" class="lesson-again" onClick={() => void again()}>
        Set up this task again
      </button>
    </section>
  );
}

/** Where it goes on from a task that is done; below what is scrolled, so that it is always seen. */
function Onwards({ open }: { readonly open: Lesson }) {
  if (!done.value.has(place.value)) return null;
  const isLast = place.value === open.tasks.length - 1;
  const number = LESSONS.indexOf(open);
  const next = number >= 0 ? LESSONS[number + 1] : undefined;
  if (isLast && !next) return null;
  return (
    <div class="lesson-onwards">
      {isLast ? (
        <button type="button" class="primary" onClick={() => void beginLesson(next!)}>
          Next lesson: {next!.title}
        </button>
      ) : (
        <button type="button" class="primary" onClick={() => void goTo(place.value + 1)}>
          Next task
        </button>
      )}
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
