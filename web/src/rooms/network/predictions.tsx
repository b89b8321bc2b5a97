/** What the network says of each row, beside what it should: the most wrong first. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, opened } from "../../model/bench";
import { calmMoved } from "../../model/calm";
import { cellOf, columnsOf, hasOwnTargets, heldBetween, ownPrediction, ownTarget, written } from "../../model/own_units";
import { unitsOf, type Problem } from "../../model/problem";
import { Choice } from "../../parts/fields";
import { short } from "../../parts/numbers";
import { Confusion } from "./confusion";
import { classOf, type Judged } from "./judged";

/** Rows of the table at most, columns of what is known, and targets side by side. */
const MOST_ROWS = 200;
const MOST_COLUMNS = 4;
const MOST_TARGETS = 4;

export function Predictions({ problem: made }: { problem: Problem }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="network-predictions" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Predictions of all rows</summary>
      {open && <Table made={made} />}
    </details>
  );
}

/** Asked for anew as the training goes on, one at a time. */
function useJudged(made: Problem, held: boolean): Judged | null {
  const [found, setFound] = useState<{ of: Problem; held: boolean; judged: Judged } | null>(null);
  const busy = useRef(false);
  const at = calmMoved.value;
  useEffect(() => {
    if (busy.current) return;
    busy.current = true;
    const width = unitsOf(made.open).at(-1)!;
    void ask("judge", { held }).then((told) => {
      busy.current = false;
      const rows = held ? made.held : made.train;
      if (told && told.outputs.length === told.loss.length * width)
        setFound({ of: made, held, judged: { rows, width, ...told } });
    });
  }, [made, held, at, opened.value]);
  return found?.of === made && found.held === held ? found.judged : null;
}

function Table({ made }: { made: Problem }) {
  const [order, setOrder] = useState("wrong");
  const [which, setWhich] = useState("train");
  const held = which === "held" && made.held.length > 0;
  const judged = useJudged(made, held);
  return (
    <div class="network-judged">
      <div class="network-judged-choices">
        <Choice
          label="order"
          value={order}
          options={[
            ["wrong", "largest loss first"],
            ["row", "as in the data"],
          ]}
          onChoose={setOrder}
        />
        {made.held.length > 0 && (
          <Choice
            label="rows"
            value={which}
            options={[
              ["train", "to train on"],
              ["held", "held out"],
            ]}
            onChoose={setWhich}
          />
        )}
      </div>
      {judged && made.table.kind === "classes" && <Confusion made={made} judged={judged} />}
      {judged && <Rows made={made} judged={judged} byLoss={order === "wrong"} />}
    </div>
  );
}

function Rows({ made, judged, byLoss }: { made: Problem; judged: Judged; byLoss: boolean }) {
  const { table } = made;
  const places = Array.from(judged.loss.keys());
  // What is no number is the most wrong.
  const size = (place: number) => (Number.isNaN(judged.loss[place]) ? Infinity : judged.loss[place]);
  if (byLoss) places.sort((a, b) => size(b) - size(a) || a - b);
  const all = columnsOf(table);
  const columns = all.slice(0, MOST_COLUMNS);
  const classes = table.kind === "classes";
  return (
    <>
      {hasOwnTargets(table) && <OwnTargets made={made} />}
      <div class="as-table-scroll" tabIndex={0} role="region" aria-label="Predictions">
        <table>
          <thead>
            <tr>
              <th scope="col">row</th>
              <th scope="col">loss f</th>
              <th scope="col">target d</th>
              <th scope="col">prediction d̂</th>
              {classes && <th scope="col">is it right?</th>}
              {columns.map(({ name }) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
              {all.length > columns.length && <th scope="col">…</th>}
            </tr>
          </thead>
          <tbody>
            {places.slice(0, MOST_ROWS).map((place) => (
              <Row key={judged.rows[place]} made={made} judged={judged} place={place} />
            ))}
          </tbody>
        </table>
      </div>
      {places.length > MOST_ROWS && (
        <p class="network-words">
          The first {MOST_ROWS} of {places.length.toLocaleString("en")} rows.
        </p>
      )}
    </>
  );
}

function OwnTargets({ made }: { made: Problem }) {
  const held = heldBetween(made.table);
  return (
    <p class="network-words">
      Targets and predictions as the table has them
      {held && `, predictions held from ${written(made.table, held[0])} to ${written(made.table, held[1])} as the model does`}
      ; the loss is that of the network's own numbers.
    </p>
  );
}

interface RowProps {
  readonly made: Problem;
  readonly judged: Judged;
  readonly place: number;
}

function Row({ made, judged, place }: RowProps) {
  const { table } = made;
  const row = judged.rows[place];
  const classes = table.kind === "classes";
  const all = columnsOf(table);
  const columns = all.slice(0, MOST_COLUMNS);
  const found = classes ? classOf(made, judged, place) : 0;
  const right = classes && found === table.y[row];
  return (
    <tr class={classes && !right ? "wrong" : undefined}>
      <th scope="row">{row + 1}</th>
      <td>{short(judged.loss[place])}</td>
      <td>{classes ? table.outputs[table.y[row]] : targets(made, judged, place)}</td>
      <td>{said(made, judged, place, found)}</td>
      {classes && <td>{right ? "right" : "✗ wrong"}</td>}
      {columns.map((column) => (
        <td key={column.first}>{cellOf(table, column, table.X, row * table.inputs.length)}</td>
      ))}
      {all.length > columns.length && <td>…</td>}
    </tr>
  );
}

/** Numbers of several targets side by side, as the table has them. */
function sideBySide(made: Problem, width: number, of: (output: number) => number): string {
  const shown = Array.from({ length: Math.min(width, MOST_TARGETS) }, (_, output) => written(made.table, of(output)));
  return [...shown, ...(width > MOST_TARGETS ? ["…"] : [])].join("; ");
}

function targets(made: Problem, { rows, width }: Judged, place: number): string {
  const { table, open, train } = made;
  // Of several targets the table has the first, what is opened has all.
  const D = width > 1 && rows === train ? open.train.D : null;
  return sideBySide(made, width, (output) =>
    ownTarget(table, output, D ? D[place * width + output] : output === 0 ? table.y[rows[place]] : NaN),
  );
}

function said(made: Problem, { outputs, width }: Judged, place: number, found: number): string {
  if (made.table.kind !== "classes")
    return sideBySide(made, width, (output) => ownPrediction(made.table, output, outputs[place * width + output]));
  const output = short(outputs[place * width + (width === 1 ? 0 : found)]);
  return width === 1 ? output : `${made.table.outputs[found]} (${output})`;
}
