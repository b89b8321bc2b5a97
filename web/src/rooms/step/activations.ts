/** σ and σ' of every activation of the library, as formulas in z and in a = σ(z). */
import type { Named } from "../../protocol";
import {
  absolute,
  call,
  exponential,
  less,
  negative,
  ONE,
  over,
  plain,
  positivePart,
  signOf,
  squared,
  sum,
  tanh,
  times,
  when,
  workedOut,
  type Expression,
} from "./expression";
import { normalDensity, normalDistribution } from "./normal";

/** A formula, and why it is this one where there are several. */
export interface Reasoned {
  readonly formula: Expression;
  readonly because?: string;
}

interface Sigma {
  readonly value: (z: Expression, record: Named) => Reasoned;
  readonly slope: (z: Expression, a: Expression, record: Named, output: boolean) => Reasoned;
}

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
/** Beyond it e^z is near the end of what a number can hold: the same formula in another form. */
const LARGE = 300;

const zero = plain(0);
const normal = call("Φ(", ")", normalDistribution);
const density = call("φ(", ")", normalDensity);
const logOnePlus = call("log(1 + ", ")", Math.log1p);
const logistic = call("σ(", ")", (z) => 1 / (1 + Math.exp(-z)));
const of = (formula: Expression, because?: string): Reasoned =>
  because ? { formula, because } : { formula };

export function softplus(z: Expression): Expression {
  const value = workedOut(z);
  if (value > LARGE) return sum(z, logOnePlus(exponential(negative(z))));
  return logOnePlus(exponential(z));
}

export function logisticSlope(z: Expression): Expression {
  return over(ONE, sum(ONE, exponential(negative(z))));
}

function selu(positive: Expression, below: Expression, z: Expression): Reasoned {
  const scale = plain(SELU_SCALE, "1.0507");
  if (workedOut(z) > 0) return of(times(scale, positive), "since z > 0");
  return of(times(scale, plain(SELU_ALPHA, "1.6733"), below), "since z ≤ 0");
}

const SIGMAS: Readonly<Record<string, Sigma>> = {
  identity: { value: (z) => of(z), slope: () => of(ONE) },
  logistic: {
    value: (z) => of(logisticSlope(z)),
    slope: (_, a) => of(times(a, less(ONE, a))),
  },
  tanh: { value: (z) => of(tanh(z)), slope: (_, a) => of(less(ONE, squared(a))) },
  relu: {
    value: (z) => of(positivePart(z)),
    slope: (z) => of(when(z, ">", zero), "σ'(0) = 0"),
  },
  leaky_relu: {
    value: (z, { slope }) =>
      workedOut(z) > 0 ? of(z, "since z > 0") : of(times(plain(Number(slope)), z), "since z ≤ 0"),
    slope: (z, _, { slope }) =>
      workedOut(z) > 0 ? of(ONE, "since z > 0") : of(plain(Number(slope)), "since z ≤ 0"),
  },
  sign: {
    value: (z) => of(signOf(z), "sign(0) = +1"),
    slope: (z, _, __, output) =>
      output
        ? of(plain(1), "sign is flat: behind an output the rule puts σ' := 1 in its place")
        : of(
            when(absolute(z), "≤", ONE),
            "sign is flat: the rule lets δ straight through where |z| ≤ 1",
          ),
  },
  softplus: { value: (z) => of(softplus(z)), slope: (z) => of(logisticSlope(z)) },
  selu: {
    value: (z) => selu(z, less(exponential(z), ONE), z),
    slope: (z) => selu(ONE, exponential(z), z),
  },
  gelu: {
    value: (z) => of(times(z, normal(z))),
    slope: (z) => of(sum(normal(z), times(z, density(z)))),
  },
  silu: {
    value: (z) => of(times(z, logistic(z))),
    slope: (z) => of(times(logistic(z), sum(ONE, times(z, less(ONE, logistic(z)))))),
  },
  mish: {
    value: (z) => of(times(z, tanh(softplus(z)))),
    slope: (z) => {
      const gate = tanh(softplus(z));
      return of(sum(gate, times(z, less(ONE, squared(gate)), logistic(z))));
    },
  },
  exp: { value: (z) => of(exponential(z)), slope: (_, a) => of(a) },
};

/** Whether a unit's output depends on its own z alone. */
export const isElementwise = (name: string): boolean => name in SIGMAS;

export function sigma(record: Named, z: Expression): Reasoned {
  return SIGMAS[record.name].value(z, record);
}

export function sigmaSlope(record: Named, z: Expression, a: Expression, output: boolean): Reasoned {
  return SIGMAS[record.name].slope(z, a, record, output);
}

/** a_k = e^(z_k) / Σ_j e^(z_j); the largest z is taken off first where e^z would be too large. */
export function softmax(zs: readonly Expression[], unit: number): Expression {
  const top = Math.max(...zs.map(workedOut));
  const power = (z: Expression) => exponential(top > LARGE ? less(z, plain(top)) : z);
  return over(power(zs[unit]), sum(...zs.map(power)));
}

/** a_1 = z_1, a_k = a_(k−1) + log(1 + e^(z_k)) inside each group. */
export function ascending(
  record: Named,
  zs: readonly Expression[],
  as: readonly Expression[],
  unit: number,
): Expression {
  const first = unit % groupOf(record, zs.length) === 0;
  return first ? zs[unit] : sum(as[unit - 1], softplus(zs[unit]));
}

export const groupOf = (record: Named, units: number): number => Number(record.group ?? units);

/** How the activation is called in a sentence, with its formula. */
export const SIGMA_WORDS: Readonly<Record<string, string>> = {
  identity: "σ(z) = z",
  logistic: "σ(z) = 1 / (1 + e⁻ᶻ)",
  tanh: "σ(z) = tanh z",
  relu: "σ(z) = max(0, z)",
  leaky_relu: "σ(z) = z above 0, a little of z below",
  sign: "σ(z) = +1 for z ≥ 0, else −1",
  softmax: "σ(z)ₖ = e to zₖ, over the sum of e to zⱼ",
  softplus: "σ(z) = log(1 + eᶻ)",
  selu: "σ(z) = 1.0507 z above 0, 1.7581 (eᶻ − 1) below",
  gelu: "σ(z) = z Φ(z), Φ the normal distribution",
  silu: "σ(z) = z / (1 + e⁻ᶻ)",
  mish: "σ(z) = z tanh(log(1 + eᶻ))",
  exp: "σ(z) = eᶻ",
  ascending: "outputs that rise from one to the next",
};
