/** What the page has to say: why a training stopped, why an ask was refused, that a server is gone. */
import { back, connection, notice, stopped } from "../model/bench";

export function Notice() {
  const halt = stopped.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {halt && (
        <p class="notice wrong">
          <span>{halt.sentence}</span>
          {halt.reason === "non_finite" && (
            <button type="button" onClick={() => void back()}>
              Back to the last finite state
            </button>
          )}
        </p>
      )}
      {notice.value && (
        <p class={connection.value === "lost" ? "notice wrong" : "notice"}>
          <span>{notice.value}</span>
          {connection.value === "open" && (
            <button type="button" onClick={() => (notice.value = "")}>
              Dismiss
            </button>
          )}
        </p>
      )}
    </div>
  );
}
