/** The bench's phones: what befalls them never makes the bench wait for an app that is gone. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Phone } from "../benches/phone";
import { Standstill, Unchanged, unlessStill } from "../benches/still";
import { settle } from "../benches/work";
import { act, keepPhoto } from "../src/actions";
import { Peer } from "./peer";

let peer: Peer;
let phone: Phone;

beforeEach(async () => {
  peer = new Peer();
  const origin = await peer.start();
  phone = new Phone({
    number: 0, schedule: 0, seed: 1, origin, direct: origin, cookie: "", rep_id: "r", clock_error_ms: 0, visits: [],
    contested: [], clients: [], shared_clients: [], today: "2026-11-19", keeps_shift: false,
  });
  await phone.begin();
});
afterEach(() => peer.stop());

test("a sync ends with its app, also where its next request never goes out", async () => {
  for (const sync of [() => phone.syncOnce(), () => phone.secondTab()]) {
    const underWay = sync();
    await phone.reloadAfter(0);
    expect(await Promise.race([underWay.then(() => "ended"), Bun.sleep(20_000).then(() => "hangs")])).toBe("ended");
  }
  await phone.syncOnce();
  expect(phone.troubles).toEqual([]);
  expect(await phone.isSettled()).toBe(true);
});

test("a phone is waited for as long as anything moves", () => {
  const unchanged = new Unchanged(0);
  expect(unchanged.for("3 actions", 0)).toBe(0);
  expect(unchanged.for("3 actions", 900)).toBe(900);
  expect(unchanged.for("2 actions", 1000)).toBe(0);
  expect(unchanged.for(null, 1400)).toBe(400); // the app is being loaded
  expect(unchanged.for("2 actions", 1900)).toBe(900);
});

test("a phone that stands still is given up, and told with what waits and what it heard", async () => {
  peer.fault = (request) => (request.startsWith("POST /api/v1/sync/push") ? 503 : null);
  const sha = await keepPhoto(phone.db, "c", new Uint8Array([0xff, 0xd8, 0xff, 1]).buffer, "image/jpeg", null);
  const subject = { id: "c", version: 1, title: "bench" };
  const noted = await act(phone.db, "client.note", subject, { note: "late", base_note: null }, [sha]);
  const ended = await unlessStill(phone, 1500, () => settle(phone)).catch((error: unknown) => error);
  expect(ended).toBeInstanceOf(Standstill);
  const told = (ended as Standstill).message;
  expect(told).toContain(`${noted.seq} client.note ${noted.id} sent`);
  expect(told).toContain(`${sha} 0/4 bytes of ${noted.seq} client.note`);
  expect(told).toContain("POST /api/v1/sync/push");
  expect(told).toContain("-> 503");
  expect(phone.isGivenUp).toBe(true);
});

test("a phone that settles is not given up", async () => {
  const subject = { id: "c", version: 1, title: "bench" };
  await act(phone.db, "client.note", subject, { note: "here", base_note: null });
  await unlessStill(phone, 60_000, () => settle(phone));
  expect(await phone.isSettled()).toBe(true);
  expect(phone.isGivenUp).toBe(false);
});
