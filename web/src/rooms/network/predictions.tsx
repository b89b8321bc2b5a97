/** What the network says of each row, beside what it should: the most wrong first. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, opened } from "../../model/bench";
import { calmMoved } from "../../model/calm";
import { unitsOf, type Problem } from "../../model/problem";
import { Choice } from "../../parts/fields";
import { short } from "../../parts/numbers";
import { Confusion } from "./confusion";

/** Rows and inputs of the table at most. */
const MOST_ROWS = 200;
const MOST_INPUTS = 4;

export interface Judged {
  /** Rows of the table, in the order of what is told of them. */
  readonly rows: Int32Array;
  readonly outputs: Float64Array;
  readonly loss: Float64Array;
  readonly width: number;
}

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

/** The class that a row is taken for: of the largest output, or of the one output's nearer end. */
export function classOf(made: Problem, { outputs, width }: Judged, place: number): number {
  if (width === 1) return Number(outputs[place] >= middleOf(made));
  let best = 0;
  for (let unit = 1; unit < width; unit += 1)
    if (outputs[place * width + unit] > outputs[place * width + best]) best = unit;
  return best;
}

/** Half way between the targets of two classes: 0 and 1, or −1 and +1. */
const middleOf = (made: Problem): number => (["tanh", "sign"].includes(made.outputActivation) ? 0 : 0.5);

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
  const inputs = table.inputs.slice(0, MOST_INPUTS);
  const classes = table.kind === "classes";
  return (
    <>
      <div class="as-table-scroll" tabIndex={0} role="region" aria-label="Predictions">
        <table>
          <thead>
            <tr>
              <th scope="col">row</th>
              <th scope="col">loss f</th>
              <th scope="col">target d</th>
              <th scope="col">prediction d̂</th>
              {classes && <th scope="col">is it right?</th>}
              {inputs.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
              {table.inputs.length > MOST_INPUTS && <th scope="col">…</th>}
            </tr>
          </thead>
          <tbody>
            {places.slice(0, MOST_ROWS).map((place) => (
              <Row key={judged.rows[place]} made={made} judged={judged} place={place} inputs={inputs.length} />
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

interface RowProps {
  readonly made: Problem;
  readonly judged: Judged;
  readonly place: number;
  readonly inputs: number;
}

function Row({ made, judged, place, inputs }: RowProps) {
  const { table } = made;
  const row = judged.rows[place];
  const classes = table.kind === "classes";
  const width = table.inputs.length;
  const found = classes ? classOf(made, judged, place) : 0;
  const right = classes && found === table.y[row];
  return (
    <tr class={classes && !right ? "wrong" : undefined}>
      <th scope="row">{row + 1}</th>
      <td>{short(judged.loss[place])}</td>
      <td>{classes ? table.outputs[table.y[row]] : short(table.y[row])}</td>
      <td>{said(made, judged, place, found)}</td>
      {classes && <td>{right ? "right" : "✗ wrong"}</td>}
      {Array.from({ length: inputs }, (_, input) => (
        <td key={input}>{short(table.X[row * width + input])}</td>
      ))}
      {width > inputs && <td>…</td>}
    </tr>
  );
}

function said(made: Problem, { outputs, width }: Judged, place: number, found: number): string {
  if (made.table.kind !== "classes") return short(outputs[place * width]);
  const output = short(outputs[place * width + (width === 1 ? 0 : found)]);
  return width === 1 ? output : `${made.table.outputs[found]} (${output})`;
}
