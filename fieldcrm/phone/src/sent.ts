/** How far an action is on its way to the server. Pure. */
import type { Entry } from "./docs";

/** An action whose effect the server's documents don't show yet. */
export function isOpen(entry: Entry): boolean {
  return entry.status === "ready" || entry.status === "sent" || (entry.status === "applied" && !entry.settled);
}

/** An action the server has no answer for yet. */
export function isUnsent(entry: Entry): boolean {
  return entry.status === "ready" || entry.status === "sent";
}
