/**
 * A canvas for what moves: it is drawn once for each picture of the screen in which something of
 * what it shows has changed, without a render of the page.
 */
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ComponentProps } from "preact";
import { sized, type Size } from "./canvas";
import { dark } from "./scheme";

interface Props extends Omit<ComponentProps<"canvas">, "ref" | "size"> {
  /** Reads the signals whose change asks for another drawing. */
  readonly when: () => void;
  readonly draw: (context: CanvasRenderingContext2D, size: Size, fresh: boolean) => void;
  /** What a screen reader says; without it the canvas is part of another picture. */
  readonly label?: string;
}

export function LiveCanvas({ when, draw, label, ...rest }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const painter = useRef(draw);
  painter.current = draw;
  const asked = useRef(0);
  const fresh = useRef(true);
  const paint = () => {
    asked.current = 0;
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context) return;
    const { size, isNew } = sized(canvas, context);
    fresh.current ||= isNew;
    painter.current(context, size, fresh.current);
    fresh.current = false;
  };
  const ask = (anew: boolean) => {
    fresh.current ||= anew;
    asked.current ||= requestAnimationFrame(paint);
  };
  // After a render what is drawn may be another thing.
  useEffect(() => ask(true));
  useEffect(() => {
    const watcher = new ResizeObserver(() => ask(true));
    if (ref.current) watcher.observe(ref.current);
    const stopScheme = effect(() => {
      void dark.value;
      ask(true);
    });
    const stop = effect(() => {
      when();
      ask(false);
    });
    return () => {
      watcher.disconnect();
      stopScheme();
      stop();
      cancelAnimationFrame(asked.current);
      asked.current = 0;
    };
  }, [when]);
  const said = label ? { role: "img" as const, "aria-label": label } : { "aria-hidden": true as const };
  return <canvas ref={ref} {...said} {...rest} />;
}
