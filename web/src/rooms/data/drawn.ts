/** What was placed by hand: it stays while other rooms are visited. */
import { signal } from "@preact/signals";
import { EMPTY, type Drawing } from "../../model/drawing";

export const drawing = signal<Drawing>(EMPTY);

/** What a press on the canvas does. */
export type Tool = "0" | "1" | "value" | "remove";
