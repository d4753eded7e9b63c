/** What the first screen reads, past Dexie and ahead of the app. */
import { afterEach, expect, test } from "bun:test";
import Dexie from "dexie";
import { PhoneDb } from "../src/db";
import { firstRows, readAhead, takeAhead } from "../src/first_rows";
import { addDays, dayOf } from "../src/i18n";
import { NAME } from "../src/idb";

const TODAY = dayOf(Date.now());

async function filled(): Promise<PhoneDb> {
  const db = new PhoneDb();
  await db.delete();
  await db.open();
  const visit = (id: string, day: string, place_id: string | null = null) => ({ id, day, client_id: `c-${id}`, place_id }) as never;
  await db.visits.bulkPut([visit("today", TODAY, "place"), visit("later", addDays(TODAY, 3)), visit("touched", addDays(TODAY, 5))]);
  await db.clients.bulkPut(["c-today", "c-later", "c-touched", "place"].map((id) => ({ id, name: id }) as never));
  await db.outbox.bulkPut([
    { id: "b", seq: 2, status: "ready", subject_id: "touched" }, { id: "a", seq: 1, status: "refused", subject_id: "later" },
  ] as never[]);
  await db.products.put({ id: "p", name: "P" } as never);
  await db.put("device_id", "d");
  return db;
}

const opened = (version?: number) => new Promise<IDBDatabase>((done) => {
  const request = Dexie.dependencies.indexedDB.open(NAME, version); // the one that the app's database is in
  request.onsuccess = () => done(request.result);
});

afterEach(async () => {
  globalThis.phoneDb = undefined;
  await new PhoneDb().delete();
});

test("the first screen's rows are today's, those with open actions, and whom they lead to", async () => {
  const db = await filled();
  const rows = await firstRows(await db.bare());
  expect([...rows.visits.keys()].sort()).toEqual(["today", "touched"]);
  expect([...rows.clients.keys()].sort()).toEqual(["c-today", "c-touched", "place"]);
  expect(rows.outbox.map((e) => e.id)).toEqual(["a", "b"]);
  expect(rows.products.map((p) => p.id)).toEqual(["p"]);
  expect(rows.stored.get("device_id")).toBe("d");
  db.close();
});

test("what the page began to open is read once and closed again", async () => {
  (await filled()).close();
  globalThis.phoneDb = opened();
  readAhead();
  expect((await takeAhead())?.visits.has("today")).toBe(true);
  expect(await takeAhead()).toBeNull();
  await expect(globalThis.phoneDb.then((db) => db!.transaction("meta"))).rejects.toThrow(); // closed: a newer app may change it
});

test("a database of another version is left to the app, and none is none", async () => {
  globalThis.phoneDb = opened(10);
  readAhead();
  expect(await takeAhead()).toBeNull();
  globalThis.phoneDb = Promise.resolve(null);
  readAhead();
  expect(await takeAhead()).toBeNull();
});
