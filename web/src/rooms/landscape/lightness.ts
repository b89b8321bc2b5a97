/**
 * A scale of colours for surfaces: each step up is lighter than the one before it.
 *
 * It is laid through OKLCH, lightness rising evenly while the hue turns from blue over green to
 * yellow, so that the order is seen in grey and by every kind of sight.
 */

const LOWEST = 0.24;
const HIGHEST = 0.96;

/** 256 colours from low to high, as pixels of an ImageData. */
export const LEVELS: Uint32Array = levels();

function levels(): Uint32Array {
  const bytes = new Uint8ClampedArray(4 * 256);
  for (let level = 0; level < 256; level += 1) bytes.set([...colorAt(level / 255), 255], 4 * level);
  return new Uint32Array(bytes.buffer);
}

/** Red, green and blue, 0 … 255, of a share 0 … 1. */
export function colorAt(share: number): readonly [number, number, number] {
  const lightness = LOWEST + (HIGHEST - LOWEST) * share;
  const chroma = 0.045 + 0.16 * share * (1 - share) + 0.07 * share ** 2;
  const hue = ((278 - 172 * share ** 0.9) * Math.PI) / 180;
  return fromOklab(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
}

/** Björn Ottosson's OKLab to sRGB. */
function fromOklab(L: number, a: number, b: number): [number, number, number] {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((value) => {
    const held = Math.min(Math.max(value, 0), 1);
    return 255 * (held <= 0.0031308 ? 12.92 * held : 1.055 * held ** (1 / 2.4) - 0.055);
  }) as [number, number, number];
}
