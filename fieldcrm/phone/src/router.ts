/** Where the rep is, kept in the address's hash so that "back" works and nothing asks the server. */
import { computed, signal } from "@preact/signals";

const read = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);

export const route = signal<string[]>(read());
export const screen = computed(() => route.value[0] ?? "today");

let depth = 0;

addEventListener("hashchange", () => {
  route.value = read();
});

export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(...parts: string[]): void {
  depth++;
  location.hash = href(...parts);
}

/** Replace the present screen, so that "back" doesn't return to it. */
export function turn(...parts: string[]): void {
  history.replaceState(null, "", href(...parts));
  route.value = read();
}

/** Back to where the rep came from; Today when the app was opened here. */
export function back(): void {
  if (depth > 0) {
    depth--;
    history.back();
  } else {
    turn("today");
  }
}
