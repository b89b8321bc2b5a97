/** Formulas on the page: with letters, or with numbers that light up what they belong to. */
import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { exact, short } from "../../parts/numbers";
import { binding, type Expression, type Leaf } from "./expression";
import { isPlain, spoken, type Name } from "../../parts/letters";
import { allDigits, change, editing, goTo, lineOf, toggled, unfolded } from "./state";

/** Terms of a sum that are written before it is folded, and those that stand before the fold. */
const MOST_TERMS = 8;
const BEFORE_FOLD = 3;

const THIN = "\u2009";

/** As the room writes numbers now. */
export function written(value: number): string {
  return allDigits.value ? exact(value) : tidy(value);
}

/** Letters of a number that is written as it is: 0.5 is exact where 0.500 may be rounded. */
const FEW = 5;

/** Few digits, and no zeros behind a number that needs none. */
export function tidy(value: number, digits = 3): string {
  const all = exact(value);
  return Number.isFinite(value) && exact(Math.abs(value)).length <= FEW ? all : short(value, digits);
}

/** A letter with its scripts, one above the other. */
export function Symbol({ name, old }: { readonly name: Name; readonly old?: boolean }) {
  const { letter, upper, lower } = name;
  return (
    <span class={old ? "step-symbol step-old" : "step-symbol"}>
      <i class={isPlain(letter) ? "" : "step-hat"}>{letter}</i>
      {(upper || lower) && (
        <span class="step-scripts">
          {upper && <sup>{upper}</sup>}
          {lower && <sub>{lower}</sub>}
        </span>
      )}
    </span>
  );
}

/** How a formula is written: large numbers in the card can be pressed, those of lines cannot. */
export interface Writing {
  readonly filled: boolean;
  readonly large: boolean;
  /** The row that it stands in. */
  readonly row: string;
  /** Digits of all numbers, where they are not as many as the room shows. */
  readonly digits?: number;
}

interface Props extends Writing {
  readonly tree: Expression;
  /** Where the tree stands in its formula. */
  readonly path?: string;
  /** Nothing stands before it: a minus needs no brackets. */
  readonly alone?: boolean;
}

export function Formula({ tree, path = "", alone = true, ...writing }: Props) {
  const inner = (part: Expression, step: string, free = false) => (
    <Formula tree={part} path={`${path}.${step}`} alone={free} {...writing} />
  );
  /** In brackets, unless it holds together by itself. */
  const tight = (part: Expression, step: string, at: number, free = false) =>
    tightness(part, writing.large) < at ? <>({inner(part, step, true)})</> : inner(part, step, free);

  switch (tree.is) {
    case "leaf":
      if (!writing.filled) return <Symbol name={tree.name} old={tree.old ?? false} />;
      return <NumberOf leaf={tree} path={path} alone={alone} {...writing} />;
    case "plain":
      if (tree.text === "e") return <i>e</i>;
      return <>{alone || tree.value >= 0 ? tree.text : `(${tree.text})`}</>;
    case "sum":
      return <Sum terms={tree.terms} path={path} writing={writing} />;
    case "less":
      return (
        <>
          {inner(tree.from, "0", alone)} − {tight(tree.what, "1", 2)}
        </>
      );
    case "times":
      return (
        <>
          {tree.factors.map((factor, index) => (
            <Fragment key={index}>
              {index > 0 && (writing.filled ? " · " : THIN)}
              {tight(factor, `${index}`, 2, alone && index === 0)}
            </Fragment>
          ))}
        </>
      );
    case "over":
      if (writing.large)
        return (
          <span class="step-fraction">
            <span>{inner(tree.top, "0", true)}</span>
            <span class="step-bar">/</span>
            <span>{inner(tree.bottom, "1", true)}</span>
          </span>
        );
      return (
        <>
          {tight(tree.top, "0", 2, alone)} / {tight(tree.bottom, "1", 3)}
        </>
      );
    case "raised":
      return (
        <>
          {isScripted(tree.base) && !writing.filled ? (
            <>({inner(tree.base, "0", true)})</>
          ) : (
            tight(tree.base, "0", 4)
          )}
          <sup>{inner(tree.exponent, "1", true)}</sup>
        </>
      );
    case "negative":
      return <>−{tight(tree.inner, "0", 2)}</>;
    case "call":
      return (
        <>
          {tree.open}
          {inner(tree.inner, "0", true)}
          {tree.close}
        </>
      );
    case "when":
      return (
        <>
          1{"{"}
          {inner(tree.left, "0", true)} {tree.relation} {inner(tree.right, "1", true)}
          {"}"}
        </>
      );
  }
}

/** A letter that has a script above it already cannot take an exponent. */
function isScripted(tree: Expression): boolean {
  return tree.is === "leaf" && (tree.name.upper !== undefined || tree.name.letter.length > 2);
}

/** A fraction in a line of text holds together less than one that is built up. */
function tightness(tree: Expression, large: boolean): number {
  return tree.is === "over" && !large ? 2 : binding(tree);
}

interface SumProps {
  readonly terms: readonly Expression[];
  readonly path: string;
  readonly writing: Writing;
}

function Sum({ terms, path, writing }: SumProps) {
  const key = `${writing.row}${path}`;
  const long = terms.length > MOST_TERMS;
  const folded = long && !unfolded.value.has(key);
  const hidden = terms.length - BEFORE_FOLD - 2;
  const toggle = () => (unfolded.value = toggled(unfolded.value, key));
  return (
    <>
      {terms.map((term, index) => {
        if (folded && index >= BEFORE_FOLD && index < terms.length - 2) {
          if (index > BEFORE_FOLD) return null;
          return (
            <Fragment key="fold">
              {" + "}
              {writing.large ? (
                <button type="button" class="step-fold" onClick={toggle}>
                  … {hidden} more terms
                </button>
              ) : (
                `… ${hidden} more`
              )}
            </Fragment>
          );
        }
        const minus = term.is === "negative";
        const part = minus ? term.inner : term;
        const loose = minus && binding(part) < 2;
        return (
          <Fragment key={index}>
            {index > 0 ? (minus ? " − " : " + ") : minus ? "−" : ""}
            {loose && "("}
            <Formula tree={part} path={`${path}.${index}`} alone={index === 0 && !minus} {...writing} />
            {loose && ")"}
          </Fragment>
        );
      })}
      {long && !folded && writing.large && (
        <button type="button" class="step-fold" onClick={toggle}>
          fold
        </button>
      )}
    </>
  );
}

interface NumberProps extends Writing {
  readonly leaf: Leaf;
  readonly path: string;
  readonly alone: boolean;
}

function NumberOf({ leaf, path, alone, large, row, digits }: NumberProps) {
  const text = digits === undefined ? written(leaf.value) : tidy(leaf.value, digits);
  const bracketed = !alone && text.startsWith("−") ? `(${text})` : text;
  const common = {
    "data-thing": leaf.thing,
    "data-place": leaf.place,
    "data-value": String(leaf.value),
    title: `${spoken(leaf.name)} = ${exact(leaf.value)}`,
  };
  const kind = leaf.old ? "step-number step-old" : "step-number";
  const key = `${row}${path}`;
  const source = leaf.edit ? undefined : lineOf(leaf.thing);
  if (!large || (!leaf.edit && !source))
    return (
      <span class={kind} {...common}>
        {bracketed}
      </span>
    );
  if (editing.value === key) return <Editor leaf={leaf} />;
  const what = leaf.edit ? ", change it" : ", where it comes from";
  return (
    <button
      type="button"
      class={leaf.edit ? `${kind} step-editable` : kind}
      aria-label={`${spoken(leaf.name)} = ${text}${what}`}
      {...common}
      onClick={() => {
        if (leaf.edit) editing.value = key;
        else if (source) goTo(source.id);
      }}
    >
      {bracketed}
    </button>
  );
}

/** Takes the place of a number while it is being changed: Enter takes it over, Escape leaves it. */
function Editor({ leaf }: { readonly leaf: Leaf }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  // A field that goes away loses the focus: what was done with it is not done again.
  const done = useRef(false);
  const leave = () => {
    done.current = true;
    editing.value = "";
  };
  const take = (text: string) => {
    if (done.current) return;
    const value = Number(text.trim().replace(",", ".").replace("−", "-"));
    if (text.trim() === "" || !Number.isFinite(value) || value === leaf.value) return leave();
    leave();
    change(leaf.thing, value);
  };
  return (
    <input
      ref={field}
      class="step-editor"
      type="text"
      inputMode="decimal"
      aria-label={`${spoken(leaf.name)}: a new number, then Enter`}
      defaultValue={String(leaf.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") take(event.currentTarget.value);
        if (event.key === "Escape") leave();
      }}
      onBlur={(event) => take(event.currentTarget.value)}
    />
  );
}
