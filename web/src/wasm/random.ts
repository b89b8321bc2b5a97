/**
 * The library's random numbers, src/deltarule/random.py: words of a counter-based generator by the
 * core, and what is made of them.
 */

import type { CoreModule } from "./module";
import { SAMPLINGS } from "./names";
import type { Sampling } from "./names";

/** What random words are for. */
export enum Stream {
  initial,
  order,
  split,
  dropout,
  restart,
}

/** The words at positions start … start + count − 1. */
export function words(
  module: CoreModule,
  key: bigint,
  stream: Stream,
  epoch: bigint,
  start: bigint,
  count: number,
): BigUint64Array {
  const [low, high, from] = [key, epoch, start].map((value) => BigInt.asIntN(64, value));
  return module.lend([count], (to) => {
    module.call((core) => core.words(low!, BigInt(stream), high!, from!, count, to.pointer));
    return module.integers(to.pointer, count).slice();
  });
}

/** The rows of one epoch, in the order in which they are met. */
export function order(
  module: CoreModule,
  kind: Sampling,
  key: bigint,
  epoch: bigint,
  rows: number,
): number[] {
  const [signed, number] = [BigInt.asIntN(64, key), BigInt.asIntN(64, epoch)];
  return module.lend([rows], (to) => {
    module.call((core) => core.order(SAMPLINGS.indexOf(kind), signed!, number!, rows, to.pointer));
    return Array.from(module.integers(to.pointer, rows), Number);
  });
}

/** Words of one (key, stream, epoch), taken one after the other from position 0. */
export class Generator {
  private position = 0n;

  constructor(
    private readonly module: CoreModule,
    private readonly key: bigint,
    private readonly stream: Stream,
    private readonly epoch = 0n,
  ) {}

  /** How many words were taken. */
  get drawn(): number {
    return Number(this.position);
  }

  /** The next numbers in [0, 1), of 53 random bits each. */
  uniform(count: number): Float64Array {
    const drawn = words(this.module, this.key, this.stream, this.epoch, this.position, count);
    this.position += BigInt(count);
    return Float64Array.from(drawn, (word) => Number(word >> 11n) * 2 ** -53);
  }

  /** The next standard normal numbers, of two words two; an odd count uses up its last pair. */
  normal(count: number): Float64Array {
    const drawn = this.uniform(count + (count % 2));
    const found = new Float64Array(drawn.length);
    for (let i = 0; i < drawn.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log1p(-drawn[i]));
      const angle = 2 * Math.PI * drawn[i + 1];
      found[i] = radius * Math.cos(angle);
      found[i + 1] = radius * Math.sin(angle);
    }
    return found.slice(0, count);
  }
}
