/** Random numbers of the page's own (points of a set, rows held out): the same for the same seed. */
export class Draw {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 2654435761) + 374761393) >>> 0;
  }

  /** In [0, 1): a Weyl sequence through a mixing function. */
  uniform(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let word = this.state;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return ((word ^ (word >>> 15)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Box and Muller's. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The numbers 0 … count − 1 in a random order. */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last -= 1) {
      const other = Math.floor(this.uniform() * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }
}
