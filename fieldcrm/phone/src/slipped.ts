/** What has slipped: missed visits that nothing has made up for, promises past their day. Pure. */
import type { Client, Visit } from "./docs";

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
