/**
 * One step as lines to walk through: forward, backward, update.
 *
 * A line is about one unit or one weight and has a row for each of its numbers: a name, a formula,
 * and the engine's result. Wide layers are written out for the unit that is chosen.
 */
import type { LayerRecord, Named, NetworkRecord, Slot, Traced } from "../../protocol";
import { ascending, groupOf, isElementwise, logisticSlope, sigma, sigmaSlope, softmax } from "./activations";
import { less, plain, sum, times, workedOut, type Expression, type Leaf } from "./expression";
import {
  headOf,
  headWeight,
  isCanonical,
  isMissing,
  judgesSum,
  lossSlope,
  lossTerm,
  type Judged,
} from "./losses";
import { blockGradient, innerKind, innerRows, isNormalized, means, sentThrough, statistics } from "./inner";
import { indices, Letters, type Name } from "../../parts/letters";
import { edgePlace, targetPlace, unitPlace, unitTitle } from "./names";
import { updateRows } from "./optimizers";
import { engineRow, leafOf, type Line, type Row } from "./row";

/** What a script is written from. */
export interface Scene {
  readonly traced: Traced;
  readonly network: NetworkRecord;
  readonly slots: readonly Slot[];
  readonly optimizer: Named;
  /** The unit of each layer, inputs first, that stands for it where it is wide. */
  readonly chosen: readonly number[];
  /** Layers whose weights are all listed, however many. */
  readonly wide: ReadonlySet<number>;
}

/** Units of a layer that are all written out, and weights into one unit. */
export const MOST_UNITS = 6;
export const MOST_WEIGHTS = 10;

/** Which units of a layer are written out. */
export function writtenUnits(count: number, chosen: number): number[] {
  if (count > MOST_UNITS) return [Math.min(chosen, count - 1)];
  return Array.from({ length: count }, (_, unit) => unit);
}

export class Script {
  readonly letters: Letters;
  readonly layers: readonly LayerRecord[];
  readonly depth: number;
  private readonly weightStarts: (Slot | undefined)[];
  private readonly biasStarts: (Slot | undefined)[];

  constructor(readonly scene: Scene) {
    const { network, slots } = scene;
    this.layers = network.layers;
    this.depth = network.layers.length;
    this.letters = new Letters(this.depth);
    const starts = (block: string) =>
      network.layers.map((_, layer) => slots.find((s) => s.layer === layer && s.block === block));
    this.weightStarts = starts("weight");
    this.biasStarts = starts("bias");
  }

  lines(): Line[] {
    return [...this.forward(), ...this.loss(), ...this.backward(), ...this.update()];
  }

  /** Units of layer 0 … L. */
  count(layer: number): number {
    return layer === 0 ? this.layers[0].inputs : this.layers[layer - 1].units;
  }

  written(layer: number): number[] {
    return writtenUnits(this.count(layer), this.scene.chosen[layer] ?? 0);
  }

  /** The activation of a unit of layer 1 … L. */
  activation(layer: number, unit: number): Named {
    const own = this.layers[layer - 1].function ?? { name: "identity" };
    if (layer < this.depth) return own;
    return headOf(this.scene.network.heads, unit).activation ?? own;
  }

  isDense(layer: number): boolean {
    return this.layers[layer - 1].name === "dense";
  }

  hasBias(layer: number): boolean {
    return this.biasStarts[layer] !== undefined;
  }

  // The numbers of a step, as leaves

  output(layer: number, unit: number): Leaf {
    const { x, a } = this.scene.traced;
    return {
      is: "leaf",
      name: this.letters.output(layer, unit),
      value: layer === 0 ? x[unit] : a[layer - 1][unit],
      thing: `a-${layer}-${unit}`,
      place: unitPlace(layer, unit),
      edit: layer === 0,
    };
  }

  sum(layer: number, unit: number): Leaf {
    return {
      is: "leaf",
      name: this.letters.sum(layer, unit),
      value: this.scene.traced.z[layer - 1][unit],
      thing: `z-${layer}-${unit}`,
      place: unitPlace(layer, unit),
    };
  }

  delta(layer: number, unit: number): Leaf {
    return {
      is: "leaf",
      name: this.letters.delta(layer, unit),
      value: this.scene.traced.delta[layer - 1][unit],
      thing: `delta-${layer}-${unit}`,
      place: unitPlace(layer, unit),
    };
  }

  target(output: number): Leaf {
    return {
      is: "leaf",
      name: this.letters.target(output),
      value: this.scene.traced.d[output],
      thing: `d-${output}`,
      place: targetPlace(output),
      edit: true,
    };
  }

  /** Where a weight of a layer, or its bias at `from` −1, stands in the vector. */
  place(layer: number, from: number, to: number): number {
    if (from < 0) return this.biasStarts[layer]!.start + to;
    return this.weightStarts[layer]!.start + from * this.layers[layer].units + to;
  }

  weight(layer: number, from: number, to: number, time = ""): Leaf {
    return {
      is: "leaf",
      name:
        from < 0 ? this.letters.bias(layer, to, time) : this.letters.weight(layer, from, to, time),
      value: this.scene.traced.before[this.place(layer, from, to)],
      thing: `w-${layer}-${from}-${to}`,
      place: edgePlace(layer, from, to),
      edit: true,
    };
  }

  /** Where the gain or the shift of a normalised unit stands in the vector. */
  private blockPlace(layer: number, block: "gain" | "shift", unit: number): number {
    return this.scene.slots.find((slot) => slot.layer === layer - 1 && slot.block === block)!.start + unit;
  }

  /** The gain or the shift of a unit of a normalised layer. */
  blockOf(layer: number, block: "gain" | "shift", unit: number, time = ""): Leaf {
    return {
      is: "leaf",
      name: { letter: block, upper: time ? `${layer},${time}` : `${layer}`, lower: indices(unit) },
      value: this.scene.traced.before[this.blockPlace(layer, block, unit)],
      thing: `${block}-${layer}-${unit}`,
      place: unitPlace(layer, unit),
    };
  }

  // 1 Forward

  private forward(): Line[] {
    const lines: Line[] = [];
    for (let layer = 1; layer <= this.depth; layer += 1) {
      lines.push(...statistics(this, layer));
      for (const unit of this.written(layer)) lines.push(this.unitForward(layer, unit));
    }
    return lines;
  }

  private unitForward(layer: number, unit: number): Line {
    const place = unitPlace(layer, unit);
    const z = this.sum(layer, unit);
    const a = this.output(layer, unit);
    const how = this.sigmaOf(layer, unit);
    const rows: Row[] = [];
    if (this.isDense(layer)) rows.push(engineRow(z, this.weightedSum(layer, unit)));
    else rows.push(...innerRows(this, layer, unit));
    rows.push(engineRow(a, how.formula, how.because));
    const title = this.title(layer, unit);
    return { id: `a-${layer}-${unit}`, phase: "forward", place, title, rows, layer, unit, from: 0 };
  }

  private title(layer: number, unit: number): string {
    return unitTitle(this.depth, layer, unit);
  }

  private weightedSum(layer: number, unit: number): Expression {
    const terms: Expression[] = [];
    for (let from = 0; from < this.count(layer - 1); from += 1)
      terms.push({ is: "times", factors: [this.weight(layer - 1, from, unit), this.output(layer - 1, from)] });
    if (this.hasBias(layer - 1)) terms.push(this.weight(layer - 1, -1, unit));
    return sum(...terms);
  }

  private sigmaOf(layer: number, unit: number): { formula: Expression | null; because?: string } {
    const record = this.activation(layer, unit);
    if (isElementwise(record.name)) return sigma(record, this.sum(layer, unit));
    const [first, last] = this.together(layer, unit);
    const zs = range(first, last).map((k) => this.sum(layer, k));
    if (record.name === "softmax") return { formula: softmax(zs, unit - first) };
    const as = range(first, last).map((k) => this.output(layer, k));
    return { formula: ascending(record, zs, as, unit - first) };
  }

  /** The units that an activation takes together: those of a head, or of the layer. */
  private together(layer: number, unit: number): readonly [number, number] {
    if (layer < this.depth) return [0, this.count(layer)];
    return headOf(this.scene.network.heads, unit).columns;
  }

  // The loss

  judged(k: number): Judged {
    const [first] = headOf(this.scene.network.heads, k).columns;
    return {
      z: this.sum(this.depth, k),
      prediction: this.output(this.depth, k),
      target: this.target(k),
      index: k - first,
    };
  }

  private loss(): Line[] {
    const { heads } = this.scene.network;
    const { traced } = this.scene;
    const reasons = new Set<string>();
    const terms = range(0, this.count(this.depth)).map((k) => {
      const head = headOf(heads, k);
      if (isMissing(heads, head, traced.d)) return plain(0);
      const { formula, because } = lossTerm(head.loss, this.activation(this.depth, k), this.judged(k));
      // Of terms that are written alone: those that are 0 are left out.
      if (because && !(formula.is === "plain" && formula.value === 0)) reasons.add(because);
      return times(plain(headWeight(head, traced.d)), formula);
    });
    const said = terms.filter((term) => !(term.is === "plain" && term.value === 0));
    const row: Row = {
      id: "f",
      name: { letter: "f" },
      formula: said.length ? sum(...said) : plain(0),
      value: traced.loss,
      thing: "f",
      place: "",
      of: "engine",
      ...(reasons.size ? { says: [...reasons].join("; ") } : {}),
    };
    const layer = this.depth + 1;
    const title = "the loss of this sample";
    return [{ id: "f", phase: "forward", place: "", title, rows: [row], layer, unit: 0, from: 0 }];
  }

  // 2 Backward

  private backward(): Line[] {
    const lines: Line[] = [];
    for (let layer = this.depth; layer >= 1; layer -= 1) {
      const units = this.written(layer);
      const line = (id: string, unit: number, title: string, rows: readonly Row[]): Line => ({
        id: `${id}-${layer}-${unit}`,
        phase: "backward",
        place: unitPlace(layer, unit),
        title,
        rows,
        layer,
        unit,
        from: 0,
      });
      if (layer < this.depth) lines.push(...means(this, layer + 1));
      for (const unit of units)
        if (this.isMixed(layer, unit))
          lines.push(line("e", unit, `what comes back to ${this.title(layer, unit)}`, [this.slopeRow(layer, unit)]));
      for (const unit of units)
        lines.push(
          line("delta", unit, this.title(layer, unit), [
            layer === this.depth ? this.outputDelta(unit) : this.hiddenDelta(layer, unit),
          ]),
        );
    }
    return lines;
  }

  /** Whether δ of a unit needs ∂f/∂a of others: each z moves several of them. */
  private isMixed(layer: number, unit: number): boolean {
    const activation = this.activation(layer, unit);
    if (isElementwise(activation.name)) return false;
    if (layer < this.depth) return true;
    const { loss } = headOf(this.scene.network.heads, unit);
    return !isCanonical(loss, activation) && !judgesSum(loss);
  }

  /** ∂f/∂a of a unit. */
  private slopeRow(layer: number, unit: number): Row {
    const name = { letter: "e", upper: `${layer}`, lower: indices(unit) };
    const place = unitPlace(layer, unit);
    const of = (formula: Expression, says?: string) =>
      this.pageRow(`e-${layer}-${unit}`, name, formula, place, says);
    if (layer < this.depth) return of(this.sentBack(layer, unit), "e = ∂f/∂h");
    const { loss } = headOf(this.scene.network.heads, unit);
    const { formula, because } = lossSlope(loss, this.judged(unit));
    return of(formula, both("e = ∂f/∂d̂", because));
  }

  private outputDelta(k: number): Row {
    const { network, traced } = this.scene;
    const head = headOf(network.heads, k);
    const delta = this.delta(this.depth, k);
    if (isMissing(network.heads, head, traced.d)) return engineRow(delta, plain(0), "no target, no error");
    const weight = plain(headWeight(head, traced.d));
    const activation = this.activation(this.depth, k);
    const judged = this.judged(k);
    if (isCanonical(head.loss, activation))
      return engineRow(
        delta,
        times(weight, less(judged.prediction, judged.target)),
        `${activation.name} with ${head.loss.name}: all other factors cancel`,
      );
    const slope = lossSlope(head.loss, judged);
    if (judgesSum(head.loss)) return engineRow(delta, times(weight, slope.formula), slope.because);
    if (!isElementwise(activation.name))
      return engineRow(delta, times(weight, this.mixed(this.depth, k)), "each z moves several outputs");
    const sigma = sigmaSlope(activation, judged.z, judged.prediction, true);
    return engineRow(delta, times(weight, slope.formula, sigma.formula), both(slope.because, sigma.because));
  }

  private hiddenDelta(layer: number, unit: number): Row {
    const delta = this.delta(layer, unit);
    const activation = this.activation(layer, unit);
    if (!isElementwise(activation.name))
      return engineRow(delta, this.mixed(layer, unit), "each z moves all units of the layer");
    const a = this.output(layer, unit);
    const { formula, because } = sigmaSlope(activation, this.sum(layer, unit), a, false);
    return engineRow(delta, times(formula, this.sentBack(layer, unit)), both(this.oldWords(layer), because));
  }

  /** Which numbers of before the step δ comes back through. */
  private oldWords(layer: number): string | undefined {
    if (!this.isDense(layer + 1)) return isNormalized(innerKind(this, layer + 1)) ? "old gain, step t" : undefined;
    const { letter, upper } = this.letters.weights(layer);
    return `old ${letter}${upper ? ` of layer ${upper}` : ""}, step t`;
  }

  /** Σ_g δ_g V_gm, with the weights of before the step. */
  private sentBack(layer: number, unit: number): Expression {
    if (!this.isDense(layer + 1)) return sentThrough(this, layer + 1, unit);
    const terms = range(0, this.count(layer + 1)).map(
      (g): Expression => ({
        is: "times",
        factors: [
          this.delta(layer + 1, g),
          { ...this.weight(layer, unit, g, "t"), old: true },
        ],
      }),
    );
    return terms.length === 1 ? terms[0] : { is: "sum", terms };
  }

  /** From ∂f/∂a of units that belong together to ∂f/∂z of one. */
  private mixed(layer: number, unit: number): Expression {
    const activation = this.activation(layer, unit);
    const [first, last] = this.together(layer, unit);
    const units = range(first, last);
    const slope = (of: number) => leafOf(this.slopeRow(layer, of));
    if (activation.name === "softmax") {
      const shares = units.map((of) => times(this.output(layer, of), slope(of)));
      return times(this.output(layer, unit), less(slope(unit), sum(...shares)));
    }
    const group = groupOf(activation, units.length);
    const end = unit - ((unit - first) % group) + group;
    const above = sum(...range(unit, end).map(slope));
    return (unit - first) % group === 0 ? above : times(logisticSlope(this.sum(layer, unit)), above);
  }

  // 3 Update

  private update(): Line[] {
    const lines: Line[] = [];
    for (let layer = this.depth - 1; layer >= 0; layer -= 1) {
      if (isNormalized(innerKind(this, layer + 1)))
        for (const unit of this.written(layer + 1))
          lines.push(this.blockUpdate(layer + 1, "gain", unit), this.blockUpdate(layer + 1, "shift", unit));
      if (!this.isDense(layer + 1)) continue;
      for (const to of this.written(layer + 1))
        for (const from of this.sources(layer)) lines.push(this.weightUpdate(layer, from, to));
    }
    return lines;
  }

  /** The units whose weights are listed; the bias last. */
  sources(layer: number): number[] {
    const count = this.count(layer);
    let listed = range(0, count);
    if (count > MOST_WEIGHTS && !this.scene.wide.has(layer)) {
      const chosen = this.scene.chosen[layer] ?? 0;
      listed = listed.filter((from) => from < 4 || from === chosen || from === count - 1);
    }
    return this.hasBias(layer) ? [...listed, -1] : listed;
  }

  private weightUpdate(layer: number, from: number, to: number): Line {
    const edge = edgePlace(layer, from, to);
    const delta = this.delta(layer + 1, to);
    const product = from < 0 ? delta : times(delta, this.output(layer, from));
    const rows = this.moving(`${layer}-${from}-${to}`, edge, {
      at: this.place(layer, from, to),
      old: this.weight(layer, from, to, "t"),
      after: this.weight(layer, from, to, "t+1").name,
      gradient: partial(this.weight(layer, from, to).name),
      product,
      isWeight: from >= 0,
      ...(from < 0 ? { says: "a bias is a weight on 1" } : {}),
    });
    const what = from < 0 ? "the bias" : `the weight from ${this.title(layer, from)}`;
    const title = `${what} to ${this.title(layer + 1, to)}`;
    const moves = { old: this.weight(layer, from, to), at: this.place(layer, from, to) };
    return { id: `w-${layer}-${from}-${to}`, phase: "update", place: edge, title, rows, layer, unit: to, from, moves };
  }

  /** The update of a gain or a shift of layer 1 … L. */
  private blockUpdate(layer: number, block: "gain" | "shift", unit: number): Line {
    const place = unitPlace(layer, unit);
    const [id, at] = [`${block}-${layer}-${unit}`, this.blockPlace(layer, block, unit)];
    const rows = this.moving(id, place, {
      at,
      old: this.blockOf(layer, block, unit, "t"),
      after: this.blockOf(layer, block, unit, "t+1").name,
      gradient: partial(this.blockOf(layer, block, unit).name),
      product: blockGradient(this, layer, block, unit),
      isWeight: false,
    });
    const moves = { old: this.blockOf(layer, block, unit), at };
    const title = `the ${block} of ${this.title(layer, unit)}`;
    return { id, phase: "update", place, title, rows, layer: layer - 1, unit, from: 0, moves };
  }

  /** From δ to the new number. */
  private moving(id: string, edge: string, of: Moved): Row[] {
    const { traced, optimizer } = this.scene;
    const { at, old, after, isWeight } = of;
    const gradient: Leaf = { is: "leaf", name: of.gradient, value: traced.gradient[at], thing: `g-${id}`, place: edge };
    const first = engineRow(gradient, of.product, of.says);
    return [first, ...updateRows({ traced, optimizer, place: at, id, edge, old, gradient, after, isWeight })];
  }

  private pageRow(thing: string, name: Name, formula: Expression, place: string, says?: string): Row {
    const value = workedOut(formula);
    return { id: thing, name, formula, value, thing, place, of: "page", ...(says ? { says } : {}) };
  }
}

/** A number on its way through a step. */
interface Moved {
  readonly at: number;
  readonly old: Leaf;
  readonly after: Name;
  readonly gradient: Name;
  readonly product: Expression;
  readonly isWeight: boolean;
  readonly says?: string;
}

/** ∂f/∂V₁₁ */
function partial(name: Name): Name {
  return { ...name, letter: `∂f/∂${name.letter}` };
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first }, (_, index) => first + index);

const both = (...reasons: (string | undefined)[]): string | undefined =>
  reasons.filter((reason) => reason).join("; ") || undefined;

