/**
 * Lets phones work, settle and agree; called by stage.py: `bun driver.ts JOB.json [--at-once N] [--within S] [--stop S] [--watch]`,
 * JOB a list of groups. Prints one JSON line for each group once its phones have all settled, and last which groups
 * were not begun within so many seconds, and which `--stop S` left unfinished. With `--watch` it says every few seconds on stderr what each phone that is
 * not done yet is about.
 */
import "../test/setup";
import { readFileSync } from "node:fs";
import { differences } from "./agree";
import { Office } from "./office";
import { workDays } from "./days";
import { Phone, realNow, setClock, until } from "./phone";
import type { Group } from "./told";
import { settle, work } from "./work";

const WORKED_WITHIN_MS = 300_000;
/** The hours at which the office of the long run writes. */
const WRITES_AT = [7, 10, 13, 16];
const SETTLED_WITHIN_MS = 120_000;
const AGREED_WITHIN_MS = 60_000;
const AGREED_WITHIN = 8;
const WATCHED_EVERY_MS = 5000;
const TOLD_EVERY = 20;

/** Whatever an app that is gone still tries may fail: it is gone. Engines report their own failures. */
process.on("unhandledRejection", () => undefined);

const waiting = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Group[];
const all = waiting.length;
const working = new Set<Phone>();
let done = 0;
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
await Promise.race([ended, Bun.sleep(option("--stop", 1e6) * 1000)]);
await write(JSON.stringify({ not_begun: waiting.map((g) => g.number), unfinished: [...underWay] }) + "\n");
process.exit(0);

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

async function play(group: Group): Promise<void> {
  const began_ms = realNow();
  const phones = group.phones.map((told) => new Phone(told));
  if (group.clock) setClock(group.clock);
  const office = new Office(group.office, group.clock ? (turn) => until(writesAt(group, turn)) : undefined);
  for (const p of phones) working.add(p);
  const desk = office.work().then(() => [], (error: unknown) => [String(error)]);
  await Promise.all(phones.map((p) => p.inside(() => day(p))));
  const troubles = await desk;
  const told = [];
  for (const p of phones) told.push(await p.inside(() => report(p)));
  await write(JSON.stringify({ number: group.number, phones: told, office: { ...office.words, troubles }, began_ms, ended_ms: realNow() }) + "\n");
  if (++done % TOLD_EVERY === 0) console.error(`${done}/${all}`);
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
    await Promise.race([p.told.days ? workDays(p) : work(p), standstill(p)]);
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

/** What a phone knows in the end. It may look several times: the server may just have changed something, or be away. */
async function report(p: Phone): Promise<Record<string, unknown>> {
  p.stage = "report";
  let diverged: string[] = ["no sync in the end"];
  for (let looks = 0, end = performance.now() + AGREED_WITHIN_MS; looks < AGREED_WITHIN && performance.now() < end; await Bun.sleep(120)) {
    await p.syncOnce();
    if (p.progress.problem) continue;
    looks++;
    diverged = await differences(p).catch((error: Error) => [error.message]);
    if (diverged.length === 0) break;
  }
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
