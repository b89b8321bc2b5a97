/** A canvas that fills its place at the screen's own resolution and is drawn anew when asked. */
import { useEffect, useRef } from "preact/hooks";
import type { ComponentProps } from "preact";

export interface Size {
  readonly width: number;
  readonly height: number;
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
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    painter.current(context, { width, height });
  };
  useEffect(paint);
  useEffect(() => {
    const watcher = new ResizeObserver(paint);
    if (ref.current) watcher.observe(ref.current);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", paint);
    return () => {
      watcher.disconnect();
      scheme.removeEventListener("change", paint);
    };
  }, []);
  return <canvas ref={ref} role="img" aria-label={label} {...rest} />;
}
