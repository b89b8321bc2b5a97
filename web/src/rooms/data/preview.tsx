/** The first rows of a table as the network gets them, and what was done with each column. */
import type { TableRead } from "../../protocol";
import { columnOf, ownNumber, ownTarget } from "../../model/own_units";
import { plain } from "../../parts/numbers";

const MOST_ROWS = 8;
const MOST_COLUMNS = 10;

/** How large it is, and what is to be learned of what. */
export function sizeInWords({ rows, inputs, kind, outputs, target }: TableRead): string {
  const many = (count: number, word: string) =>
    `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  const learned = kind === "classes" ? `${outputs.length} classes` : "a value";
  return `${many(rows, "row")}, ${many(inputs.length, "input")} → ${target}: ${learned}`;
}

export function Preview({ table }: { readonly table: TableRead }) {
  const width = table.inputs.length;
  const shown = table.inputs.slice(0, MOST_COLUMNS);
  const more = width - shown.length;
  const rows = Array.from({ length: Math.min(table.rows, MOST_ROWS) }, (_, row) => row);
  return (
    <div class="data-preview" tabIndex={0} role="region" aria-label={`First rows of ${table.name}`}>
      <table>
        <thead>
          <tr>
            {shown.map((name) => (
              <th key={name} scope="col">
                {name}
                <small>{typeOf(table, name)}</small>
              </th>
            ))}
            {more > 0 && <th scope="col">… {more.toLocaleString("en")} more</th>}
            <th scope="col" class="data-target">
              {table.kind === "values" ? table.outputs[0] : table.target}
              <small>target, {table.kind === "classes" ? "a class" : "a value"}</small>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row}>
              {shown.map((name, column) => (
                <td key={name}>{plain(inputOf(table, column, table.X[row * width + column]), 5)}</td>
              ))}
              {more > 0 && <td>…</td>}
              <td class="data-target">
                {table.kind === "classes" ? table.outputs[table.y[row]] : plain(ownTarget(table, 0, table.y[row]), 5)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A number in its own units; a word's inputs and those of holes as the network gets them. */
function inputOf(table: TableRead, input: number, value: number): number {
  const column = columnOf(table, input);
  return column.levels.length || input > column.first ? value : ownNumber(column, value);
}

/** A column of one category or of holes holds two or three different numbers; others hold any. */
function typeOf(table: TableRead, name: string): string {
  const input = table.inputs.indexOf(name);
  if (table.origin?.columns.length) {
    const { levels, first } = columnOf(table, input);
    return levels.length ? "category" : input > first ? "1 where missing" : "number";
  }
  if (table.columns.includes(name)) return "number";
  return name.endsWith(" is missing") ? "1 where missing" : "category";
}

export function Notes({ table }: { readonly table: TableRead }) {
  if (!table.notes.length) return null;
  const most = 12;
  const rest = table.notes.slice(most);
  return (
    <ul class="data-notes">
      {table.notes.slice(0, most).map((note) => (
        <li key={note}>{note}</li>
      ))}
      {rest.length > 0 && (
        <li>
          <details>
            <summary>{rest.length.toLocaleString("en")} more columns</summary>
            <ul>
              {rest.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          </details>
        </li>
      )}
    </ul>
  );
}
