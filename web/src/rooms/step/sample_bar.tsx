/** Which sample the step is on, its numbers to be changed, and what else can be shown. */
import { Choice, NumberField, Switch } from "../../parts/fields";
import { subscript } from "../../parts/numbers";
import { opened, problem, settings } from "../../model/bench";
import { cellOf, columnsOf, fromNetwork, hasOwnTargets, isTranslated, ownTarget, written } from "../../model/own_units";
import type { Problem } from "../../model/problem";
import { allDigits, canCheck, change, checks, checkWish, choose, look, sample, shown } from "./state";

/** Columns of the table, and targets, that are named in words. */
const MOST_NAMED = 8;

/** Inputs, and outputs, that have fields in the bar; more of them are changed in the formulas. */
const MOST_FIELDS = 6;

const ORDERS: Readonly<Record<string, string>> = {
  replacement: "drawn with replacement",
  shuffle: "next in this epoch's shuffled order",
  sequential: "next in the table's order",
};

export function SampleBar() {
  const made = problem.value;
  const traced = shown.value;
  if (!made || !traced) return null;
  const { kind } = sample.value;
  const rows = made.table.rows;
  return (
    <section class="step-sample" aria-label="The sample">
      <p class="step-which">
        step <b>t = {traced.step}</b>, sample <b>{title()}</b>
        {kind === "drawn" && <span>, {ORDERS[settings.value.sampling]}</span>}
      </p>
      <Choice
        label="sample"
        value={kind}
        options={[
          ["drawn", "the drawn one"],
          ["row", "a row of the table"],
          ["own", "one of my own"],
        ]}
        onChoose={(next) => {
          if (next === "drawn") choose({ kind: "drawn" });
          else if (next === "row") choose({ kind: "row", row: tableRow() });
          else choose({ kind: "own", x: traced.x.slice(), d: traced.d.slice() });
        }}
      />
      {sample.value.kind === "row" && (
        <NumberField
          label="row"
          value={sample.value.row + 1}
          low={1}
          high={rows}
          whole
          onChoose={(row) => choose({ kind: "row", row: row - 1 })}
        />
      )}
      <Numbers />
      {kind !== "drawn" && (
        <button type="button" onClick={() => choose({ kind: "drawn" })}>
          Back to the drawn sample
        </button>
      )}
      <span class="step-options">
        <Switch label="all digits" value={allDigits.value} onChoose={(on) => (allDigits.value = on)} />
        {canCheck.value ? (
          <Switch
            label="gradient check"
            value={checks.value}
            onChoose={(on) => {
              checkWish.value = on;
              void look();
            }}
          />
        ) : (
          <span class="step-note">too many weights for a gradient check</span>
        )}
      </span>
      <Notes />
    </section>
  );
}

function title(): string {
  const { kind } = sample.value;
  if (kind === "own") return "of your own";
  return `i${kind === "drawn" ? "ₜ" : ""} = row ${tableRow() + 1} of ${problem.value!.table.rows}`;
}

/** The row of the table on show. */
function tableRow(): number {
  if (sample.value.kind === "row") return sample.value.row;
  return problem.value!.train[Math.max(shown.value!.row, 0)];
}

function Numbers() {
  const { x, d } = shown.value!;
  const range = targetRange();
  if (x.length > MOST_FIELDS || d.length > MOST_FIELDS) return null;
  const scripted = (letter: string, count: number, index: number) =>
    count === 1 ? letter : `${letter}${subscript(index + 1)}`;
  return (
    <>
      {[...x].map((value, index) => (
        <NumberField
          key={`x${index}`}
          label={scripted("x", 2, index)}
          value={value}
          low={-1e6}
          high={1e6}
          narrow
          onChoose={(number) => change(`a-0-${index}`, number)}
        />
      ))}
      {[...d].map((value, index) => (
        <NumberField
          key={`d${index}`}
          label={scripted("d", d.length, index)}
          value={value}
          low={range[0]}
          high={range[1]}
          narrow
          onChoose={(number) => change(`d-${index}`, number)}
        />
      ))}
    </>
  );
}

/** Targets that the loss is defined for. */
function targetRange(): readonly [number, number] {
  const { loss } = settings.value;
  if (loss === "log_loss") return [0, 1];
  if (loss === "perceptron") return [-1, 1];
  return loss === "poisson" ? [0, 1e6] : [-1e6, 1e6];
}

function Notes() {
  const { batch_size: batch } = settings.value;
  const perEpoch = opened.value?.steps_per_epoch ?? 1;
  const isBatch = problem.value!.open.network.layers.some(({ name }) => name === "batch_normalization");
  return (
    <>
      {batch > 1 && (
        <p class="step-note">
          A step takes the mean over a mini-batch of {batch} rows, {perEpoch}{" "}
          {perEpoch === 1 ? "step" : "steps"} an epoch. Shown is
          the part of one sample, as if it were alone
          {sample.value.kind === "drawn" && ": the first of the next mini-batch"}.
        </p>
      )}
      {isTranslated(problem.value!) && <InTheTable made={problem.value!} />}
      {isBatch && (
        <p class="step-note">
          Batch normalization divides by the spread of the rows of a step, and a row alone has none: here it goes
          by the running mean and variance, as a prediction does.
        </p>
      )}
    </>
  );
}

/** What the network's numbers are in the table: the formulas meet the network's. */
function InTheTable({ made }: { readonly made: Problem }) {
  const { table, outputs } = made;
  const { x, d } = shown.value!;
  const X = fromNetwork(made, x);
  const columns = columnsOf(table);
  const named = columns.slice(0, MOST_NAMED).map((column) => ({
    name: column.name,
    cell: cellOf(table, column, X),
    letters: lettersOf("x", column.first, column.count, x.length),
  }));
  const targets = hasOwnTargets(table) ? [...d].slice(0, MOST_NAMED) : [];
  return (
    <p class="step-note">
      These are the network's own numbers: the formulas meet them. In the table:{" "}
      {named.map(({ name, cell, letters }) => (
        <span key={letters} class="step-cell">
          {name} <b>{cell}</b> ({letters}){" "}
        </span>
      ))}
      {columns.length > named.length && "… "}
      {targets.map((value, output) => (
        <span key={output} class="step-cell">
          {outputs[output]} <b>{written(table, ownTarget(table, output, value))}</b> ({lettersOf("d", output, 1, d.length)}){" "}
        </span>
      ))}
    </p>
  );
}

/** x₂, or x₂ … x₄ of a column that has several inputs. */
function lettersOf(letter: string, first: number, count: number, all: number): string {
  if (all === 1) return letter;
  const one = (place: number) => `${letter}${subscript(place + 1)}`;
  return count === 1 ? one(first) : `${one(first)} … ${one(first + count - 1)}`;
}
