/** Links to what is on show: as it is, or with less to be seen, for a class. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { baseOf, LESSONS } from "../lessons";
import { writeState, type State } from "../model/address";
import { carries, MOST_WEIGHTS } from "../model/address_data";
import { engineIs, moved, settings } from "../model/bench";
import { GROUP_NAMES, GROUPS, shows, type Group } from "../model/groups";
import { stateNow } from "../model/visit";
import "./links.css";

/** The page's address with a state; no key of a server goes with it. */
export function linkTo(state: State): string {
  const { origin, pathname } = location;
  return `${origin}${pathname}#${writeState(state, baseOf(state.settings.lesson))}`;
}

/** Copies a text; false where the browser lets no page do so. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** What the copied link lacks, as a sentence; "" where it has all. */
function lacking({ settings: chosen, table }: State): string {
  if (chosen.set !== "own" || (table && carries(table))) return "";
  return " Your own table does not travel in a link: give the file to those who open it.";
}

const COPIED = "The link is copied: whoever opens it sees what you see now.";
const COPIED_HERE =
  "The link is copied. It opens on this machine, in this browser: for others, put the page as a " +
  "folder on a host.";

/** Milliseconds for which it is said that a link was copied. */
const LASTS = 12_000;

const NOT_COPIED = "This browser does not let the page copy: copy the link here.";

export function Links() {
  const [said, say] = useState("");
  const dialog = useRef<HTMLDialogElement>(null);
  const [link, setLink] = useState("");
  const copy = async () => {
    const state = stateNow();
    const text = linkTo(state);
    const taken = await copied(text);
    setLink(taken ? "" : text);
    const kept = engineIs.value?.engine === "server" ? COPIED_HERE : COPIED;
    say(`${taken ? kept : NOT_COPIED}${lacking(state)}`);
  };
  // What has worked needs no answer.
  useEffect(() => {
    if (!said || link) return;
    const timer = setTimeout(() => say(""), LASTS);
    return () => clearTimeout(timer);
  }, [said, link]);
  if (!shows(settings.value.hide, "links")) return null;
  return (
    <div class="links">
      <button type="button" onClick={() => void copy()}>
        Copy link
      </button>
      <button type="button" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        Link for a class …
      </button>
      <div role="status" class="links-said">
        {said && (
          <p>
            {said} {link && <LinkField link={link} label="Link to this page" />}
            <button type="button" onClick={() => say("")}>
              Dismiss
            </button>
          </p>
        )}
      </div>
      <ClassDialog dialog={dialog} />
    </div>
  );
}

function LinkField({ link, label }: { readonly link: string; readonly label: string }) {
  return (
    <input
      type="text"
      class="links-field"
      readOnly
      aria-label={label}
      value={link}
      onFocus={(event) => event.currentTarget.select()}
    />
  );
}

interface DialogProps {
  readonly dialog: { readonly current: HTMLDialogElement | null };
}

function ClassDialog({ dialog }: DialogProps) {
  const id = useId();
  const [hidden, setHidden] = useState<readonly Group[]>([]);
  const [withWeights, setWithWeights] = useState(false);
  const [lesson, setLesson] = useState<string | null>(null);
  const [said, say] = useState("");
  const now = moved.value?.state.vector ?? null;
  const fits = now !== null && now.length <= MOST_WEIGHTS;
  const state = stateNow();
  const chosen = lesson ?? state.settings.lesson;
  const hide = GROUP_NAMES.filter((name) => hidden.includes(name));
  const begins = chosen && chosen !== state.settings.lesson ? baseOf(chosen) : state;
  const link = linkTo({
    ...begins,
    settings: { ...begins.settings, lesson: chosen, hide },
    weights: withWeights && fits && begins === state ? now : begins.weights,
  });
  const toggle = (name: Group, isShown: boolean) => {
    say("");
    setHidden(isShown ? hidden.filter((other) => other !== name) : [...hidden, name]);
  };
  const copy = async () => {
    const taken = await copied(link);
    say(taken ? "The link is copied." : NOT_COPIED.replace("here", "above"));
  };
  return (
    <dialog ref={dialog as never} class="links-dialog" aria-labelledby={id}>
      <h2 id={id}>Link for a class</h2>
      <p>The link opens the page as it is now. Tick what the class shall see.</p>
      <fieldset>
        <legend>The class sees</legend>
        {GROUP_NAMES.map((name) => (
          <Tick
            key={name}
            label={GROUPS[name]}
            value={!hidden.includes(name)}
            onChange={(value) => toggle(name, value)}
          />
        ))}
      </fieldset>
      <fieldset>
        <legend>It begins with</legend>
        <div class="links-lesson">
          <label for={`${id}-lesson`}>lesson</label>
          <select
            id={`${id}-lesson`}
            value={chosen}
            onChange={(event) => setLesson(event.currentTarget.value)}
          >
            <option value="">none</option>
            {LESSONS.map(({ name, title }, index) => (
              <option key={name} value={name}>
                {index + 1}: {title}
              </option>
            ))}
          </select>
        </div>
        <Tick
          label={
            fits
              ? "the weights as they are now"
              : `the weights as they are now (for networks of at most ${MOST_WEIGHTS} parameters)`
          }
          value={withWeights && fits}
          disabled={!fits}
          onChange={setWithWeights}
        />
      </fieldset>
      <LinkField link={link} label="Link for the class" />
      <p role="status">
        {said}
        {lacking(state)}
      </p>
      <div class="links-row">
        <button type="button" class="primary" onClick={() => void copy()}>
          Copy this link
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}

interface TickProps {
  readonly label: string;
  readonly value: boolean;
  readonly disabled?: boolean;
  readonly onChange: (value: boolean) => void;
}

function Tick({ label, value, disabled, onChange }: TickProps) {
  return (
    <label class="links-tick">
      <input
        type="checkbox"
        checked={value}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}
