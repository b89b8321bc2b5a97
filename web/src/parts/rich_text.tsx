/**
 * Text of lessons: `$…$` is a formula with `_` and `^` for what stands lower and higher, `*…*` is
 * what can be pressed or must be seen. Everything else is text; there is no way to HTML.
 */
import type { ComponentChild } from "preact";

/** "δ_k" and "V_{kl}" as letters with their indices. */
function formula(text: string): ComponentChild[] {
  const pieces = text.split(/([_^](?:\{[^{}]*\}|.))/u);
  return pieces.map((piece, index) => {
    if (index % 2 === 0) return piece;
    const inside = piece.slice(1).replace(/^\{(.*)\}$/u, "$1");
    return piece[0] === "_" ? <sub key={index}>{inside}</sub> : <sup key={index}>{inside}</sup>;
  });
}

export function RichText({ text }: { readonly text: string }) {
  const pieces = text.split(/(\$[^$]+\$|\*[^*]+\*)/u);
  return (
    <>
      {pieces.map((piece, index) => {
        if (index % 2 === 0) return piece;
        const inside = piece.slice(1, -1);
        return piece[0] === "$" ? (
          <span key={index} class="formula">
            {formula(inside)}
          </span>
        ) : (
          <strong key={index}>{inside}</strong>
        );
      })}
    </>
  );
}

export function Paragraphs({ texts }: { readonly texts: readonly string[] }) {
  return (
    <>
      {texts.map((text, index) => (
        <p key={index}>
          <RichText text={text} />
        </p>
      ))}
    </>
  );
}
