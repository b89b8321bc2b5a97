/** The keys that move the training, and the window that lists them. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { advance, back, movable, moved, pause, play, playing } from "../model/bench";
import { Switch } from "./fields";

interface Shortcut {
  readonly key: string;
  readonly shown: string;
  readonly does: string;
  readonly act: () => void;
}

/** The key that moves nothing. */
const HELP = "?";

const SHORTCUTS: readonly Shortcut[] = [
  { key: " ", shown: "Space", does: "train, or pause", act: () => void (playing.value ? pause() : play()) },
  { key: "ArrowRight", shown: "→", does: "one step", act: () => void advance("step") },
  {
    key: "ArrowLeft",
    shown: "←",
    does: "back to where the last move began",
    act: () => void (moved.value?.behind && back()),
  },
  { key: "e", shown: "e", does: "one epoch", act: () => void advance("epoch") },
  { key: HELP, shown: "?", does: "this list", act: () => (helpOpen.value = true) },
];

export const helpOpen = signal(false);
/** Whether single keys do anything: who speaks to the computer may want them off. */
export const inUse = signal(true);

/** Things that do something of their own with a key. */
const WRITES = "input, select, textarea, [contenteditable], [role=application], [role=slider], dialog";
const PRESSES = `${WRITES}, button, a, summary`;

function heard(event: KeyboardEvent): void {
  if (!inUse.value || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  const shortcut = SHORTCUTS.find(({ key }) => key === event.key);
  const target = event.target instanceof Element ? event.target : document.body;
  const moves = shortcut?.key !== HELP;
  if (!shortcut || (moves && !movable.value) || target.closest(event.key === " " ? PRESSES : WRITES)) return;
  event.preventDefault();
  shortcut.act();
}

export function Shortcuts() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    document.addEventListener("keydown", heard);
    return () => document.removeEventListener("keydown", heard);
  }, []);
  useEffect(() => {
    if (helpOpen.value) dialog.current?.showModal();
  }, [helpOpen.value]);
  return (
    <>
      <button
        type="button"
        class="help"
        aria-label="Keys and help"
        title="Keys and help (?)"
        onClick={() => (helpOpen.value = true)}
      >
        ?
      </button>
      <dialog ref={dialog} class="help-dialog" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
        <h2 id="help-title">Keys</h2>
        <table>
          <tbody>
            {SHORTCUTS.map(({ shown, does }) => (
              <tr key={shown}>
                <th scope="row">
                  <kbd>{shown}</kbd>
                </th>
                <td>{does}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">
                <kbd>→</kbd> <kbd>←</kbd>
              </th>
              <td>in the Step room: the next line, the line before</td>
            </tr>
            <tr>
              <th scope="row">
                <kbd>Tab</kbd>
              </th>
              <td>to the picture of the network; there arrows go from unit to unit, + and − change its layer</td>
            </tr>
          </tbody>
        </table>
        <p>
          A step takes one sample, or one mini-batch where the batch size is above 1. An epoch is as many
          steps as it takes to use as many samples as there are rows to train on.
        </p>
        <Switch label="use these keys" value={inUse.value} onChoose={(use) => (inUse.value = use)} />
        <form method="dialog">
          <button type="submit" class="primary">
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}
