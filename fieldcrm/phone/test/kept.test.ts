/** What is shown before it is on disk: never called kept, and taken back when the database refuses. */
import { beforeEach, describe, expect, test } from "bun:test";
import { checkIn } from "../src/actions";
import { isStorageFull, PhoneDb } from "../src/db";
import type { Draft, Entry, Visit } from "../src/docs";
import { DraftKeeper, Early } from "../src/kept";

let db: PhoneDb;
let name = 0;
beforeEach(() => { db = new PhoneDb(`kept-${++name}`); });

const planned = { id: "v1", client_id: "c1", version: 3 } as Visit;
const pressed = { id: "", kind: "visit.check_in", subject_id: "v1" } as Entry;
const write = () => checkIn(db, planned, "Clinic", null, "no_fix", "dark stairs");
/** As the app does: null where the phone is full, everything else is thrown. */
const storing = <T>(work: () => Promise<T>): Promise<T | null> =>
  work().catch((error) => { if (isStorageFull(error)) return null; throw error; });

/** A disk that takes its time. */
const slow = <T>(work: () => Promise<T>) => () => new Promise((later) => setTimeout(later, 100)).then(work);
const nowhere = () => undefined;

/** Each time the screen was drawn: what was on its way, and whether anything was called kept. */
function watched() {
  const drawn: string[][] = [];
  const early: Early = new Early(() => drawn.push(early.entries.map((e) => e.kind)));
  return { drawn, early };
}

/** An outbox whose next number is taken: the database itself refuses the transaction. */
async function takeTheNumber(): Promise<void> {
  await write();
  await db.put("last_seq", 0);
}

describe("an action that is being stored", () => {
  test("is shown by then, and not called kept before the database has it", async () => {
    const { drawn, early } = watched();
    let keptThen: Promise<number> | null = null;
    let went = 0;
    const stored = early.during(pressed, slow(write), () => went++);
    await new Promise<void>((begun) => { const stop = early.isWriting.subscribe((is) => { if (is) queueMicrotask(() => (stop(), begun())); }); });
    expect(drawn).toEqual([["visit.check_in"]]);
    expect(went).toBe(1);
    expect(await db.outbox.count()).toBe(0);
    const unwatch = early.isWriting.subscribe((isWriting) => { if (!isWriting) keptThen = db.outbox.count(); });
    const entry = await stored;
    expect(early.isWriting.value).toBe(false);
    expect(await db.outbox.get(entry!.id)).toMatchObject({ subject_id: "v1", status: "ready" });
    unwatch();
    expect(await keptThen!).toBe(1);
    expect(drawn).toHaveLength(1); // stays on the screen until the outbox is read
  });

  test("kept within a glance is shown once, as kept", async () => {
    const { drawn, early } = watched();
    const keptThen: (typeof pressed | null)[] = [];
    let entry: Entry | null = null;
    const quick = () => Promise.resolve(entry = { ...pressed, status: "ready" });
    const unwatch = early.isWriting.subscribe((isWriting) => { if (isWriting) keptThen.push(entry); });
    await early.during(pressed, quick, nowhere);
    unwatch();
    expect(drawn).toEqual([["visit.check_in"]]);
    expect(keptThen).toEqual([]);
  });

  test("is taken back at once when the database refuses it, and nothing of it stays", async () => {
    await takeTheNumber();
    const { drawn, early } = watched();
    await expect(early.during(pressed, slow(write), nowhere)).rejects.toMatchObject({ name: "ConstraintError" });
    expect(drawn).toEqual([["visit.check_in"], []]);
    expect(early.isWriting.value).toBe(false);
    expect(await db.outbox.count()).toBe(1);
    expect(await db.get<number>("last_seq")).toBe(0);
  });

  test("is taken back when the database is gone, or has no room", async () => {
    const { drawn, early } = watched();
    await db.open();
    db.close();
    await expect(early.during(pressed, slow(write), nowhere)).rejects.toMatchObject({ name: "DatabaseClosedError" });
    const full = async () => { throw new DOMException("no room", "QuotaExceededError"); };
    expect(await early.during(pressed, slow(() => storing(full)), nowhere)).toBe(null);
    expect(drawn).toEqual([["visit.check_in"], [], ["visit.check_in"], []]);
    expect(early.isWriting.value).toBe(false);
  });

  test("an app that dies in between has kept all of it or nothing", async () => {
    const { early } = watched();
    const stored = early.during(pressed, write, nowhere).catch(() => null);
    db.close();
    const entry = await stored;
    const reopened = new PhoneDb(db.name);
    const found = await reopened.outbox.toArray();
    expect(found.map((e) => e.id)).toEqual(entry ? [entry.id] : []);
    expect((await reopened.get<number>("last_seq")) ?? 0).toBe(found.length);
    reopened.close();
  });
});

describe("a form as it is typed", () => {
  const draft = (saved_at_ms: number, comment: string): Draft => ({
    visit_id: "v1", result: null, comment, details: { products: [], samples: {}, stock: {} }, next_text: "", next_on: null, saved_at_ms,
  });

  test("is called kept from when it is on disk", async () => {
    const keeper = new DraftKeeper(db, storing);
    expect(await keeper.load("v1")).toBeUndefined();
    const writing = keeper.keep(draft(1000, "h"));
    expect(keeper.keptAt.value).toBe(0);
    await writing;
    expect(keeper.keptAt.value).toBe(1000);
    expect((await db.drafts.get("v1"))?.comment).toBe("h");
    const again = new DraftKeeper(db, storing);
    expect((await again.load("v1"))?.comment).toBe("h");
    expect(again.keptAt.value).toBe(1000);
  });

  test("is called refused when the database won't have it, until it does", async () => {
    const keeper = new DraftKeeper(db, storing);
    await keeper.keep(draft(1000, "h"));
    db.close();
    await keeper.keep(draft(2000, "he"));
    expect([keeper.keptAt.value, keeper.isRefused.value]).toEqual([1000, true]);
    await db.open();
    await keeper.keep(draft(3000, "hey"));
    expect([keeper.keptAt.value, keeper.isRefused.value]).toEqual([3000, false]);
  });
});
