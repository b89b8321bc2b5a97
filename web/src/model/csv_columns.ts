/** Cells as columns: of numbers where all that are there are some, else of words. */
import { quoted, type Cells } from "./csv";

/** The share of words up to which a column is one of numbers with mistakes in it. */
const MOST_STRAYS = 0.1;

const MISSING = new Set([
  "",
  "?",
  "NA",
  "N/A",
  "n/a",
  "#N/A",
  "<NA>",
  "NaN",
  "nan",
  "NULL",
  "null",
]);
const FLOAT = /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/;
const STRICT = /^[-+]?(?:0|[1-9][0-9]*|0?(?=[.]))(?:[.][0-9]*)?(?:[eE][-+]?[0-9]+)?$/;
const GROUPED = /^[-+]?(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:[.][0-9]*)?|[0-9]+,[0-9]+)$/;
const INFINITE = /^([-+]?)inf(?:inity)?$/i;
const NO_NUMBER = /^[-+]?nan$/i;

/** A column: its words, null where one is missing, and its numbers where all words are some. */
export interface Column {
  readonly name: string;
  readonly words: readonly (string | null)[];
  readonly numbers: Float64Array | null;
}

function numberOf(word: string): number | null {
  if (FLOAT.test(word)) return Number(word);
  const infinite = INFINITE.exec(word);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  return NO_NUMBER.test(word) ? NaN : null;
}

function numbersOf(words: readonly (string | null)[], decimalComma: boolean): Float64Array | null {
  const numbers = new Float64Array(words.length);
  for (let row = 0; row < words.length; row += 1) {
    const word = words[row];
    const number = word === null ? NaN : numberOf(decimalComma ? word.replaceAll(",", ".") : word);
    if (number === null) return null;
    numbers[row] = number;
  }
  return numbers;
}

/** Digits alone, some with a zero before others, are codes and no quantities. */
function areCodes(words: readonly (string | null)[]): boolean {
  return (
    words.some((word) => word !== null && /^0[0-9]/.test(word)) &&
    words.every((word) => word === null || /^[0-9]*$/.test(word))
  );
}

export function columnsOf({ names, rows, decimalComma }: Cells): Column[] {
  return names.map((name, place) => {
    const words = rows.map((cells) => {
      const word = cells[place].trim();
      return MISSING.has(word) ? null : word;
    });
    let numbers = numbersOf(words, false);
    if (!numbers && decimalComma) numbers = numbersOf(words, true);
    return { name, words, numbers: numbers && areCodes(words) ? null : numbers };
  });
}

/** What keeps a column from being numbers where nearly all of its cells are some, or null. */
export function strayWords({ words, numbers }: Column): string | null {
  if (numbers) return null;
  const present = words.flatMap((word, row) => (word === null ? [] : [{ word, row }]));
  const strays = present.filter(({ word }) => !STRICT.test(word));
  const grouped = strays.filter(({ word }) => GROUPED.test(word));
  if (!strays.length || strays.length - grouped.length > MOST_STRAYS * present.length) return null;
  const told = (place: { word: string; row: number }) =>
    [quoted(place.word), `row ${place.row + 1}`] as const;
  if (strays.length === grouped.length) {
    const [word, row] = told(grouped[0]);
    const like = `such as ${word} in ${row}`;
    return `all cells are numbers, but ${grouped.length} with commas in them, ${like}`;
  }
  const [word, row] = told(strays.find(({ word: one }) => !GROUPED.test(one))!);
  const good = present.length - strays.length + grouped.length;
  return `${good} of ${present.length} cells are numbers, ${row} holds ${word}`;
}

/** Six digits at most. */
export const shown = (value: number): string => String(Number(value.toPrecision(6)));
