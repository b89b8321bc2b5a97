/** A lesson as its file has it: read, checked, refused with a sentence where it is wrong. */
import { problemsInWords, readState, START, type State } from "./address";
import { readCondition, readMeasure, type Condition } from "./lesson_conditions";
import type { Measure } from "./lesson_measures";
import { LessonError, LessonReader } from "./lesson_reader";

export interface Choice {
  readonly text: string;
  readonly right: boolean;
  /** What is said when it is chosen. */
  readonly because: string;
}

/** A button of a task: what it changes, as addresses have it, or the next seed. */
export interface Press {
  readonly label: string;
  readonly state: string | null;
  readonly next: "seed" | null;
}

/** How a task is done: something holds, a question is answered, a number is found. */
export type Goal =
  | { readonly kind: "check"; readonly condition: Condition }
  | { readonly kind: "question"; readonly text: string; readonly choices: readonly Choice[] }
  | {
      readonly kind: "number";
      readonly text: string;
      readonly is: number | null;
      readonly measure: Measure | null;
      readonly within: number;
    };

export interface Task {
  readonly title: string;
  readonly text: readonly string[];
  /** What is set when the task begins, on top of the lesson's state; null: all stays as it is. */
  readonly state: string | null;
  readonly presses: readonly Press[];
  readonly goal: Goal;
  readonly hints: readonly string[];
  /** What is said when it is done. */
  readonly done: readonly string[];
}

export interface Lesson {
  /** As addresses have it; "" for a lesson of one's own. */
  readonly name: string;
  readonly title: string;
  readonly minutes: number;
  /** The statements of the notes that it follows. */
  readonly notes: string;
  readonly text: readonly string[];
  readonly state: State;
  readonly tasks: readonly Task[];
}

export const LESSON_VERSION = 1;

const LETTERS = 1500;

/** A state that must be read without a word left over. */
function checkedState(given: LessonReader, name: string, base: State): State {
  const text = given.text(name, 4000);
  const { state, problems } = readState(text, base);
  if (problems.length) throw given.unreadable(name, problemsInWords(problems));
  if (state.settings.lesson) throw given.wrong(name, "a state without a lesson", text);
  return state;
}

function readPress(given: LessonReader, base: State): Press {
  const label = given.text("label", 80);
  const press = given.has("next")
    ? { label, state: null, next: given.word("next", ["seed"]) }
    : { label, state: given.text("state", 4000), next: null };
  if (press.state) checkedState(given, "state", base);
  given.end();
  return press;
}

function readChoice(given: LessonReader): Choice {
  const choice = {
    text: given.text("text", 400),
    right: given.flag("right"),
    because: given.text("because", LETTERS),
  };
  given.end();
  return choice;
}

function readGoal(given: LessonReader): Goal {
  const kinds = (["check", "question", "number"] as const).filter((kind) => given.has(kind));
  if (kinds.length !== 1)
    throw given.wrong("", "a task with one of check, question, number", kinds);
  if (kinds[0] === "check")
    return { kind: "check", condition: readCondition(given.inner("check")) };
  if (kinds[0] === "question") {
    const asked = given.inner("question");
    const text = asked.text("text", LETTERS);
    const choices = asked.records("choices", 2, 6).map(readChoice);
    if (choices.filter(({ right }) => right).length !== 1)
      throw asked.wrong(
        "choices",
        "choices of which one is right",
        choices.map(({ right }) => right),
      );
    asked.end();
    return { kind: "question", text, choices };
  }
  const asked = given.inner("number");
  const text = asked.text("text", LETTERS);
  const within = asked.number("within");
  if (within <= 0) throw asked.wrong("within", "a number above 0", within);
  const byMeasure = asked.has("measure");
  const goal: Goal = {
    kind: "number",
    text,
    is: byMeasure ? null : asked.number("is"),
    measure: byMeasure ? readMeasure(asked) : null,
    within,
  };
  asked.end();
  return goal;
}

function readTask(given: LessonReader, place: number, base: State): Task {
  if (place === 0 && given.has("state"))
    throw given.wrong(
      "state",
      "left out of the first task, which begins with the lesson's",
      "a state",
    );
  const state = given.has("state") ? given.text("state", 4000) : null;
  const begins = state ? checkedState(given, "state", base) : base;
  const task = {
    title: given.text("title", 120),
    text: given.texts("text", 12, LETTERS),
    state,
    presses: given.has("buttons")
      ? given.records("buttons", 1, 8).map((press) => readPress(press, begins))
      : [],
    goal: readGoal(given),
    hints: given.has("hints") ? given.texts("hints", 6, LETTERS) : [],
    done: given.texts("done", 6, LETTERS),
  };
  given.end();
  return task;
}

/** The lesson that a parsed file holds; `name` as addresses have it. */
export function readLesson(parsed: unknown, name: string): Lesson {
  const given = new LessonReader(parsed, "");
  given.word("format", ["deltarule lesson"]);
  given.whole("version", LESSON_VERSION, LESSON_VERSION);
  const state = given.has("state") ? checkedState(given, "state", START) : START;
  const lesson: Lesson = {
    name,
    title: given.text("title", 120),
    minutes: given.whole("minutes", 1, 120),
    notes: given.text("notes", 400),
    text: given.texts("text", 12, LETTERS),
    state: { ...state, settings: { ...state.settings, lesson: name } },
    tasks: given.records("tasks", 1, 20).map((task, place) => readTask(task, place, state)),
  };
  given.end();
  return lesson;
}

/** Bytes of the largest file that is read. */
const MOST_BYTES = 200_000;

const CHOOSE = "Choose the JSON file of a lesson.";

/** A lesson from a file that a person chose. */
export async function openLesson(file: File): Promise<Lesson> {
  if (file.size > MOST_BYTES)
    throw new LessonError(
      `${file.name} has ${file.size} bytes; a lesson has at most ${MOST_BYTES}. ${CHOOSE}`,
    );
  let parsed: unknown;
  try {
    parsed = JSON.parse(await file.text());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LessonError(`${file.name} is no JSON file: ${why}. ${CHOOSE}`);
  }
  try {
    return readLesson(parsed, "");
  } catch (error) {
    if (!(error instanceof LessonError)) throw error;
    throw new LessonError(`${file.name}: ${error.message}`);
  }
}
