/** The step room: one sample through the notes' own formulas, line by line. */
import { useEffect, useRef } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import { moved, opened, playing, traced } from "../../model/bench";
import { inUse } from "../../parts/shortcuts";
import { Card } from "./card";
import { Lines } from "./lines";
import { lightUp } from "./light";
import { Picture } from "./picture";
import { SampleBar } from "./sample_bar";
import { Paper, Sheet } from "./sheet";
import { current, goTo, lines, look, lookSoon, playLines, reset, script, shown, walk } from "./state";
import type { Opened } from "../../protocol";
import "./step.css";

/** The network that what is on show belongs to. */
let shownOf: Opened | null = null;

export function StepRoom() {
  const room = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What another room asked for may be without the check, and of another sample.
    if (traced.value) void look();
    return () => playLines(false);
  }, []);
  useSignalEffect(() => {
    if (opened.value !== shownOf) {
      shownOf = opened.value;
      reset();
    }
    const found = traced.value;
    if (found) shown.value = found;
    else if (moved.value && playing.value) lookSoon();
    else if (moved.value) void look();
  });
  useKeys();
  const of = script.value;
  if (!of || !lines.value.length) return <p class="empty">Preparing …</p>;
  return (
    <>
      <div
        class="step-room"
        ref={room}
        onPointerOver={(event) => lightUp(room.current, event.target as Element)}
        onPointerLeave={() => lightUp(room.current, null)}
        onFocusIn={(event) => lightUp(room.current, event.target as Element)}
        onFocusOut={() => lightUp(room.current, null)}
      >
        <SampleBar />
        <div class="step-stage">
          <Picture script={of} />
          <Card script={of} />
        </div>
        <div class="step-list">
          <Lines script={of} />
          <Paper />
        </div>
      </div>
      <Sheet />
    </>
  );
}

/** Things that do something of their own with arrow keys. */
const OWN_ARROWS = "input, select, textarea, dialog, .step-picture";

/** Arrow keys walk through the lines: in this room they are not steps of the training. */
function useKeys(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!inUse.value || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target instanceof Element && event.target.closest(OWN_ARROWS)) return;
      const last = lines.value[lines.value.length - 1];
      if (event.key === "ArrowRight") walk(1);
      else if (event.key === "ArrowLeft") walk(-1);
      else if (event.key === "Home" && lines.value.length) goTo(lines.value[0].id);
      else if (event.key === "End" && last) goTo(last.id);
      else return;
      event.preventDefault();
      playLines(false);
    };
    // Before the page's own keys hear of it.
    document.addEventListener("keydown", pressed, true);
    return () => document.removeEventListener("keydown", pressed, true);
  }, []);
  const at = current.value;
  useEffect(() => {
    // The list follows the walk, the page stays where it is.
    const entry = document.querySelector(".step-list [aria-current]");
    const list = entry?.closest<HTMLElement>(".step-list");
    if (!entry || !list || list.scrollHeight <= list.clientHeight) return;
    const { top, bottom } = entry.getBoundingClientRect();
    const frame = list.getBoundingClientRect();
    if (top < frame.top + 40) list.scrollTop += top - frame.top - 60;
    else if (bottom > frame.bottom - 20) list.scrollTop += bottom - frame.bottom + 60;
  }, [at]);
}
