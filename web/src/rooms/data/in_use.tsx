/** The table that the network learns from now. */
import { choose, problem, settings } from "../../model/bench";
import { UNKEPT, unkept } from "../../model/kept";
import { SHIPPED } from "../../model/shipped";
import { Digits } from "./digits";
import { Notes, Preview, sizeInWords } from "./preview";
import { Scatter } from "./scatter";

const PICTURES = 32;

export function InUse() {
  const made = problem.value;
  if (!made) return <p class="empty">Preparing …</p>;
  const { table } = made;
  const picture = SHIPPED[settings.value.set]?.picture;
  const shown = Array.from({ length: Math.min(PICTURES, table.rows) }, (_, row) => row);
  const digits = shown.map((row) => table.y[row]);
  return (
    <section class="data-card data-in-use" aria-labelledby="data-in-use">
      <h2 id="data-in-use">In use: {table.name}</h2>
      <p class="data-hint">{sizeInWords(table)}</p>
      {unkept.value && <p class="data-unkept">{UNKEPT}</p>}
      <button type="button" class="primary" onClick={() => void choose({ room: "network" })}>
        Train on it in the network room →
      </button>
      {table.inputs.length === 2 && (
        <Scatter
          table={table}
          axes={[0, 1]}
          size={table.rows > 50 ? 3 : 6}
          label={`The rows over ${table.inputs[0]} and ${table.inputs[1]}`}
        />
      )}
      {picture && (
        <>
          <Digits
            table={table}
            rows={shown}
            columns={8}
            label={`The first ${shown.length} rows as pictures: ${digits.join(", ")}`}
            {...picture}
          />
          <p class="data-hint">The first rows: {digits.join(" ")}</p>
        </>
      )}
      {!picture && <Preview table={table} />}
      <Notes table={table} />
    </section>
  );
}
