/** What a rep does in a day, as goals: each goes on from what the phone shows, so a reload only delays it. */
import { act, attachmentsOf, checkIn, closeVisit, createVisit, heldPhotos, keepPhoto, subjectOf } from "../src/actions";
import type { Draft, Visit } from "../src/docs";
import { newId } from "../src/ids";
import type { Position } from "../src/life";
import { answers, correct, invited, ordered, replan, together } from "./asks";
import { Chance } from "./chance";
import { Reloaded, type Phone } from "./phone";

export type Goal = (p: Phone, c: Chance, tag: string) => Promise<void>;
const WORDS = ["Обсудили дозировку", "a discutat despre preț, așteaptă", "wants the leaflet", "тихо, очередь", "ș ț ă î â"];

/** The whole day: goals in an order of their own, with everything that happens to a phone in between. */
export async function work(p: Phone): Promise<void> {
  const chance = new Chance(p.told.seed);
  p.stage = "first copy";
  await firstCopy(p);
  p.stage = "shift";
  if (p.told.keeps_shift) await reach(p, shift("start"), chance, 900);
  const goals = chance.shuffled(goalsOf(p));
  for (const [i, goal] of goals.entries()) {
    p.stage = `before ${i}`;
    await between(p, chance);
    p.stage = `goal ${i}`;
    await reach(p, goal, chance, i);
  }
  if (p.told.keeps_shift) await reach(p, shift("end"), chance, 901);
  await p.calm();
}

function goalsOf(p: Phone): Goal[] {
  const [mine, [moved, cancelled]] = [p.told.visits.slice(0, -2), p.told.visits.slice(-2)];
  return [
    ...mine.map((id) => visit(id, 1)), revised(mine[0]!), ...p.told.contested.map((id) => visit(id, 0)), move(moved!), cancel(cancelled!),
    unplanned(p.told.clients[0]!), found, promise, ...p.told.shared_clients.map(note), correct(p.told.clients[1]!),
    together(mine[0]!), together(mine[0]!), together(p.told.contested[0] ?? cancelled!), invited, invited, ordered, replan, answers, answers,
    ...(p.told.keeps_shift ? [shift("pause")] : []),
  ];
}

/** Until the goal is reached, however often the app dies on the way. */
export async function reach(p: Phone, goal: Goal, chance: Chance, number: number): Promise<void> {
  const own = new Chance(p.told.seed + number * 7919 + 1);
  if (chance.happens(0.1)) void p.reloadAfter(chance.whole(0, 25));
  for (;;) {
    try {
      await p.during(() => goal(p, own, `${p.told.number}-${number}.`));
      return;
    } catch (error) {
      if (!(error instanceof Reloaded)) throw error;
    }
  }
}

/** Syncs that nobody waits for, reloads in the middle of them, a second tab, a clock that is turned. */
export async function between(p: Phone, chance: Chance): Promise<void> {
  if (chance.happens(0.6)) {
    const done = p.syncOnce();
    if (chance.happens(0.12)) await p.reloadAfter(chance.whole(0, 160));
    else if (chance.happens(0.08)) await p.secondTab();
    else if (chance.happens(0.4)) await done;
  }
  if (chance.happens(0.06)) p.turnClock(chance.whole(-3_600_000, 3_600_000));
  await pause(chance.whole(0, 12));
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export async function firstCopy(p: Phone): Promise<void> {
  while (!p.isGivenUp && !(await p.db.get("first_copy"))) {
    await p.syncOnce();
    await pause(20);
  }
}

/** Sync until nothing waits, as the app's triggers would, however long that takes. */
export async function settle(p: Phone): Promise<void> {
  const chance = new Chance(p.told.seed + 5);
  while (!p.isGivenUp) {
    await p.syncOnce();
    if (await p.isSettled()) return;
    await pause(chance.whole(10, 90) * (p.progress.problem ? 4 : 1));
  }
}

// ── goals ──

export function has(p: Phone, kind: string, subject: string | null, tag = ""): boolean {
  return [...p.journal.values()].some(
    (n) => n.kind === kind && (subject === null || n.subject_id === subject) && (!tag || JSON.stringify(n.payload).includes(tag)),
  );
}

/** From the check-in to the closing, whatever of it is done already. */
export function visit(id: string, photos: number): Goal {
  return async (p, c, tag) => {
    for (let i = 0; i < 5; i++) {
      const v = (await p.shown()).get(id);
      if (v?.state === "planned") await arrive(p, c, v, tag);
      else if (v?.state === "under_way") await leave(p, c, v, photos, tag);
      else return;
    }
  };
}

async function arrive(p: Phone, c: Chance, v: Visit, tag: string): Promise<void> {
  if (c.happens(0.2)) await photo(p, c, v.id);
  const fix = c.happens(0.85) ? here() : null;
  p.noteEntry(await checkIn(p.db, v, "bench", fix, fix ? null : "indoors", fix ? "" : `no sky ${tag}`));
}

async function leave(p: Phone, c: Chance, v: Visit, photos: number, tag: string): Promise<void> {
  for (let n = (await heldPhotos(p.db, v.id)).length; n < photos + (c.happens(0.2) ? 1 : 0); n++) await photo(p, c, v.id);
  const draft: Draft = {
    visit_id: v.id, result: c.pick(["met", "order", "not_met"] as const), comment: `${c.pick(WORDS)} ${tag}`,
    details: { products: [], samples: {}, stock: {} } as unknown as Draft["details"], next_text: c.happens(0.3) ? `call ${tag}` : "", next_on: null, saved_at_ms: 0,
  };
  p.noteEntry(await closeVisit(p.db, v, "bench", draft, here(), null));
}

/** A good fix of just now. */
export function here(): Position {
  return { lat: 60.17, lng: 24.94, accuracy_m: 8, fix_at_ms: Date.now() - 1500, is_mock: null, source: "gps" };
}

async function photo(p: Phone, c: Chance, visitId: string): Promise<string> {
  const size = c.happens(0.8) ? c.whole(2000, 40_000) : c.whole(100_000, 600_000);
  const bytes = c.photo(size);
  const sha = await keepPhoto(p.db, visitId, bytes, "image/jpeg", here());
  p.photos.set(sha, size);
  return sha;
}

/** Closed visits are told more of: a field cleared, one changed, a picture added. */
export function revised(id: string): Goal {
  return async (p, c, tag) => {
    await visit(id, 1)(p, c, tag);
    const v = (await p.shown()).get(id);
    if (v?.state !== "closed" || has(p, "visit.revise", id)) return;
    const held = c.happens(0.5) ? [await photo(p, c, id)] : [];
    const comment = c.happens(0.4) ? null : `revised ${tag}`;
    const payload = { comment, ...(c.happens(0.5) ? { result: "order" as const } : {}), attachments: await attachmentsOf(p.db, held) };
    p.noteEntry(await act(p.db, "visit.revise", subjectOf(v, "bench"), payload, held));
  };
}

export function move(id: string): Goal {
  return async (p, _c, tag) => {
    const v = (await p.shown()).get(id);
    if (v?.state !== "planned") return;
    const payload = { day: p.dayAfter(1), reason: `away ${tag}`, new_visit_id: newId() };
    p.noteEntry(await act(p.db, "visit.move", subjectOf(v, "bench"), payload));
  };
}

export function cancel(id: string): Goal {
  return async (p, _c, tag) => {
    const v = (await p.shown()).get(id);
    if (v?.state === "planned") p.noteEntry(await act(p.db, "visit.cancel", subjectOf(v, "bench"), { reason: `closed ${tag}` }));
  };
}

export function unplanned(clientId: string): Goal {
  return async (p, c, tag) => {
    if (!has(p, "visit.create", null, tag)) {
      const client = (await p.client(clientId))!;
      await createVisit(p.db, client, null, p.today(), tag);
      await p.lookThrough();
    }
    const made = [...p.journal.values()].find((n) => n.kind === "visit.create" && JSON.stringify(n.payload).includes(tag));
    if (made) await visit(made.subject_id, 1)(p, c, tag);
  };
}

/** A client found in the field, and a visit to it before the server has heard of either. */
export async function found(p: Phone, c: Chance, tag: string): Promise<void> {
  if (!has(p, "client.create", null, tag)) {
    const subject = { id: newId(), version: null, title: "bench" };
    p.noteEntry(await act(p.db, "client.create", subject, { kind: "pharmacy", name: `Аптека ${tag}`, lat: 60.18, lng: 24.95 }));
  }
  const made = [...p.journal.values()].find((n) => n.kind === "client.create" && JSON.stringify(n.payload).includes(tag))!;
  const of = [...p.journal.values()].find((n) => n.kind === "visit.create" && (n.payload as { client_id: string }).client_id === made.subject_id);
  if (!of) {
    await act(p.db, "visit.create", { id: newId(), version: null, title: "bench", client_id: made.subject_id }, {
      client_id: made.subject_id, place_id: null, day: p.today(), objective: `first ${tag}`,
    });
    await p.lookThrough();
  }
  const planned = [...p.journal.values()].find((n) => n.kind === "visit.create" && (n.payload as { client_id: string }).client_id === made.subject_id);
  if (planned) await visit(planned.subject_id, 0)(p, c, tag);
}

/** A promise that the server made of a closing, kept. */
export async function promise(p: Phone, _c: Chance, _tag: string): Promise<void> {
  const open = (await p.db.clients.toArray()).flatMap((c) => c.promises.filter((each) => each.done_at_ms === null));
  const one = open.find((each) => !has(p, "promise.done", each.id));
  if (one) p.noteEntry(await act(p.db, "promise.done", { id: one.id, version: null, title: "bench" }, {}));
}

export function note(clientId: string): Goal {
  return async (p, c, tag) => {
    if (has(p, "client.note", clientId, tag)) return;
    const card = (await p.client(clientId))!;
    const text = c.happens(0.15) && card.note ? null : `${c.pick(WORDS)} ${tag}`;
    if (text === null && has(p, "client.note", clientId)) return;
    const subject = { id: clientId, version: card.version, title: "bench" };
    p.noteEntry(await act(p.db, "client.note", subject, { note: text, base_note: card.note }));
  };
}

/** The shift of a day; `day` tells it from those of other days. */
export function shift(what: "start" | "pause" | "end", day = ""): Goal {
  return async (p) => {
    const begun = p.remembered(`shift ${day}`, newId);
    const subject = { id: begun, version: null, title: "" };
    if (what === "pause") {
      if (!has(p, "shift.pause", begun)) p.noteEntry(await act(p.db, "shift.pause", subject, { kind: "lunch" }));
      if (!has(p, "shift.resume", begun)) p.noteEntry(await act(p.db, "shift.resume", subject, {}));
    } else if (!has(p, `shift.${what}`, begun)) p.noteEntry(await act(p.db, `shift.${what}`, subject, {}));
  };
}
