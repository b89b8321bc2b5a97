/** Sessions of the compiled core as a test asks for them: cases in, what each call returned out. */

import { decode, encode } from "../src/engines/wire";
import { CoreSession } from "../src/wasm/core";
import type { DenseNetwork, Optimizer, Samples, Work } from "../src/wasm/work";
import { CoreModule, compile } from "../src/wasm/module";
import { Generator, order, words } from "../src/wasm/random";
import type { Sampling } from "../src/wasm/names";

interface Call {
  readonly call: string;
  readonly [given: string]: unknown;
}

interface Case {
  readonly network: DenseNetwork;
  readonly optimizer: Optimizer;
  readonly work: Omit<Work, "key"> & { readonly key: string };
  readonly rows: Samples;
  readonly calls: readonly Call[];
}

export async function answer(message: ArrayBuffer, wasm: BufferSource): Promise<Uint8Array> {
  const module = new CoreModule(await compile(wasm));
  const { cases, drawn } = decode(message) as { cases: Case[]; drawn: Call[] };
  return encode({
    cases: cases.map((asked) => answers(module, asked)),
    drawn: drawn.map((asked) => draw(module, asked)),
    bytes: module.bytes,
  });
}

function answers(module: CoreModule, { network, optimizer, work, rows, calls }: Case): unknown[] {
  let session: CoreSession | null = null;
  const found: unknown[] = [];
  try {
    const opened = new CoreSession(module, network);
    session = opened;
    session.setOptimizer(optimizer);
    session.bind(rows);
    const own = { ...work, key: BigInt(work.key) };
    for (const asked of calls) found.push(answerOf(opened, own, rows, asked));
  } catch (problem) {
    found.push({ problem: (problem as Error).message });
  } finally {
    session?.free();
  }
  return found;
}

function answerOf(session: CoreSession, work: Work, rows: Samples, given: Call): unknown {
  const place = [given["first"], given["rates"], given["carried"]] as [
    number,
    Float64Array,
    number,
  ];
  switch (given.call) {
    case "load":
      session.setParameters(given["vector"] as Float64Array);
      session.setMoments(given["moments"] as Float64Array);
      return null;
    case "run":
      return session.run(work, ...place);
    case "trace":
      return session.trace(work, ...place);
    case "numbers":
      return { vector: session.parameters(), moments: session.moments() };
    case "answers":
      return {
        predictions: session.predict(rows.X),
        loss: session.loss(rows),
        gradient: session.lossGradient(rows).gradient,
      };
    default:
      throw new Error(`no call ${given.call}`);
  }
}

function draw(module: CoreModule, given: Call): unknown {
  const [key, epoch] = [BigInt(given["key"] as string), BigInt(given["epoch"] as string)];
  const count = given["count"] as number;
  switch (given.call) {
    case "words":
      return Array.from(
        words(
          module,
          key,
          given["stream"] as number,
          epoch,
          BigInt(given["start"] as string),
          count,
        ),
        String,
      );
    case "order":
      return order(module, given["kind"] as Sampling, key, epoch, count);
    default: {
      const generator = new Generator(module, key, given["stream"] as number);
      return given.call === "normal" ? generator.normal(count) : generator.uniform(count);
    }
  }
}
