/** The fields of an option of the library, each a number or one of some words. */
import type { Named } from "../../protocol";
import { Choice, NumberField } from "../../parts/fields";

/** Words that a field can be. */
const WORDS: Readonly<Record<string, readonly string[]>> = { per: ["step", "epoch"] };

interface Props {
  readonly record: Named;
  readonly onChoose: (record: Named) => void;
}

export function OptionFields({ record, onChoose }: Props) {
  return (
    <>
      {Object.entries(record).map(([field, value]) => {
        const label = field.replaceAll("_", " ");
        if (field === "name") return null;
        if (typeof value === "number")
          return (
            <NumberField
              key={`${record.name}.${field}`}
              label={label}
              value={value}
              onChoose={(number) => onChoose({ ...record, [field]: number })}
            />
          );
        return (
          <Choice
            key={`${record.name}.${field}`}
            label={label}
            value={String(value)}
            options={(WORDS[field] ?? []).map((word) => [word, word])}
            onChoose={(word) => onChoose({ ...record, [field]: word })}
          />
        );
      })}
    </>
  );
}
