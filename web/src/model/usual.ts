/** What is usual among numbers of which a few may lie far out. */

/** Times the middle half of the targets' span: what lies farther out does not set the height. */
const FENCE = 3;

/** From where to where targets go, but for a few that lie far out. */
export function usual(targets: Float64Array): readonly [number, number] {
  const sorted = targets.filter((value) => Number.isFinite(value)).sort();
  if (!sorted.length) return [0, 0];
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  const room = FENCE * (at(0.75) - at(0.25));
  const inside = room > 0 ? sorted.filter((y) => y >= at(0.25) - room && y <= at(0.75) + room) : sorted;
  return [inside[0], inside[inside.length - 1]];
}
