/** The lessons room: the lessons that the page brings, and those that a teacher wrote. */
import { useId, useState } from "preact/hooks";
import { LESSONS } from "../../lessons";
import { beginLesson, lesson as openLessonNow } from "../../model/lesson";
import { openLesson, type Lesson } from "../../model/lesson_file";
import { FileButton } from "../../parts/file_button";
import { RichText } from "../../parts/rich_text";
import "./lessons.css";

export function LessonsRoom() {
  return (
    <div class="lessons-room">
      <section aria-labelledby="lessons-heading">
        <h2 id="lessons-heading">Lessons that follow the notes</h2>
        <p class="lessons-lead">
          Each takes some minutes. A lesson stands beside the room that it needs; its tasks see by
          themselves when they are done.
        </p>
        <ol class="lessons-list">
          {LESSONS.map((lesson, index) => (
            <Card key={lesson.name} lesson={lesson} number={index + 1} />
          ))}
        </ol>
      </section>
      <OwnLesson />
    </div>
  );
}

/** The lesson begins, and whoever goes by keyboard stands at its title. */
async function begun(chosen: Lesson): Promise<void> {
  await beginLesson(chosen);
  document.querySelector<HTMLElement>(".lesson-head h2")?.focus({ preventScroll: true });
}

function Card({ lesson, number }: { readonly lesson: Lesson; readonly number: number }) {
  const isOpen = openLessonNow.value === lesson;
  return (
    <li class="lessons-card">
      <span class="lessons-number" aria-hidden="true">
        {number}
      </span>
      <div>
        <h3>{lesson.title}</h3>
        <p class="lessons-notes">
          <RichText text={lesson.notes} />
        </p>
        <p class="lessons-size">
          {lesson.tasks.length} tasks, about {lesson.minutes} minutes
        </p>
      </div>
      <button
        type="button"
        class="primary"
        aria-label={`${isOpen ? "Begin again" : "Begin"} lesson ${number}: ${lesson.title}`}
        onClick={() => void begun(lesson)}
      >
        {isOpen ? "Begin again" : "Begin"}
      </button>
    </li>
  );
}

/** A lesson of the teacher's own, from a file on this computer. */
function OwnLesson() {
  const [refusal, refuse] = useState("");
  const id = useId();
  const take = async (file: File) => {
    try {
      const read = await openLesson(file);
      refuse("");
      await begun(read);
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section class="lessons-own" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>A lesson of your own</h2>
      <p>
        A lesson is a JSON file: a text, a state of this page, and tasks. How to write one stands in
        docs/playground-lessons.md of the project. The file stays on this computer.
      </p>
      <FileButton
        label="Open the file of a lesson"
        accept=".json,application/json"
        onFile={(file) => void take(file)}
      />
      <p class="lessons-refusal" role="alert">
        {refusal}
      </p>
    </section>
  );
}
