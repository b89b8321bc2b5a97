/** Whether the page is light or dark, and the colours of its style, read once for each. */
import { computed, effect, signal } from "@preact/signals";
import { settings } from "../model/bench";

const media = matchMedia("(prefers-color-scheme: dark)");
const asked = signal(media.matches);
media.addEventListener("change", (event) => (asked.value = event.matches));

const theme = computed(() => settings.value.theme);

export const dark = computed(() => (theme.value === "auto" ? asked.value : theme.value === "dark"));

// Here and not in a component: what is drawn after a change must find the new colours.
effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === "auto") delete dataset.theme;
  else dataset.theme = theme.value;
});

/** The colours of the page's style. */
const NAMES = [
  "page",
  "panel",
  "ink",
  "soft",
  "rule",
  "act",
  "below",
  "above",
  "wrong",
] as const;
export type ColorName = (typeof NAMES)[number];

/** As a canvas wants them: of the two that the style names for each, the one that holds now. */
export const colors = computed<Readonly<Record<ColorName, string>>>(() => {
  void dark.value;
  const probe = document.createElement("span");
  document.documentElement.append(probe);
  const style = getComputedStyle(probe);
  const read = (name: ColorName): [ColorName, string] => {
    probe.style.color = `var(--${name})`;
    return [name, style.color];
  };
  const found = Object.fromEntries(NAMES.map(read)) as Record<ColorName, string>;
  probe.remove();
  return found;
});
