/** How often a class is taken for another. */
import type { Problem } from "../../model/problem";
import { classOf, type Judged } from "./judged";

/** Classes up to which the counts are written. */
const MOST = 12;

export function Confusion({ made, judged }: { made: Problem; judged: Judged }) {
  const { outputs: names, y } = made.table;
  const counts = names.map(() => names.map(() => 0));
  let right = 0;
  judged.loss.forEach((_, place) => {
    const target = y[judged.rows[place]];
    const found = classOf(made, judged, place);
    counts[target][found] += 1;
    right += Number(target === found);
  });
  const all = judged.loss.length;
  return (
    <>
      <p>
        <b>
          {right.toLocaleString("en")} of {all.toLocaleString("en")} right
        </b>{" "}
        ({((100 * right) / all).toFixed(1)} %)
      </p>
      {names.length <= MOST && (
        <table class="network-confusion">
          <caption>Rows of each class, by the class they are taken for</caption>
          <thead>
            <tr>
              <td />
              {names.map((name) => (
                <th key={name} scope="col">
                  taken for {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((name, target) => (
              <tr key={name}>
                <th scope="row">
                  {made.table.target} {name}
                </th>
                {counts[target].map((count, found) => (
                  <td key={found} class={target === found ? "right" : count > 0 ? "wrong" : undefined}>
                    {count}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
