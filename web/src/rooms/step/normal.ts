/** The normal distribution, for the factors of gelu. */

const ROOT_OF_TWO_PI = Math.sqrt(2 * Math.PI);

export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / ROOT_OF_TWO_PI;
}

/** Φ(z): a series near 0, Laplace's continued fraction in the tails, where the series cancels. */
export function normalDistribution(z: number): number {
  if (Number.isNaN(z)) return z;
  if (Math.abs(z) > 3) {
    const tail = normalDensity(z) / fraction(Math.abs(z));
    return z > 0 ? 1 - tail : tail;
  }
  let term = z;
  let total = z;
  for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(total); odd += 2) {
    term *= (z * z) / odd;
    total += term;
  }
  return 0.5 + normalDensity(z) * total;
}

/** z + 1/(z + 2/(z + 3/(z + …))) */
function fraction(z: number): number {
  let value = z;
  for (let level = 120; level > 0; level -= 1) value = z + level / value;
  return value;
}
