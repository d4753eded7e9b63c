/** Whether a phone holds what the server would give it today. */
import { productNow, type Phone } from "./phone";
import type { Told } from "./told";

const DAY_MS = 86_400_000;
/** As the server copies. */
const DAYS_BEHIND = 7;
const PAGE_WITHIN_MS = 60_000;

/** Rows that this phone holds otherwise than a phone that copies everything now, past the faulty network. */
export async function differences(p: Phone): Promise<string[]> {
  const fresh = await wholeCopy(p);
  const tables = { visit: p.db.visits, client: p.db.clients, product: p.db.products, form: p.db.forms, shift: p.db.shifts, plan: p.db.plans, profile: p.db.profiles, correction: p.db.corrections, joint: p.db.joints, message: p.db.messages };
  const found: string[] = [];
  for (const [entity, table] of Object.entries(tables)) {
    const mine = new Map((await table.toArray()).map((row) => [row.id, row as unknown as Record<string, unknown>]));
    for (const id of new Set([...mine.keys(), ...[...fresh.keys()].filter((k) => k.startsWith(`${entity} `)).map((k) => k.split(" ")[1]!)])) {
      if (!fresh.has(`${entity} ${id}`) && isOver(p, entity, mine.get(id)!)) continue;
      const fields = differing(mine.get(id), fresh.get(`${entity} ${id}`));
      if (fields.length) found.push(`${entity} ${id}: ${fields.join(", ")}`);
    }
  }
  return found;
}

/** What a phone may keep of days that a first copy has no more: finished, and past. */
function isOver(p: Phone, entity: string, row: Record<string, unknown>): boolean {
  const today = p.dayAfter(0);
  const last = (...names: string[]) => Math.max(...names.map((n) => Number(row[n] ?? 0)));
  switch (entity) {
    case "plan": return String(row.day) < today;
    case "shift": return row.ended_at_ms !== null && last("ended_at_ms") < p.beginOf(today);
    case "visit": case "joint": return String(row.day) < p.dayAfter(-DAYS_BEHIND);
    case "message": return last("done_at_ms", "declined_at_ms", row.kind === "plan" ? "created_at_ms" : "done_at_ms") < productNow() - DAYS_BEHIND * DAY_MS;
    default: return false;
  }
}

/** Page by page, each asked for again until it comes. */
async function wholeCopy(p: Phone): Promise<Map<string, Record<string, unknown>>> {
  const rows = new Map<string, Record<string, unknown>>();
  for (let cursor = "0", more = true; more; ) {
    const page = await pageAt(p.told, cursor).catch(() => null);
    if (p.isGivenUp) throw new Error("no whole copy to compare with");
    if (page === null) {
      await Bun.sleep(200);
      continue;
    }
    for (const c of page.changes) if (c.op === "put") rows.set(`${c.entity} ${c.id}`, { ...c.doc, id: c.id });
    ({ cursor, more } = page);
  }
  return rows;
}

interface Page {
  cursor: string;
  more: boolean;
  changes: { entity: string; id: string; op: string; doc: Record<string, unknown> }[];
}

async function pageAt(told: Told, cursor: string): Promise<Page> {
  const answer = await fetch(`${told.direct}/api/v1/sync/pull?cursor=${cursor}&limit=1000`, {
    headers: { Cookie: told.cookie }, signal: AbortSignal.timeout(PAGE_WITHIN_MS),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as Page;
}

function differing(mine: Record<string, unknown> | undefined, theirs: Record<string, unknown> | undefined): string[] {
  if (!mine || !theirs) return [mine ? "only on the phone" : "only on the server"];
  const keys = new Set([...Object.keys(mine), ...Object.keys(theirs)]);
  return [...keys].filter((k) => sorted(mine[k]) !== sorted(theirs[k])).map((k) => `${k} ${sorted(mine[k])?.slice(0, 160)} / ${sorted(theirs[k])?.slice(0, 160)}`);
}

function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_, v: unknown) =>
    v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v);
}
