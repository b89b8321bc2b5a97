/** One step on paper: a worksheet with blanks, and its solution. Only print shows it. */
import type { ComponentChildren } from "preact";
import { signal } from "@preact/signals";
import { problem, settings } from "../../model/bench";
import { SIGMA_WORDS } from "./activations";
import { Formula, Symbol, tidy } from "./formula";
import { LOSS_WORDS } from "./losses";
import { OPTIMIZER_WORDS } from "./optimizers";
import type { Line, Row } from "./row";
import { MOST_UNITS, type Script } from "./script";
import { SheetNetwork } from "./sheet_network";
import { lines, roundWeights, script } from "./state";
import "./sheet.css";

/** Weights that a sheet has room for. */
const MOST_ON_PAPER = 60;
const DIGITS = 4;

type Kind = "worksheet" | "solution";
const kind = signal<Kind>("solution");

/** Whether the step can be done by hand on a page or two. */
function fits(of: Script): boolean {
  const widths = Array.from({ length: of.depth + 1 }, (_, layer) => of.count(layer));
  return isDense(of) && Math.max(...widths) <= MOST_UNITS && of.scene.traced.before.length <= MOST_ON_PAPER;
}

const isDense = (of: Script): boolean => of.layers.every((_, layer) => of.isDense(layer + 1));

/** What can be printed. */
export function Paper() {
  const of = script.value;
  if (!of) return null;
  const print = (which: Kind) => {
    kind.value = which;
    // After the sheet is drawn anew.
    setTimeout(() => window.print(), 50);
  };
  if (!isDense(of))
    return <p class="step-note">Worksheets are made for networks without normalisation and dropout.</p>;
  if (!fits(of))
    return (
      <p class="step-note">
        On paper there is room for networks of up to {MOST_UNITS} units a layer and {MOST_ON_PAPER}{" "}
        weights: choose a smaller one to print a worksheet of its step.
      </p>
    );
  return (
    <section class="step-paper" role="group" aria-label="On paper">
      <h2>On paper</h2>
      <button type="button" onClick={() => print("worksheet")}>
        Worksheet
      </button>
      <button type="button" onClick={() => print("solution")}>
        Solution
      </button>
      <button
        type="button"
        title="All weights with two digits after the point, so that a sheet can be worked through exactly"
        onClick={roundWeights}
      >
        Round the weights first
      </button>
    </section>
  );
}

export function Sheet() {
  const of = script.value;
  if (!of || !fits(of)) return null;
  const blank = kind.value === "worksheet";
  const own = (phase: Line["phase"]) => lines.value.filter((line) => line.phase === phase);
  const updates = own("update");
  return (
    <article class="step-sheet" aria-label={blank ? "Worksheet" : "Solution"}>
      <header>
        <h1>One step of backpropagation{blank ? "" : ": the solution"}</h1>
        {blank && (
          <p class="sheet-who">
            <span>Name</span>
            <span>Date</span>
          </p>
        )}
      </header>
      <Given of={of} />
      <section>
        <h2>1 Forward: from x to the prediction d̂</h2>
        {own("forward").map((line) => (
          <Worked key={line.id} line={line} blank={blank} />
        ))}
      </section>
      <section>
        <h2>2 Backward: every δ, with the weights from before the step</h2>
        {own("backward").map((line) => (
          <Worked key={line.id} line={line} blank={blank} />
        ))}
      </section>
      <section>
        <h2>3 Update: {OPTIMIZER_WORDS[of.scene.optimizer.name]}</h2>
        <UpdateTable updates={updates} blank={blank} />
      </section>
      <footer>
        Numbers are written with {DIGITS} digits{blank ? "; work with as many" : ", and worked out with all"}.
      </footer>
    </article>
  );
}

function Given({ of }: { readonly of: Script }) {
  const { traced, network } = of.scene;
  const hidden = [...new Set(of.layers.slice(0, -1).map((_, layer) => of.activation(layer + 1, 0).name))];
  const output = of.activation(of.depth, 0).name;
  const [head] = network.heads;
  return (
    <section class="sheet-given">
      <SheetNetwork script={of} />
      <div>
        <p>
          <b>Sample</b> <Tuple letter="x" values={traced.x} />, <Tuple letter="d" values={traced.d} />
        </p>
        <p>
          <b>Step size</b> <Symbol name={{ letter: "α", lower: "t" }} /> = {tidy(traced.rate, DIGITS)},
          step t = {traced.step}
        </p>
        {hidden.map((name) => (
          <p key={name}>
            <b>Hidden units</b> {SIGMA_WORDS[name]}
          </p>
        ))}
        <p>
          <b>Output</b> {SIGMA_WORDS[output]}
        </p>
        <p>
          <b>Loss</b> {LOSS_WORDS[head.loss.name]}
        </p>
        <p class="sheet-data">
          {problem.value?.table.name}
          {settings.value.standardize && ", standardised"}
        </p>
      </div>
      <div class="sheet-matrices">
        {of.layers.map((_, layer) => (
          <Matrix key={layer} of={of} layer={layer} />
        ))}
      </div>
    </section>
  );
}

function Tuple({ letter, values }: { readonly letter: string; readonly values: Float64Array }) {
  const numbers = [...values].map((value) => tidy(value, DIGITS)).join("; ");
  return (
    <span>
      <i>{letter}</i> = {values.length === 1 ? numbers : `(${numbers})`}
    </span>
  );
}

/** The weights into a layer as a table: a row for each unit, a column for each input. */
function Matrix({ of, layer }: { readonly of: Script; readonly layer: number }) {
  const inputs = Array.from({ length: of.count(layer) }, (_, from) => from);
  const units = Array.from({ length: of.count(layer + 1) }, (_, to) => to);
  const shown = (from: number, to: number) => tidy(of.weight(layer, from, to).value, DIGITS);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">
            <Symbol name={of.letters.weights(layer)} />
          </th>
          {inputs.map((from) => (
            <th key={from} scope="col">
              from <Symbol name={of.letters.output(layer, from)} />
            </th>
          ))}
          {of.hasBias(layer) && (
            <th scope="col">
              <Symbol name={{ ...of.letters.bias(layer, 0), lower: "" }} />
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {units.map((to) => (
          <tr key={to}>
            <th scope="row">
              to <Symbol name={of.letters.output(layer + 1, to)} />
            </th>
            {inputs.map((from) => (
              <td key={from}>{shown(from, to)}</td>
            ))}
            {of.hasBias(layer) && <td>{shown(-1, to)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Worked({ line, blank }: { readonly line: Line; readonly blank: boolean }) {
  return (
    <div class="sheet-worked">
      {line.rows.map((row) => (
        <p key={row.id}>
          <Symbol name={row.name} />
          {row.formula && (
            <>
              {" = "}
              <Formula tree={row.formula} filled={false} large={false} row={row.id} />
            </>
          )}
          {blank ? (
            <>
              {isWork(row) && (
                <>
                  {" = "}
                  <span class="sheet-blank sheet-long" />
                </>
              )}
              {" = "}
              <span class="sheet-blank" />
            </>
          ) : (
            <Filled row={row} />
          )}
        </p>
      ))}
    </div>
  );
}

/** Whether there is anything to be worked out. */
const isWork = ({ formula }: Row): boolean =>
  formula !== null && formula.is !== "leaf" && formula.is !== "plain";

function Filled({ row }: { readonly row: Row }) {
  return (
    <>
      {isWork(row) && (
        <>
          {" = "}
          <Formula tree={row.formula!} filled large={false} row={row.id} digits={DIGITS} />
        </>
      )}
      {" = "}
      <b>{tidy(row.value, DIGITS)}</b>
    </>
  );
}

function UpdateTable({ updates, blank }: { readonly updates: readonly Line[]; readonly blank: boolean }) {
  // A bias has no row for a penalty: the columns are those of the line with the most rows.
  const widest = updates.reduce((best, line) => (line.rows.length > best.rows.length ? line : best));
  const columns = widest.rows.slice(1, -1);
  const kindOf = (row: Row) => row.id.split("-")[0];
  const cell = (row: Row | undefined) => {
    if (!row) return "–";
    return blank ? <span class="sheet-blank" /> : <b>{tidy(row.value, DIGITS)}</b>;
  };
  return (
    <table class="sheet-updates">
      <thead>
        <tr>
          <th scope="col">weight</th>
          <th scope="col">old</th>
          <th scope="col" colSpan={2}>
            gradient: δ times what came in
          </th>
          {columns.map((row) => (
            <th key={row.id} scope="col">
              <Symbol name={row.name} />
            </th>
          ))}
          <th scope="col">new, at t + 1</th>
        </tr>
      </thead>
      <tbody>
        {updates.map((line) => (
          <UpdateLine key={line.id} line={line}>
            <td>{cell(line.rows[0])}</td>
            {columns.map((column) => (
              <td key={column.id}>
                {cell(line.rows.slice(1, -1).find((row) => kindOf(row) === kindOf(column)))}
              </td>
            ))}
            <td>{cell(line.rows[line.rows.length - 1])}</td>
          </UpdateLine>
        ))}
      </tbody>
    </table>
  );
}

interface UpdateLineProps {
  readonly line: Line;
  readonly children: ComponentChildren;
}

function UpdateLine({ line, children }: UpdateLineProps) {
  const { old } = line.moves!;
  const [gradient] = line.rows;
  return (
    <tr>
      <th scope="row">
        <Symbol name={old.name} />
      </th>
      <td>{tidy(old.value, DIGITS)}</td>
      <td class="sheet-product">
        <Formula tree={gradient.formula!} filled={false} large={false} row={`sheet-${gradient.id}`} />
      </td>
      {children}
    </tr>
  );
}

