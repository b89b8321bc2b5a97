/** A table of the person's own: a CSV file or pasted text, looked at before it is used. */
import { batch, signal } from "@preact/signals";
import { bring } from "../../model/bench";
import { choicesFor, choicesInWords, withStandardTarget } from "../../model/choices";
import {
  engineReadsTables,
  readTable,
  sourceOf,
  type Reading,
  type Source,
} from "../../model/own_table";
import { TargetError } from "../../model/target_error";
import { Choice, Switch } from "../../parts/fields";
import type { FirstLine, Learned, TableRead } from "../../protocol";
import { FileButton } from "../../parts/file_button";
import { Notes, Preview, sizeInWords } from "./preview";

/** How a source was read, and what can be chosen of it. */
interface Tried {
  readonly source: Source;
  readonly reading: Reading;
  readonly target: string;
  readonly columns: readonly string[];
}

interface Looked extends Tried {
  readonly table: TableRead;
}

/** How a source is read at first. */
const FIRST: Reading = { first_line: "auto", target: null, learned: "auto" };

const pasted = signal("");
/** The last table that could be read: one that cannot changes nothing. */
const looked = signal<Looked | null>(null);
const problem = signal("");
/** A source that is of no use with its target: another one can be chosen. */
const refused = signal<Tried | null>(null);
/** Whether the problem is that of another source than the one that was looked at. */
const passed = signal(false);
const busy = signal("");
const standardTarget = signal(true);
/** Readings in order: of two, the later one counts. */
let readings = 0;

async function look(of: () => Promise<Source>, name: string, reading: Reading, again = false): Promise<void> {
  readings += 1;
  const mine = readings;
  busy.value = `Reading ${name} …`;
  let source: Source | undefined;
  try {
    const read = await of();
    source = read;
    // A large table keeps the page busy: first it says so.
    await new Promise((resolve) => setTimeout(resolve, 30));
    const table = await readTable(read, reading);
    if (mine !== readings) return;
    batch(() => {
      looked.value = { source: read, reading, table, target: table.target, columns: table.columns };
      problem.value = "";
      refused.value = null;
      passed.value = false;
    });
  } catch (error) {
    if (mine !== readings) return;
    batch(() => {
      problem.value = error instanceof Error ? error.message : String(error);
      passed.value ||= !again;
      if (source && error instanceof TargetError && passed.value)
        refused.value = { source, reading, target: error.target, columns: error.columns };
      else if (!again) refused.value = null;
    });
  } finally {
    if (mine === readings) busy.value = "";
  }
}

/** Look at a file that was chosen or dropped. */
export function lookAtFile(file: File): void {
  void look(() => sourceOf(file), file.name, FIRST);
}

function lookAtText(): void {
  const source = { name: "pasted text", file: new TextEncoder().encode(pasted.value) };
  void look(async () => source, source.name, FIRST);
}

function lookAgain({ source, reading, target }: Tried, changes: Partial<Reading>): void {
  void look(async () => source, source.name, { ...reading, target, ...changes }, true);
}

export function OwnTable() {
  return (
    <section class="data-card" aria-labelledby="data-own">
      <h2 id="data-own">Bring your own table</h2>
      <p class="data-hint">
        A CSV file with a row for each case. Drop it anywhere on this page, choose it, or paste its
        text.{" "}
        {engineReadsTables()
          ? "Numbers, words and missing cells are understood."
          : "This page reads numbers, and words as the classes to be told apart; deltarule play " +
            "reads all words."}
      </p>
      <div class="data-bar">
        <FileButton
          label="Choose a CSV file"
          accept=".csv,.tsv,.txt,.gz,text/csv"
          onFile={lookAtFile}
        />
      </div>
      <label class="data-paste">
        <span>or paste it here</span>
        <textarea
          rows={4}
          spellcheck={false}
          placeholder={"height,weight,species\n31.2,4.1,cat\n58.0,22.5,dog"}
          value={pasted.value}
          onInput={(event) => (pasted.value = event.currentTarget.value)}
        />
      </label>
      <div class="data-bar">
        <button type="button" onClick={lookAtText}>
          Read the pasted text
        </button>
      </div>
      <p class="data-hint" role="status">
        {busy.value}
      </p>
      {problem.value && (
        <p class="data-problem" role="alert">
          {problem.value}
        </p>
      )}
      {refused.value && (
        <div class="data-look">
          <h3>{refused.value.source.name}</h3>
          <Readings {...refused.value} />
        </div>
      )}
      {looked.value && (passed.value ? <Kept {...looked.value} /> : <Look {...looked.value} />)}
    </section>
  );
}

/** What was looked at before the source that cannot be read: it is not what was brought last. */
function Kept(found: Looked) {
  return (
    <details class="data-kept">
      <summary>
        The table that was read before is kept: {found.table.name}, {sizeInWords(found.table)}
      </summary>
      <Look {...found} />
    </details>
  );
}

/** How a source is read: each choice reads it again. */
function Readings(tried: Tried) {
  const { reading, target, columns } = tried;
  return (
    <div class="data-bar">
      <Choice
        label="target"
        value={target}
        options={columns.map((name) => [name, name])}
        onChoose={(target) => lookAgain(tried, { target, learned: "auto" })}
      />
      <Choice
        label="learned as"
        value={reading.learned}
        options={[
          ["auto", "it looks"],
          ["classes", "classes"],
          ["values", "values"],
        ]}
        onChoose={(learned) => lookAgain(tried, { learned: learned as Learned })}
      />
      <Choice
        label="first line"
        value={reading.first_line}
        options={[
          ["auto", "as it looks"],
          ["names", "names of columns"],
          ["row", "a row"],
        ]}
        // With another first line the columns have other names.
        onChoose={(first_line) =>
          lookAgain(tried, { first_line: first_line as FirstLine, target: null })
        }
      />
    </div>
  );
}

function Look(found: Looked) {
  const { table } = found;
  const values = table.kind === "values";
  const use = () => {
    const used = values && standardTarget.value ? withStandardTarget(table) : table;
    void bring(used, { ...choicesFor(used), room: "network" });
  };
  return (
    <div class="data-look">
      <h3>{table.name}</h3>
      <p class="data-hint">{sizeInWords(table)}</p>
      <Readings {...found} />
      <Preview table={table} />
      <Notes table={table} />
      {values && (
        <Switch
          label={`standardize ${table.target}: mean 0, spread 1`}
          value={standardTarget.value}
          onChoose={(value) => (standardTarget.value = value)}
        />
      )}
      <button type="button" class="primary" onClick={use}>
        Use this table →
      </button>
      <p class="data-hint">
        It begins with {choicesInWords(table)}. All of it can be changed there.
      </p>
    </div>
  );
}
