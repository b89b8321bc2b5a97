/** The lessons room. */
export function LessonsRoom() {
  return <p class="empty">Preparing …</p>;
}
