/** From ∂f/∂w to the new weight, row by row, for every optimiser of the library. */
import type { Named, Traced } from "../../protocol";
import {
  less,
  ONE,
  over,
  plain,
  raised,
  root,
  signum,
  squared,
  sum,
  times,
  workedOut,
  type Expression,
  type Leaf,
} from "./expression";
import type { Name } from "../../parts/letters";
import type { Row } from "./row";

/** One parameter on its way through a step. */
export interface Moving {
  readonly traced: Traced;
  readonly optimizer: Named;
  /** Where it stands in the vector. */
  readonly place: number;
  /** The id of its line, and its edge in the picture. */
  readonly id: string;
  readonly edge: string;
  readonly old: Leaf;
  readonly gradient: Leaf;
  readonly after: Name;
  /** Penalties and the decay of AdamW are for weights, not for biases. */
  readonly isWeight: boolean;
}

export function rateLeaf(traced: Traced): Leaf {
  return {
    is: "leaf",
    name: { letter: "α", lower: "t" },
    value: traced.rate,
    thing: "rate",
    place: "",
  };
}

/** The rows after ∂f/∂w: penalty, clipping, moments, and the new weight last. */
export function updateRows(moving: Moving): Row[] {
  const { traced, optimizer } = moving;
  const rows: Row[] = [];
  const lead = { letter: "g" };
  const slope = (formula: Expression, what: string): Expression => {
    const row = ownRow(moving, `slope-${what}`, lead, formula, what);
    rows.push(row);
    return leafOf(row, moving.edge);
  };
  let gradient: Expression = moving.gradient;
  if (moving.isWeight && (traced.l1 || traced.l2))
    gradient = slope(penalised(gradient, moving.old, traced), "with the penalty, its strength over n");
  const norm = clippedNorm(optimizer, traced, moving);
  if (norm) gradient = slope(times(gradient, norm), "clipped: the norm of all gradients is too large");
  return [...rows, ...RULES[optimizer.name](moving, gradient, rateLeaf(traced))];
}

function penalised(gradient: Expression, old: Expression, { l1, l2 }: Traced): Expression {
  const terms = [gradient];
  if (l2) terms.push(times(constant("λ₂/n", l2), old));
  if (l1) terms.push(times(constant("λ₁/n", l1), signum(old)));
  return sum(...terms);
}

/** clip_norm / ‖g‖ where that is below 1. */
function clippedNorm(optimizer: Named, traced: Traced, moving: Moving): Expression | null {
  const most = optimizer.clip_norm;
  if (typeof most !== "number") return null;
  const norm = Math.sqrt(traced.gradient.reduce((total, entry) => total + entry * entry, 0));
  if (norm <= most) return null;
  const leaf: Leaf = {
    is: "leaf",
    name: { letter: "‖g‖" },
    value: norm,
    thing: "norm",
    place: moving.edge,
  };
  return over(constant("clip", most), leaf);
}

/** A number that the optimiser or the penalty is made with. */
function constant(letter: string, value: unknown, lower?: string): Leaf {
  const name = lower === undefined ? { letter } : { letter, lower };
  return { is: "leaf", name, value: Number(value), thing: `${letter}${lower ?? ""}`, place: "" };
}

type Rule = (moving: Moving, gradient: Expression, rate: Leaf) => Row[];

const RULES: Readonly<Record<string, Rule>> = {
  sgd: (moving, gradient, rate) => [newWeight(moving, less(moving.old, times(rate, gradient)))],
  momentum: (moving, gradient, rate) => {
    const velocity = velocityRow(moving, gradient, rate);
    return [velocity, newWeight(moving, sum(moving.old, leafOf(velocity, moving.edge)))];
  },
  nesterov: (moving, gradient, rate) => {
    const velocity = velocityRow(moving, gradient, rate);
    const share = constant("momentum", moving.optimizer.momentum);
    const push = less(times(share, leafOf(velocity, moving.edge)), times(rate, gradient));
    return [velocity, newWeight(moving, sum(moving.old, push))];
  },
  adam: adam,
  adamw: adam,
  rmsprop: (moving, gradient, rate) => {
    const { decay, epsilon } = moving.optimizer;
    const mean = momentRow(moving, 0, "v", averaged(constant("decay", decay), moment(moving, 0, "v"), squared(gradient)));
    const scale = sum(root(leafOf(mean, moving.edge)), constant("ε", epsilon));
    return [mean, newWeight(moving, less(moving.old, over(times(rate, gradient), scale)))];
  },
};

function adam(moving: Moving, gradient: Expression, rate: Leaf): Row[] {
  const { beta_1, beta_2, epsilon, weight_decay } = moving.optimizer;
  const [first, second] = [constant("β", beta_1, "1"), constant("β", beta_2, "2")];
  const m = momentRow(moving, 0, "m", averaged(first, moment(moving, 0, "m"), gradient));
  const v = momentRow(moving, 1, "v", averaged(second, moment(moving, 1, "v"), squared(gradient)));
  const steps = plain(moving.traced.step + 1);
  const power = (beta: Leaf) => less(ONE, raised(beta, steps));
  const corrected = ownRow(
    moving,
    "corrected",
    { letter: "α̃", lower: "t" },
    over(times(rate, root(power(second))), power(first)),
    `the step size, corrected for moments that began at 0, in step ${steps.text}`,
  );
  const scale = sum(root(leafOf(v, moving.edge)), constant("ε", epsilon));
  const push = over(times(leafOf(corrected, ""), leafOf(m, moving.edge)), scale);
  let next: Expression = less(moving.old, push);
  if (weight_decay !== undefined && moving.isWeight)
    next = less(next, times(rate, constant("λ", weight_decay), moving.old));
  return [m, v, corrected, newWeight(moving, next)];
}

/** β · old + (1 − β) · new */
function averaged(share: Leaf, before: Expression, now: Expression): Expression {
  return sum(times(share, before), times(less(ONE, share), now));
}

function velocityRow(moving: Moving, gradient: Expression, rate: Leaf): Row {
  const share = constant("momentum", moving.optimizer.momentum);
  const formula = less(times(share, moment(moving, 0, "v")), times(rate, gradient));
  return momentRow(moving, 0, "v", formula);
}

/** A moment of before the step; it begins at 0. */
function moment({ traced, place, id, edge }: Moving, which: number, letter: string): Leaf {
  const { moments_before: all, before } = traced;
  return {
    is: "leaf",
    name: { letter, upper: "t" },
    value: all.length ? all[which * before.length + place] : 0,
    thing: `${letter}-before-${id}`,
    place: edge,
  };
}

function momentRow(moving: Moving, which: number, letter: string, formula: Expression): Row {
  const { traced, place, id, edge } = moving;
  return {
    id: `${letter}-${id}`,
    name: { letter, upper: "t+1" },
    formula,
    value: traced.moments_after[which * traced.before.length + place],
    thing: `${letter}-after-${id}`,
    place: edge,
    of: "engine",
  };
}

function newWeight({ traced, place, id, edge, after }: Moving, formula: Expression): Row {
  return {
    id: `after-${id}`,
    name: after,
    formula,
    value: traced.after[place],
    thing: `after-${id}`,
    place: edge,
    of: "engine",
  };
}

/** A number on the way that no engine keeps: the page's own. */
function ownRow(moving: Moving, what: string, name: Name, formula: Expression, says: string): Row {
  const id = `${what}-${moving.id}`;
  return {
    id,
    name,
    formula,
    value: workedOut(formula),
    thing: id,
    place: moving.edge,
    of: "page",
    says,
  };
}

const leafOf = ({ name, value, thing }: Row, place: string): Leaf => ({
  is: "leaf",
  name,
  value,
  thing,
  place,
});

/** What each optimiser does, in one line of letters. */
export const OPTIMIZER_WORDS: Readonly<Record<string, string>> = {
  sgd: "w ← w − αₜ ∂f/∂w",
  momentum: "v ← momentum · v − αₜ ∂f/∂w, w ← w + v",
  nesterov: "v ← momentum · v − αₜ ∂f/∂w, w ← w + momentum · v − αₜ ∂f/∂w",
  adam: "w ← w − α̃ₜ m / (√v + ε), with m and v the running means of ∂f/∂w and of its square",
  adamw: "w ← w − α̃ₜ m / (√v + ε), as Adam, and w also decays by αₜ λ w",
  rmsprop: "w ← w − αₜ ∂f/∂w / (√v + ε), v the running mean of the square of ∂f/∂w",
};

