/** The data room. */
export function DataRoom() {
  return <p class="empty">Preparing …</p>;
}
