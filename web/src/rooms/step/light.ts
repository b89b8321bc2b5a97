/**
 * What belongs together lights up together: a number wherever it stands, its unit or edge in the
 * picture, and the line that is about it.
 *
 * Numbers say which they are (`data-thing`) and where they belong (`data-place`), lines what they
 * are about (`data-about`). The marks are set on the elements themselves: a room of a thousand
 * numbers is not drawn anew for every move of the pointer.
 */

const MARK = "data-lit";

export function lightUp(room: HTMLElement | null, target: Element | null): void {
  // What has the focus loses it when the room is left, and there is no room then.
  if (!room) return;
  for (const lit of room.querySelectorAll(`[${MARK}]`)) lit.removeAttribute(MARK);
  const found = target?.closest("[data-thing], [data-place], [data-about]");
  if (!found || !room.contains(found)) return;
  const { thing, place, about } = (found as HTMLElement).dataset;
  const where = place ?? about;
  const chosen: string[] = [];
  if (thing) chosen.push(`[data-thing="${thing}"]`);
  if (where) {
    chosen.push(`svg [data-place="${where}"]`, `.step-list [data-about="${where}"]`);
    // An edge or a unit that is pointed at, and no single number of it, lights all its numbers.
    if (!thing) chosen.push(`[data-place="${where}"]`);
  }
  for (const entry of chosen.length ? room.querySelectorAll(chosen.join()) : [])
    entry.setAttribute(MARK, "");
}
