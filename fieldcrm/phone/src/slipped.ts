/** What has slipped: the hours of a day, missed visits that nothing has made up for, promises past their day. Pure. */
import type { Client, Visit } from "./docs";

/**
 * Visit -> when the rep gets there (epoch ms), of a day's visits in order that are still to come. None comes sooner than
 * the server expects it, than the ride from here takes, or than the one before it, the way and (`hasBreak`) the break.
 */
export function slipped(day: Visit[], now: number, hasBreak: boolean): Map<Visit, number> {
  const found = new Map<Visit, number>();
  let free = now;
  let isNext = true;
  for (const v of day) {
    const at = v.expected_at_ms ?? v.planned_at_ms;
    const minutes = v.planned_minutes * 60_000;
    if (v.state === "under_way") {
      free = Math.max(now, v.checked_in_at_ms! + minutes);
      isNext = false;
    }
    if (v.state !== "planned" || at === null) continue;
    const pause = hasBreak && !isNext ? v.pause_min * 60_000 : 0; // before the next one it may be over already
    const arrives = Math.max(at, free + pause + (v.travel_s ?? 0) * 1000);
    found.set(v, arrives);
    free = arrives + minutes;
    isNext = false;
  }
  return found;
}

/** Missed visits, newest first, whose client has no visit made or planned since; each client once. */
export function missedVisits(visits: Iterable<Visit>): Visit[] {
  const all = [...visits];
  const missed = all.filter((v) => v.state === "missed");
  if (missed.length === 0) return missed;
  const lastMade = new Map<string, string>();
  for (const v of all) if (isMade(v) && v.day > (lastMade.get(v.client_id) ?? "")) lastMade.set(v.client_id, v.day);
  const open = missed.filter((v) => (lastMade.get(v.client_id) ?? "") < v.day);
  const newest = open.sort((a, b) => b.day.localeCompare(a.day));
  return newest.filter((v, i) => newest.findIndex((o) => o.client_id === v.client_id) === i);
}

function isMade(v: Visit): boolean {
  return v.state === "planned" || v.state === "under_way" || v.state === "closed";
}

export interface Late {
  client: Client;
  id: string;
  text: string;
  due_on: string;
}

/** Promises past their day that are neither kept nor ticked off on this phone, the oldest first. */
export function latePromises(clients: Iterable<Client>, today: string, done: ReadonlySet<string>): Late[] {
  const late = [...clients].flatMap((client) => client.promises
    .filter((p) => p.due_on !== null && p.due_on < today && !p.done_at_ms && !done.has(p.id))
    .map((p) => ({ client, id: p.id, text: p.text, due_on: p.due_on! })));
  return late.sort((a, b) => a.due_on.localeCompare(b.due_on));
}
