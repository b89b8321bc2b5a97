/** Points placed by hand: with a pointer, or with the keys of a cursor that they move. */
import { useState } from "preact/hooks";
import { bring, problem, settings } from "../../model/bench";
import { suited } from "../../model/choices";
import {
  canBeTaken,
  changed,
  ofKind,
  stillMissing,
  tableOfPoints,
  takenFrom,
  undone,
  type DrawingKind,
} from "../../model/drawing";
import { Choice, NumberField } from "../../parts/fields";
import { short } from "../../parts/numbers";
import { drawing, type Tool } from "./drawn";
import { PointsCanvas } from "./points_canvas";

const TOOLS: Readonly<Record<DrawingKind, readonly (readonly [tool: Tool, title: string])[]>> = {
  classes: [
    ["0", "■ class 0"],
    ["1", "● class 1"],
    ["remove", "✕ remove"],
  ],
  values: [
    ["value", "● place"],
    ["remove", "✕ remove"],
  ],
};

export function Points() {
  const now = drawing.value;
  const [tool, setTool] = useState<Tool>("0");
  const [value, setValue] = useState(1);
  const tools = TOOLS[now.kind];
  const used = tools.some(([name]) => name === tool) ? tool : tools[0][0];
  const missing = stillMissing(now);
  return (
    <section class="data-card" aria-labelledby="data-points">
      <h2 id="data-points">Place points yourself</h2>
      <div class="data-bar">
        <Choice
          label="points are"
          value={now.kind}
          options={[
            ["classes", "of two classes"],
            ["values", "values"],
          ]}
          onChoose={(kind) => (drawing.value = ofKind(now, kind as DrawingKind))}
        />
        {now.kind === "values" && (
          <NumberField label="value" value={value} low={-1} high={1} onChoose={setValue} />
        )}
      </div>
      <div class="data-bar" role="group" aria-label="What a press does">
        {tools.map(([name, title]) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === used}
            onClick={() => setTool(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <PointsCanvas tool={used} value={value} />
      <div class="data-bar">
        <button
          type="button"
          disabled={!now.past.length}
          onClick={() => (drawing.value = undone(now))}
        >
          ↶ Undo
        </button>
        <button
          type="button"
          disabled={!now.points.length}
          onClick={() => (drawing.value = changed(now, []))}
        >
          Clear
        </button>
        <TakeButton />
      </div>
      <button type="button" class="primary" disabled={missing !== ""} onClick={usePoints}>
        Use these {now.points.length || ""} points →
      </button>
      <p class="data-hint">{missing}</p>
      <PointsTable />
    </section>
  );
}

function usePoints(): void {
  const table = tableOfPoints(drawing.value);
  const kind = drawing.value.kind;
  void bring(table, { ...suited(settings.value, kind), room: "network" });
}

/** The points of the set in use, to be changed by hand. */
function TakeButton() {
  const table = problem.value?.table;
  if (!table || !canBeTaken(table)) return null;
  const take = () => {
    const taken = takenFrom(table);
    const before = ofKind(drawing.value, taken.kind);
    drawing.value = { ...changed(before, taken.points), reach: taken.reach };
  };
  return (
    <button type="button" onClick={take}>
      Copy the set in use
    </button>
  );
}

function PointsTable() {
  const { kind, points } = drawing.value;
  if (!points.length) return null;
  return (
    <details class="data-hint">
      <summary>Points as a table</summary>
      <div class="data-preview" tabIndex={0} role="region" aria-label="Points as a table">
        <table>
          <thead>
            <tr>
              <th scope="col">x₁</th>
              <th scope="col">x₂</th>
              <th scope="col" class="data-target">
                {kind === "classes" ? "class" : "y"}
              </th>
            </tr>
          </thead>
          <tbody>
            {points.map(({ x, y, target }, index) => (
              <tr key={index}>
                <td>{short(x)}</td>
                <td>{short(y)}</td>
                <td class="data-target">{kind === "classes" ? target : short(target)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
