/** The step room: one sample through the notes' own formulas. */
export function StepRoom() {
  return <p class="empty">Preparing …</p>;
}
