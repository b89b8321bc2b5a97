/** The data room: choose a set, place points, bring a table, and take along what was made. */
import { useEffect } from "preact/hooks";
import { engineIs } from "../../model/bench";
import { Gallery } from "./gallery";
import { InUse } from "./in_use";
import { lookAtFile, OwnTable } from "./own_table";
import { Points } from "./points";
import { openModelFile, TakeAlong } from "./take_along";
import "./data.css";

/** A file that is dropped anywhere is looked at, and never opened in place of the page. */
function useDrop(): void {
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      const isModel = file.name.endsWith(".safetensors") && engineIs.value?.can.includes("load");
      if (isModel) openModelFile(file);
      else lookAtFile(file);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  }, []);
}

export function DataRoom() {
  useDrop();
  return (
    <div class="data-room">
      <Gallery />
      <InUse />
      <div class="data-pair">
        <Points />
        <OwnTable />
      </div>
      <TakeAlong />
    </div>
  );
}
