/** A canvas that fills its place at the screen's own resolution and is drawn anew when asked. */
import { effect, untracked } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ComponentProps } from "preact";
import { dark } from "./scheme";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The screen's own resolution for a canvas, in units of the page; whether it had another. */
export function sized(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
): { readonly size: Size; readonly isNew: boolean } {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  const isNew = canvas.width !== across || canvas.height !== down;
  if (isNew) [canvas.width, canvas.height] = [across, down];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { size: { width, height }, isNew };
}

interface Props extends Omit<ComponentProps<"canvas">, "ref" | "size"> {
  /** Paints; called after every render of the parent and after every change of size. */
  readonly draw: (context: CanvasRenderingContext2D, size: Size) => void;
  readonly label: string;
}

export function Canvas({ draw, label, ...rest }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const painter = useRef(draw);
  painter.current = draw;
  const paint = () => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context) return;
    const { size } = sized(canvas, context);
    context.clearRect(0, 0, size.width, size.height);
    painter.current(context, size);
  };
  useEffect(paint);
  useEffect(() => {
    const watcher = new ResizeObserver(paint);
    if (ref.current) watcher.observe(ref.current);
    const stop = effect(() => {
      void dark.value;
      untracked(paint);
    });
    return () => {
      watcher.disconnect();
      stop();
    };
  }, []);
  return <canvas ref={ref} role="img" aria-label={label} {...rest} />;
}
