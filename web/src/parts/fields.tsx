/** The form's fields: a choice of words, a number, stops of a slider, a switch. Each has its label. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { grouped, plain, short } from "./numbers";

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, title: string])[];
  /** Why there is nothing to choose now, in place of what is chosen; else left out. */
  readonly idle?: string | undefined;
  readonly onChoose: (value: string) => void;
}

/** A choice that is refused is not chosen: the field goes back to what is. */
export function Choice({ label, value, options, idle, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={idle === undefined ? value : ""}
        disabled={idle !== undefined}
        onChange={(event) => {
          const select = event.currentTarget;
          const chosen = select.value;
          select.value = value;
          onChoose(chosen);
        }}
      >
        {idle !== undefined && <option value="">{idle}</option>}
        {options.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    </div>
  );
}

interface NumberProps {
  readonly label: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly whole?: boolean;
  /** Where what stands beside it says what the number is. */
  readonly labelHidden?: boolean;
  /** What a sentence about it calls it, where not by its label. */
  readonly called?: string;
  /** In a narrow field a long number is rounded, until it is being changed. */
  readonly narrow?: boolean;
  readonly onChoose: (value: number) => void;
}

/** Letters that a narrow field has room for. */
const NARROW = 8;

/** A number as a narrow field shows it. */
export function rounded(value: number): string {
  const whole = plain(value);
  return whole.length <= NARROW ? whole : short(value, 4);
}

/** The number that a person wrote, with a point or a comma; null where it is none of the range. */
export function readNumber(text: string, low: number, high: number, whole = false): number | null {
  const trimmed = text.trim();
  const number = Number(trimmed.replace(",", ".").replace("−", "-"));
  const fits = trimmed !== "" && number >= low && number <= high && Number.isFinite(number);
  return fits && (!whole || Number.isInteger(number)) ? number : null;
}

/** What may be written, in words. */
export function numberIn(low: number, high: number, whole: boolean): string {
  const kind = whole ? "a whole number" : "a number";
  if (!Number.isFinite(low) || !Number.isFinite(high)) return kind;
  return `${kind} from ${grouped(low)} to ${grouped(high)}`;
}

/** A number is taken when it is a number inside its range; else the field says what is wrong. */
export function NumberField(props: NumberProps) {
  const { label, value, low = -Infinity, high = Infinity, whole = false, labelHidden, called = label, narrow } = props;
  const { onChoose } = props;
  const said = narrow ? rounded(value) : plain(value);
  const id = useId();
  const [problem, setProblem] = useState("");
  // What is being typed, so that no drawing of the page takes it away before it is chosen.
  const [typed, setTyped] = useState<string | null>(null);
  // What was refused is past once a good number stands in the field, from wherever it came.
  useEffect(() => {
    if (!problem) return;
    setProblem("");
    setTyped(null);
  }, [value]);
  const forgive = ({ value: text }: HTMLInputElement) => {
    if (readNumber(text, low, high, whole) !== null) setProblem("");
  };
  const take = (input: HTMLInputElement) => {
    const number = readNumber(input.value, low, high, whole);
    if (number === null) {
      setProblem(`${called} must be ${numberIn(low, high, whole)} (got ${input.value || "nothing"}).`);
      return;
    }
    setProblem("");
    setTyped(null);
    // What is shown is what is chosen: where the engine refuses a number, the old one stands again.
    input.value = said;
    onChoose(number);
  };
  return (
    <div class="field">
      <label for={id} class={labelHidden ? "visually-hidden" : undefined}>
        {label}
      </label>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        value={typed ?? said}
        title={said === plain(value) ? undefined : plain(value)}
        aria-invalid={problem !== ""}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onFocus={(event) => {
          const field = event.currentTarget;
          forgive(field);
          if (said === plain(value) || field.value !== said) return;
          field.value = plain(value);
          field.select();
        }}
        onBlur={(event) => {
          // A number that was refused stays to be mended.
          if (readNumber(event.currentTarget.value, low, high, whole) !== null) setTyped(null);
          if (event.currentTarget.value === plain(value)) event.currentTarget.value = said;
        }}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          forgive(event.currentTarget);
        }}
        onChange={(event) => take(event.currentTarget)}
      />
      {problem && (
        <p class="field-problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

interface StopsProps {
  readonly label: string;
  readonly value: number;
  /** Rising values that the slider stops at; the number beside it may be any other. */
  readonly stops: readonly number[];
  /** How a value is written where it is no plain number: then no number can be typed. */
  readonly write?: (value: number) => string;
  readonly low?: number;
  readonly high?: number;
  readonly whole?: boolean;
  readonly onChoose: (value: number) => void;
}

/** The stop that is nearest to a value. */
export function nearest(stops: readonly number[], value: number): number {
  let best = 0;
  stops.forEach((stop, index) => {
    if (Math.abs(stop - value) < Math.abs(stops[best] - value)) best = index;
  });
  return best;
}

export function Stops(props: StopsProps) {
  const { label, value, stops, write, low, high, whole, onChoose } = props;
  const id = useId();
  const [dragged, setDragged] = useState<number | null>(null);
  const shown = dragged ?? value;
  const said = write ? write(shown) : plain(shown);
  return (
    <div class="field stops">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={stops.length - 1}
        step={1}
        value={nearest(stops, shown)}
        aria-valuetext={said}
        onInput={(event) => setDragged(stops[event.currentTarget.valueAsNumber])}
        onChange={(event) => {
          setDragged(null);
          onChoose(stops[event.currentTarget.valueAsNumber]);
        }}
      />
      {write ? (
        <output for={id}>{said}</output>
      ) : (
        <NumberField
          label={`${label}, as a number`}
          called={label}
          labelHidden
          value={shown}
          low={low ?? stops[0]}
          high={high ?? stops[stops.length - 1]}
          whole={whole ?? false}
          onChoose={onChoose}
        />
      )}
    </div>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly value: boolean;
  readonly onChoose: (value: boolean) => void;
}

export function Switch({ label, value, onChoose }: SwitchProps) {
  const id = useId();
  return (
    <div class="field switch">
      <input
        id={id}
        type="checkbox"
        checked={value}
        onChange={(event) => onChoose(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
    </div>
  );
}

/** Choices that a newcomer does not need yet. */
export function More({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <details class="more">
      <summary>{title}</summary>
      <div>{children}</div>
    </details>
  );
}
