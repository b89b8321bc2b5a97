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
import { Choice, Switch } from "../../parts/fields";
import type { FirstLine, Learned, TableRead } from "../../protocol";
import { FileButton } from "../../parts/file_button";
import { Notes, Preview, sizeInWords } from "./preview";

interface Looked {
  readonly source: Source;
  readonly reading: Reading;
  readonly table: TableRead;
}

/** How a source is read at first. */
const FIRST: Reading = { first_line: "auto", target: null, learned: "auto" };

const pasted = signal("");
/** The last table that could be read: one that cannot changes nothing. */
const looked = signal<Looked | null>(null);
const problem = signal("");
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
  try {
    const source = await of();
    // A large table keeps the page busy: first it says so.
    await new Promise((resolve) => setTimeout(resolve, 30));
    const table = await readTable(source, reading);
    if (mine !== readings) return;
    batch(() => {
      looked.value = { source, reading, table };
      problem.value = "";
      passed.value = false;
    });
  } catch (error) {
    if (mine !== readings) return;
    batch(() => {
      problem.value = error instanceof Error ? error.message : String(error);
      passed.value ||= !again;
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

function lookAgain(changes: Partial<Reading>): void {
  const { source, reading, table } = looked.value!;
  void look(async () => source, source.name, { ...reading, target: table.target, ...changes }, true);
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

function Look({ table, reading }: Looked) {
  const values = table.kind === "values";
  const use = () => {
    const used = values && standardTarget.value ? withStandardTarget(table) : table;
    void bring(used, { ...choicesFor(used), room: "network" });
  };
  return (
    <div class="data-look">
      <h3>{table.name}</h3>
      <p class="data-hint">{sizeInWords(table)}</p>
      <div class="data-bar">
        <Choice
          label="target"
          value={table.target}
          options={table.columns.map((name) => [name, name])}
          onChoose={(target) => lookAgain({ target, learned: "auto" })}
        />
        <Choice
          label="learned as"
          value={reading.learned}
          options={[
            ["auto", "it looks"],
            ["classes", "classes"],
            ["values", "values"],
          ]}
          onChoose={(learned) => lookAgain({ learned: learned as Learned })}
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
            lookAgain({ first_line: first_line as FirstLine, target: null })
          }
        />
      </div>
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
