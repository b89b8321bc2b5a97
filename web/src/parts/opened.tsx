/** Which model is open, what was done to its rows, and the way back to it. */
import { engineIs, live, openSubject, subject } from "../model/bench";
import type { Subject } from "../protocol";
import "./opened.css";

function Title({ given }: { readonly given: Subject }) {
  if (!subject.value)
    return (
      <p class="opened-title">
        <span>This is another network than {given.title}, which is kept as it was opened.</span>
        <button type="button" onClick={() => void openSubject(given)}>
          Back to {given.title}
        </button>
      </p>
    );
  const { notes, rows } = given.table;
  return (
    <div class="opened-title">
      <p>
        <b>{given.title}</b> on {rows.toLocaleString("en")} rows
        {live.value && <span class="opened-live"> is being fitted: this is where it stands</span>}
      </p>
      {notes.length > 0 && (
        <ul>
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function OpenedModel() {
  const given = engineIs.value?.subject;
  if (!given) return null;
  return (
    <section class="opened" aria-label="Model">
      <Title given={given} />
    </section>
  );
}
