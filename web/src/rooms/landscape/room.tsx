/** The landscape room. */
export function LandscapeRoom() {
  return <p class="empty">Preparing …</p>;
}
