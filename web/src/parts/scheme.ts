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

export interface Colors {
  readonly ink: string;
  readonly soft: string;
  readonly rule: string;
  readonly panel: string;
  readonly act: string;
  readonly below: string;
  readonly above: string;
}

export const colors = computed<Colors>(() => {
  // Which of the two it is decides what the style's properties hold.
  void dark.value;
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: read("ink"),
    soft: read("soft"),
    rule: read("rule"),
    panel: read("panel"),
    act: read("act"),
    below: read("below"),
    above: read("above"),
  };
});
