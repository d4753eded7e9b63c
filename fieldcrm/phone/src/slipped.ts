/** What has slipped: missed visits that nothing has made up for, promises past their day. Pure. */
import type { Client, Visit } from "./docs";

/** Missed visits, newest first, whose client has no visit made or planned since; each client once. */
export function missedVisits(visits: Iterable<Visit>): Visit[] {
  const all = [...visits];
  const made = (v: Visit) => v.state === "planned" || v.state === "under_way" || v.state === "closed";
  const open = all.filter((v) => v.state === "missed" && !all.some((o) => o.client_id === v.client_id && made(o) && o.day >= v.day));
  const newest = open.sort((a, b) => b.day.localeCompare(a.day));
  return newest.filter((v, i) => newest.findIndex((o) => o.client_id === v.client_id) === i);
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
