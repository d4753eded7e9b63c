/**
 * Lets phones work, settle and agree; called by sync.py: `bun driver.ts JOB.json`, JOB a list of what each
 * phone is told. Prints one JSON line for each phone once its schedule's phones have all settled. With
 * `--watch` it says every few seconds on stderr what each phone that is not done yet is about.
 */
import "../test/setup";
import { readFileSync } from "node:fs";
import { Phone } from "./phone";
import type { Told } from "./told";
import { settle, work } from "./work";

const WORKED_WITHIN_MS = 300_000;
const SETTLED_WITHIN_MS = 90_000;
const COPIED_WITHIN_MS = 60_000;
const AGREED_WITHIN = 6;
const WATCHED_EVERY_MS = 5000;
const job = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Told[];

/** Whatever an app that is gone still tries may fail: it is gone. Engines report their own failures. */
process.on("unhandledRejection", () => undefined);

const schedules = grouped(job);
const working = new Set<Phone>();
if (process.argv.includes("--watch")) setInterval(() => working.forEach((p) => console.error(p.standing())), WATCHED_EVERY_MS);
await Promise.all([...schedules.values()].map(play));
process.exit(0);

async function play(all: Told[]): Promise<void> {
  const phones = all.map((told) => new Phone(told));
  for (const p of phones) working.add(p);
  await Promise.all(phones.map((p) => p.inside(() => day(p))));
  for (const p of phones) await p.inside(() => report(p));
}

async function day(p: Phone): Promise<void> {
  try {
    await p.begin();
    await Promise.race([work(p), standstill(p)]);
  } catch (error) {
    p.troubles.push(`the day broke off: ${String((error as Error).stack ?? error).slice(0, 600)}`);
  }
  p.stage = "calm";
  await p.calm();
  p.stage = "settle";
  if (!(await settle(p, SETTLED_WITHIN_MS))) p.troubles.push(`does not settle: ${p.progress.problem} ${await openOf(p)}`);
}

/** A day that never ends is told with what it stands at. */
async function standstill(p: Phone): Promise<never> {
  await Bun.sleep(WORKED_WITHIN_MS);
  throw new Error(`stands still: ${p.standing()}`);
}

async function openOf(p: Phone): Promise<string> {
  const open = (await p.db.outbox.toArray()).filter((e) => e.status === "ready" || e.status === "sent");
  const files = await p.db.files.where("state").equals("waiting").count();
  return `${open.length} actions from ${open[0]?.seq}, ${files} files`;
}

async function report(p: Phone): Promise<void> {
  p.stage = "report";
  let diverged: string[] = [];
  for (let i = 0; i < AGREED_WITHIN; i++) {
    await p.syncOnce();
    diverged = await differences(p).catch((error: Error) => [error.message]);
    if (diverged.length === 0) break;
    await new Promise((done) => setTimeout(done, 150)); // the server may just have changed something
  }
  await p.lookThrough();
  const entries = await p.db.outbox.orderBy("seq").toArray();
  const files = await p.db.files.toArray();
  console.log(JSON.stringify({
    number: p.told.number, schedule: p.told.schedule, device_id: await p.db.get("device_id"), journal: [...p.journal.values()],
    answers: entries.map(({ id, status, code, params, conflicts }) => ({ id, status, code, params, conflicts })),
    files: files.map(({ sha256, size, state, code, entry_id }) => ({ sha256, size, state, code, entry_id })),
    photos: [...p.photos], troubles: p.troubles, faults: p.faults, diverged, trace: p.trace,
  }));
  working.delete(p);
}

/** Rows that this phone holds otherwise than a phone that copies everything now, past the faulty network. */
async function differences(p: Phone): Promise<string[]> {
  const fresh = await wholeCopy(p.told);
  const tables = { visit: p.db.visits, client: p.db.clients, product: p.db.products, form: p.db.forms, shift: p.db.shifts, plan: p.db.plans, profile: p.db.profiles };
  const found: string[] = [];
  for (const [entity, table] of Object.entries(tables)) {
    const mine = new Map((await table.toArray()).map((row) => [row.id, row as unknown as Record<string, unknown>]));
    for (const id of new Set([...mine.keys(), ...[...fresh.keys()].filter((k) => k.startsWith(`${entity} `)).map((k) => k.split(" ")[1]!)])) {
      const fields = differing(mine.get(id), fresh.get(`${entity} ${id}`));
      if (fields.length) found.push(`${entity} ${id}: ${fields.join(", ")}`);
    }
  }
  return found;
}

async function wholeCopy(told: Told): Promise<Map<string, Record<string, unknown>>> {
  const rows = new Map<string, Record<string, unknown>>();
  const until = performance.now() + COPIED_WITHIN_MS;
  for (let cursor = "0", more = true; more; ) {
    const answer = await fetch(`${told.direct}/api/v1/sync/pull?cursor=${cursor}&limit=1000`, {
      headers: { Cookie: told.cookie }, signal: AbortSignal.timeout(COPIED_WITHIN_MS),
    }).catch(() => null);
    if (!answer?.ok) {
      if (performance.now() > until) throw new Error(`no whole copy to compare with: ${answer?.status ?? "no answer"}`);
      await new Promise((done) => setTimeout(done, 200));
      continue;
    }
    const page = (await answer.json()) as { cursor: string; more: boolean; changes: { entity: string; id: string; op: string; doc: Record<string, unknown> }[] };
    for (const c of page.changes) if (c.op === "put") rows.set(`${c.entity} ${c.id}`, { ...c.doc, id: c.id });
    ({ cursor, more } = page);
  }
  return rows;
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

function grouped(all: Told[]): Map<number, Told[]> {
  const groups = new Map<number, Told[]>();
  for (const told of all) groups.set(told.schedule, [...(groups.get(told.schedule) ?? []), told]);
  return groups;
}
