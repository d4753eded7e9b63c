/** Code that is fetched when it is first shown; the service worker keeps it from the beginning. */
import { signal, type Signal } from "@preact/signals";

export interface Later<T> {
  /** Null until the code is here. */
  here: Signal<T | null>;
  /** It could not be fetched: neither kept nor a network. */
  isMissing: Signal<boolean>;
  load: () => void;
}

export function later<T>(fetchCode: () => Promise<T>): Later<T> {
  const here = signal<T | null>(null);
  const isMissing = signal(false);
  const load = () => {
    if (here.peek()) return;
    isMissing.value = false;
    fetchCode().then((found) => { here.value = found; }, () => { isMissing.value = true; });
  };
  return { here, isMissing, load };
}
