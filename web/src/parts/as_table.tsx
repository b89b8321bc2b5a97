/** The numbers of a picture as a table, for who cannot see it and for who wants to read them. */
import { useState } from "preact/hooks";

interface Props {
  readonly title: string;
  readonly heads: readonly string[];
  /** Made only while the table is unfolded. */
  readonly rows: () => readonly (readonly string[])[];
}

export function AsTable({ title, heads, rows }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <details class="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open && (
        <div class="as-table-scroll" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows().map((cells, line) => (
                <tr key={line}>
                  {cells.map((cell, place) =>
                    place === 0 ? (
                      <th key={place} scope="row">
                        {cell}
                      </th>
                    ) : (
                      <td key={place}>{cell}</td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
