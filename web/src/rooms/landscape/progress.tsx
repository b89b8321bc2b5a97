/** How far the work at hand is, how long it will take, and a button that ends it. */
import { Job, standing } from "./job";

export function Progress() {
  const now = standing.value;
  if (!now) return null;
  const left =
    now.left === null
      ? ""
      : now.left < 1.5
        ? "about a second left"
        : `about ${Math.ceil(now.left)} s left`;
  return (
    <div class="landscape-progress" role="status">
      <progress value={now.done} max={1} aria-label={now.what} />
      <span>
        {now.what}: {Math.floor(100 * now.done)} %{left && `, ${left}`}
      </span>
      <button type="button" onClick={() => Job.cancel()}>
        Stop
      </button>
    </div>
  );
}
