/** The form's fields: a choice of words, a number, a switch. Each has its label beside it. */
import { useId, useState } from "preact/hooks";

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, title: string])[];
  readonly onChoose: (value: string) => void;
}

export function Choice({ label, value, options, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
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
  readonly low: number;
  readonly high: number;
  readonly whole?: boolean;
  readonly onChoose: (value: number) => void;
}

/** A number is taken when it is a number inside its range; else the field says what is wrong. */
export function NumberField({ label, value, low, high, whole, onChoose }: NumberProps) {
  const id = useId();
  const [problem, setProblem] = useState("");
  const take = (text: string) => {
    const number = Number(text.trim().replace(",", ".").replace("−", "-"));
    const fits = text.trim() !== "" && number >= low && number <= high;
    if (!fits || (whole && !Number.isInteger(number))) {
      const kind = whole ? "a whole number" : "a number";
      setProblem(`${label} must be ${kind} from ${low} to ${high} (got ${text || "nothing"}).`);
      return;
    }
    setProblem("");
    onChoose(number);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        value={String(value)}
        aria-invalid={problem !== ""}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={(event) => take(event.currentTarget.value)}
      />
      {problem && (
        <p class="field-problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
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
