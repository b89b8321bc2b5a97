/** Numbers as the page writes them: three digits, a real minus, never "-0". */

const MINUS = "−";

/** Three significant digits. */
export function short(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 1e5 || size < 1e-4 ? size.toExponential(digits - 1) : trimmed(size, digits);
  return (value < 0 ? MINUS : "") + text.replace("e-", `e${MINUS}`).replace("e+", "e");
}

function trimmed(size: number, digits: number): string {
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return size.toFixed(Math.min(places, 8));
}

/** A number as a person would type it, with so many digits at most: 0.01, 1e−7, 3. */
export function plain(value: number, digits = 12): string {
  return String(Number(value.toPrecision(digits))).replaceAll("-", MINUS).replace("e+", "e");
}

/** The same with commas between thousands where it is long: 1,000,000. */
export function grouped(value: number): string {
  if (!(Math.abs(value) >= 1e4 && Math.abs(value) < 1e15)) return plain(value);
  return value.toLocaleString("en", { maximumFractionDigits: 6 }).replace("-", MINUS);
}

/** In a sum or product, a negative number stands in brackets. */
export function inside(value: number, digits = 3): string {
  const text = short(value, digits);
  return text.startsWith(MINUS) ? `(${text})` : text;
}

/** All digits that tell the number from its neighbours. */
export function exact(value: number): string {
  return String(value).replace("-", MINUS);
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** 12 as ₁₂. */
export function subscript(number: number): string {
  return [...String(number)].map((digit) => SUBSCRIPTS[Number(digit)]).join("");
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** 12 as ¹². */
export function superscript(number: number): string {
  return [...String(number)].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
}
