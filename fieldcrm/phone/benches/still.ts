/**
 * When a phone is given up: not when it is slow, as its machine may be, but when nothing of it has moved for a
 * long time: no action answered, no byte of a file sent, no row pulled, nothing begun.
 */
import type { Entry, StoredFile } from "../src/docs";
import type { Phone } from "./phone";

const LOOKS = 100;
const NAMED = 6;

/** Nothing of a phone moved for so long; the message says what stood still. */
export class Standstill extends Error {}

/** What some work comes to; raises Standstill, and `p.isGivenUp`, when nothing of its phone moves for `ms` meanwhile. */
export async function unlessStill<T>(p: Phone, ms: number, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([work(), still(p, ms, over.signal)]);
  } finally {
    over.abort();
    p.talk.isClose = false;
  }
}

/** How long the same has been seen. */
export class Unchanged {
  private seen = "";

  constructor(private since: number) {}

  /** Of what is seen `at` a moment, null if it can't be looked at then: ms. */
  for(seen: string | null, at: number): number {
    if (seen !== null && seen !== this.seen) [this.seen, this.since] = [seen, at];
    return at - this.since;
  }
}

async function still(p: Phone, ms: number, over: AbortSignal): Promise<never> {
  const unchanged = new Unchanged(performance.now());
  while (!over.aborted) {
    const seen = await marks(p).catch(() => null); // the app may be gone just now
    const stood = unchanged.for(seen, performance.now());
    p.talk.isClose = stood > ms / 2;
    if (stood > ms) {
      p.isGivenUp = true;
      throw new Standstill(`nothing moved for ${Math.round(stood / 1000)} s: ${await whatStands(p)}`);
    }
    await Bun.sleep(ms / LOOKS);
  }
  return new Promise(() => undefined);
}

/** Everything that changes as a phone comes forward, as one text. */
async function marks(p: Phone): Promise<string> {
  const [entries, files] = await Promise.all([p.db.outbox.toArray(), p.db.files.toArray()]);
  const known = await Promise.all(["registered", "cursor", "first_copy"].map((name) => p.db.get(name)));
  const sent = files.reduce((bytes, f) => bytes + f.offset, 0);
  return JSON.stringify([p.stage, p.trace.length, known, counts(entries.map((e) => `${e.status} ${e.settled}`)), counts(files.map((f) => f.state)), sent]);
}

function counts(words: string[]): [string, number][] {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The phone, the actions and files that wait, what it asks and what it heard last. */
async function whatStands(p: Phone): Promise<string> {
  const [entries, files] = await Promise.all([p.db.outbox.toArray(), p.db.files.where("state").equals("waiting").toArray()]).catch(() => [[], []]);
  const open = entries.filter((e) => e.status === "ready" || e.status === "sent" || !e.settled).sort((a, b) => a.seq - b.seq);
  const of = new Map(entries.map((e) => [e.id, e]));
  return [
    p.standing(), `${open.length} actions wait: ${open.slice(0, NAMED).map(action).join(", ") || "none"}`,
    `${files.length} files wait: ${files.slice(0, NAMED).map((f) => fileOf(f, of.get(f.entry_id ?? ""))).join(", ") || "none"}`,
    `cursor ${String(await p.db.get("cursor").catch(() => "unknown"))}`, `last answers: ${p.talk.last()}`,
  ].join("\n  ");
}

const action = (e: Entry) => `${e.seq} ${e.kind} ${e.id} ${e.status}${e.code ? ` ${e.code}` : ""}`;

function fileOf(f: StoredFile, by: Entry | undefined): string {
  return `${f.sha256} ${f.offset}/${f.size} bytes of ${by ? action(by) : "no action"}`;
}
