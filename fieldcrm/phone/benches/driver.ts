/**
 * Lets phones work, settle and agree; called by stage.py: `bun driver.ts JOB.json [--at-once N] [--within S] [--stop S]
 * [--still S] [--watch]`, JOB a list of groups. Prints one JSON line for each group once its phones have all settled, and
 * last which groups were not begun within so many seconds, and which were left unfinished by `--stop S` or since a file
 * JOB.json.stop came to be. A phone of which nothing moves for `--still S` is given up. With `--watch` it says every few
 * seconds on stderr what each phone that is not done yet is about.
 */
import "../test/setup";
import { existsSync, readFileSync } from "node:fs";
import { differences } from "./agree";
import { Office } from "./office";
import { workDays } from "./days";
import { Phone, realDayMs, realNow, setClock, until } from "./phone";
import { Standstill, unlessStill } from "./still";
import type { Group } from "./told";
import { settle, work } from "./work";

/** The hours at which the office of the long run writes. */
const WRITES_AT = [7, 10, 13, 16];
/** Nights of the long run, and its days without network, are no standstill. */
const STILL_DAYS = 5;
const AGREED_WITHIN = 8;
const WATCHED_EVERY_MS = 5000;
const STOPPED_EVERY_MS = 200;

/** Whatever an app that is gone still tries may fail: it is gone. Engines report their own failures. */
process.on("unhandledRejection", () => undefined);

const job = process.argv[2]!;
const waiting = JSON.parse(readFileSync(job, "utf8")) as Group[];
const working = new Set<Phone>();
const stillMs = option("--still", 600) * 1000;
if (process.argv.includes("--watch")) setInterval(() => working.forEach((p) => console.error(p.standing())), WATCHED_EVERY_MS);
const begunUntil = performance.now() + option("--within", 1e6) * 1000;
const next = () => (performance.now() < begunUntil ? waiting.shift() : undefined);
const underWay = new Set<number>();
const ended = Promise.all(Array.from({ length: option("--at-once", 8) }, async () => {
  for (let group = next(); group; group = next()) {
    underWay.add(group.number);
    await play(group);
    underWay.delete(group.number);
  }
}));
await Promise.race([ended, Bun.sleep(option("--stop", 1e6) * 1000), stopped()]);
await write(JSON.stringify({ not_begun: waiting.map((g) => g.number), unfinished: [...underWay] }) + "\n");
process.exit(0);

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

async function stopped(): Promise<void> {
  while (!existsSync(`${job}.stop`)) await Bun.sleep(STOPPED_EVERY_MS);
}

async function play(group: Group): Promise<void> {
  const began_ms = realNow();
  const phones = group.phones.map((told) => new Phone(told));
  if (group.clock) setClock(group.clock);
  const office = new Office(group.office, stillMs, group.clock ? (turn) => until(writesAt(group, turn)) : undefined);
  for (const p of phones) working.add(p);
  const desk = office.work().then(() => [], (error: unknown) => [String(error)]);
  await Promise.all(phones.map((p) => p.inside(() => day(p))));
  const troubles = await desk;
  const told = [];
  for (const p of phones) told.push(await p.inside(() => report(p)));
  await write(JSON.stringify({ number: group.number, phones: told, office: { ...office.words, troubles }, began_ms, ended_ms: realNow() }) + "\n");
}

function write(line: string): Promise<void> {
  return new Promise((written) => process.stdout.write(line, () => written()));
}

function writesAt(group: Group, turn: number): number {
  const day = group.office.days![Math.floor(turn / WRITES_AT.length)]!;
  return day.begins_ms + WRITES_AT[turn % WRITES_AT.length]! * 3_600_000;
}

async function day(p: Phone): Promise<void> {
  try {
    await p.begin();
    await goingOn(p, () => (p.told.days ? workDays(p) : work(p)));
  } catch (error) {
    p.troubles.push(`the day broke off: ${wordsOf(error)}`);
  }
  if (!p.isGivenUp) await goingOn(p, () => rest(p)).catch((error) => p.troubles.push(`does not settle: ${wordsOf(error)}`));
}

async function rest(p: Phone): Promise<void> {
  p.stage = "calm";
  await p.calm();
  p.stage = "settle";
  await settle(p);
}

function goingOn<T>(p: Phone, work: () => Promise<T>): Promise<T> {
  return unlessStill(p, Math.max(stillMs, STILL_DAYS * realDayMs()), work);
}

function wordsOf(error: unknown): string {
  if (error instanceof Standstill) return error.message;
  return String((error as Error).stack ?? error).slice(0, 600);
}

/** What a phone knows in the end. */
async function report(p: Phone): Promise<Record<string, unknown>> {
  const diverged = p.isGivenUp ? ["given up before it could be compared"] : await goingOn(p, () => compared(p)).catch((error) => [wordsOf(error)]);
  await p.lookThrough();
  const entries = await p.db.outbox.orderBy("seq").toArray();
  const files = await p.db.files.toArray();
  working.delete(p);
  return {
    number: p.told.number, device_id: await p.db.get("device_id"), journal: [...p.journal.values()],
    answers: entries.map(({ id, status, code, params, conflicts }) => ({ id, status, code, params, conflicts })),
    files: files.map(({ sha256, size, state, code, entry_id }) => ({ sha256, size, state, code, entry_id })),
    photos: [...p.photos], troubles: p.troubles, faults: p.faults, diverged, trace: p.trace,
  };
}

/** Rows that a phone holds otherwise than the server; it may look several times: something may just have changed there. */
async function compared(p: Phone): Promise<string[]> {
  let found: string[] = [];
  for (let looks = 0; looks < AGREED_WITHIN && !p.isGivenUp; await Bun.sleep(120)) {
    p.stage = `report ${looks}`;
    await p.syncOnce();
    if (p.progress.problem) continue;
    looks++;
    found = await differences(p).catch((error: Error) => [error.message]);
    if (found.length === 0) break;
  }
  return found;
}
