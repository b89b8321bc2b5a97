/** Who hears which event of an engine. */
import type { Events } from "../protocol";

type Heard<E extends keyof Events> = (told: Events[E]) => void;

export class Listeners {
  private readonly sets: { [E in keyof Events]: Set<Heard<E>> } = {
    frame: new Set(),
    progress: new Set(),
    trouble: new Set(),
    live: new Set(),
    subject: new Set(),
    connection: new Set(),
  };

  on<E extends keyof Events>(event: E, heard: Heard<E>): () => void {
    const set: Set<Heard<E>> = this.sets[event];
    set.add(heard);
    return () => set.delete(heard);
  }

  tell<E extends keyof Events>(event: E, told: Events[E]): void {
    const set: Set<Heard<E>> = this.sets[event];
    for (const heard of set) heard(told);
  }
}
