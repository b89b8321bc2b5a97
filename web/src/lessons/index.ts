/** The lessons that the page brings, in the order of the notes. */
import { START, type State } from "../model/address";
import { readLesson, type Lesson } from "../model/lesson_file";
import delta from "./delta.json";
import forward from "./forward.json";
import layers from "./layers.json";
import neuron from "./neuron.json";
import steps from "./steps.json";
import xor from "./xor.json";

const FILES = { neuron, forward, delta, xor, steps, layers };

export const LESSONS: readonly Lesson[] = Object.entries(FILES).map(([name, file]) =>
  readLesson(file, name),
);
export const LESSON_NAMES: readonly string[] = Object.keys(FILES);

export function lessonNamed(name: string): Lesson | null {
  return LESSONS.find((lesson) => lesson.name === name) ?? null;
}

/** What an address need not say: its lesson's state, or the page's own. */
export function baseOf(name: string): State {
  return lessonNamed(name)?.state ?? START;
}
