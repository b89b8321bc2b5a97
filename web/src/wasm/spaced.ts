/** `count` numbers from `low` to `high`, evenly spaced, with the bits of NumPy's linspace. */
export function evenly(low: number, high: number, count: number): number[] {
  const step = (high - low) / (count - 1);
  return Array.from({ length: count }, (_, index) =>
    index > 0 && index === count - 1 ? high : count > 1 ? index * step + low : low,
  );
}
