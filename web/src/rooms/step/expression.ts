/**
 * Formulas as trees: the same tree is written with letters, written with numbers, and worked out.
 *
 * The results of a step are the engine's. Working a tree out serves to show, and to test, that the
 * factors on the page are those of the engine's number.
 */
import type { Name } from "../../parts/letters";

/** A number with a name: where it belongs in the picture, and whether a person may change it. */
export interface Leaf {
  readonly is: "leaf";
  readonly name: Name;
  readonly value: number;
  /** Which number it is, the same wherever it stands. */
  readonly thing: string;
  /** The unit or edge of the picture that it belongs to. */
  readonly place: string;
  readonly edit?: boolean;
  /** A weight of before the step, where that is what matters. */
  readonly old?: boolean;
}

/** A constant as it is written. */
export interface Plain {
  readonly is: "plain";
  readonly text: string;
  readonly value: number;
}

export type Expression =
  | Leaf
  | Plain
  | { readonly is: "sum"; readonly terms: readonly Expression[] }
  | { readonly is: "less"; readonly from: Expression; readonly what: Expression }
  | { readonly is: "times"; readonly factors: readonly Expression[] }
  | { readonly is: "over"; readonly top: Expression; readonly bottom: Expression }
  | { readonly is: "raised"; readonly base: Expression; readonly exponent: Expression }
  | { readonly is: "negative"; readonly inner: Expression }
  /** A function, written around what it is taken of: "max(0, " … ")". */
  | {
      readonly is: "call";
      readonly open: string;
      readonly close: string;
      readonly inner: Expression;
      readonly of: (value: number) => number;
    }
  /** 1 where the relation holds, else 0. */
  | {
      readonly is: "when";
      readonly left: Expression;
      readonly relation: ">" | "≤";
      readonly right: Expression;
    };

export const plain = (value: number, text?: string): Plain => ({
  is: "plain",
  text: text ?? String(value).replace("-", "−"),
  value,
});
export const ONE = plain(1);
export const HALF = plain(0.5, "½");
const EULER = plain(Math.E, "e");

export const sum = (...terms: readonly Expression[]): Expression =>
  terms.length === 1 ? terms[0] : { is: "sum", terms };
export const less = (from: Expression, what: Expression): Expression => ({ is: "less", from, what });
export const over = (top: Expression, bottom: Expression): Expression => ({ is: "over", top, bottom });
export const negative = (inner: Expression): Expression => ({ is: "negative", inner });
export const raised = (base: Expression, exponent: Expression): Expression => ({
  is: "raised",
  base,
  exponent,
});
export const squared = (base: Expression): Expression => raised(base, plain(2));
export const exponential = (exponent: Expression): Expression => raised(EULER, exponent);
export const when = (left: Expression, relation: ">" | "≤", right: Expression): Expression => ({
  is: "when",
  left,
  relation,
  right,
});

/** A product; a factor that is the plain 1 is left out, one that is a product is written out. */
export function times(...given: readonly Expression[]): Expression {
  const factors = given
    .flatMap((factor) => (factor.is === "times" ? factor.factors : [factor]))
    .filter((factor) => !(factor.is === "plain" && factor.value === 1));
  if (!factors.length) return ONE;
  return factors.length === 1 ? factors[0] : { is: "times", factors };
}

const calling =
  (open: string, close: string, of: (value: number) => number) =>
  (inner: Expression): Expression => ({ is: "call", open, close, inner, of });

export const log = calling("log(", ")", Math.log);
export const tanh = calling("tanh(", ")", Math.tanh);
export const absolute = calling("|", "|", Math.abs);
export const positivePart = calling("max(0, ", ")", (value) => (Number.isNaN(value) ? value : Math.max(0, value)));
export const root = calling("√(", ")", Math.sqrt);
/** sign(0) = 0: that of losses and penalties. */
export const signum = calling("sign(", ")", Math.sign);
/** sign(0) = +1: the activation. */
export const signOf = calling("sign(", ")", (value) => (value >= 0 ? 1 : -1));
export const call = calling;

/** The number that a tree stands for. */
export function workedOut(tree: Expression): number {
  switch (tree.is) {
    case "leaf":
    case "plain":
      return tree.value;
    case "sum":
      return tree.terms.reduce((total, term) => total + workedOut(term), 0);
    case "less":
      return workedOut(tree.from) - workedOut(tree.what);
    case "times":
      return tree.factors.reduce((product, factor) => product * workedOut(factor), 1);
    case "over":
      return workedOut(tree.top) / workedOut(tree.bottom);
    case "raised":
      return tree.base === EULER
        ? Math.exp(workedOut(tree.exponent))
        : workedOut(tree.base) ** workedOut(tree.exponent);
    case "negative":
      return -workedOut(tree.inner);
    case "call":
      return tree.of(workedOut(tree.inner));
    case "when": {
      const [left, right] = [workedOut(tree.left), workedOut(tree.right)];
      return Number(tree.relation === ">" ? left > right : left <= right);
    }
  }
}

/** How tightly a tree holds together when it is written: a looser one inside needs brackets. */
export function binding(tree: Expression): number {
  switch (tree.is) {
    case "sum":
    case "less":
    case "negative":
      return 1;
    case "times":
      return 2;
    case "raised":
      return 3;
    default:
      return 4;
  }
}
