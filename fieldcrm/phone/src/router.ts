/** Where the rep is, kept in the address's hash so that "back" works and nothing asks the server. */
import { computed, signal } from "@preact/signals";
import { painted } from "./painted";

const read = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(plain);

/** A part of the address as it was meant; one that somebody cut amid a letter stays as it is. */
function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal<string[]>(read());
export const screen = computed(() => route.value[0] ?? "today");

/** How many screens lie behind this one; each entry of the history knows its own, also after a reload. */
let depth = (history.state as { depth?: number } | null)?.depth ?? 0;

/** The address as it was last heard of or set here: a tap changes it at once, and tells of it only some tasks later. */
let heard = location.hash;
const isLeft = () => location.hash !== heard;

addEventListener("hashchange", () => {
  heard = location.hash;
  const known = (history.state as { depth?: number } | null)?.depth;
  depth = known ?? depth + 1;
  if (known === undefined) history.replaceState({ depth }, "");
  route.value = read();
});

export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(...parts: string[]): void {
  location.hash = href(...parts);
}

/** Replace the present screen, so that "back" doesn't return to it. */
export function turn(...parts: string[]): void {
  readdress(parts);
  route.value = read();
}

function readdress(parts: string[]): void {
  history.replaceState({ depth }, "", href(...parts));
  heard = location.hash;
}

/** The same where the rep waits for an answer: the address, which takes long, follows once that is `given` and on the screen. */
export function turnAtOnce(given: () => Promise<unknown>, ...parts: string[]): void {
  const shown = (route.value = parts);
  const follow = () => {
    if (route.peek() === shown && !isLeft()) readdress(parts);
  };
  void given().catch(() => null).then(painted).then(follow);
}

/** How a screen is left once its work is stored: not at all when the rep has gone elsewhere meanwhile. */
export function fromHere(): (leave: () => void) => void {
  const shown = route.peek();
  return (leave) => {
    if (route.peek() === shown && !isLeft()) leave();
  };
}

/** Back to where the rep came from; Today when the app was opened here. */
export function back(): void {
  if (depth > 0) history.back();
  else turn("today");
}
