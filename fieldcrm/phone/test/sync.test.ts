/** The engine against a real HTTP server that loses, cuts and refuses on order. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { act, attachmentsOf, checkIn, closeVisit, keepPhoto } from "../src/actions";
import { PhoneDb } from "../src/db";
import type { Draft, Visit } from "../src/docs";
import { newId } from "../src/ids";
import { overlayShifts, overlayVisits } from "../src/overlay";
import { PUSH_BYTES, Sync, type Progress } from "../src/sync";
import type { VisitDoc } from "../src/wire.gen";
import { Peer, type Fault } from "./peer";

let peer: Peer;
let db: PhoneDb;
let sync: Sync;
let progress: Progress;
let name = 0;

beforeEach(async () => {
  peer = new Peer();
  peer.putVisit(visit("v1"));
  db = new PhoneDb(`test-${++name}`);
  await db.put("device_id", newId());
  await startSync(await peer.start());
});
afterEach(() => peer.stop());

async function startSync(origin: string): Promise<void> {
  sync = new Sync(db, origin, {
    fetch, deviceNow: Date.now, appVersion: "test", deviceName: async () => "test", changed: () => {},
    progress: (p) => { progress = p; },
  });
}

function visit(id: string): VisitDoc {
  return {
    id, rep_id: "r", team_id: "t", client_id: "c1", place_id: null, lat: 60.17, lng: 24.94, state: "planned",
    day: "2026-11-19", position: 1, planned_at_ms: null, planned_minutes: 15, expected_at_ms: null, pause_min: 0, travel_s: null,
    travel_m: null, travel_mode: null, is_locked: false, is_unplanned: false, priority: 1, objective: null,
    plan_reason: null, checked_in_at_ms: null, closed_at_ms: null, check_in: null, check_out: null, result: null,
    comment: null, details: {}, reason: null, moved_to_id: null, promise_id: null, verdict: "unjudged",
    verdict_reasons: [], conflicts: [], attachments: [], updated_at_ms: 0, version: 1,
  };
}

const draft = (id: string): Draft => ({
  visit_id: id, result: "met", comment: "talked", details: { products: [], samples: {}, stock: {} },
  next_text: "", next_on: null, saved_at_ms: 0,
});
const here = () => ({ lat: 60.17, lng: 24.94, accuracy_m: 8, fix_at_ms: Date.now(), is_mock: null, source: "gps" });
const photo = (size: number) => crypto.getRandomValues(new Uint8Array(Math.min(size, 65536))).buffer;
const bigPhoto = (size: number) => new Uint8Array(size).map((_, i) => (i * 31) % 251).buffer as ArrayBuffer;

async function visitWithPhoto(size = 4000): Promise<string> {
  const v = (await db.visits.get("v1")) ?? (visit("v1") as Visit);
  await checkIn(db, v, "Client", here(), null, "");
  const hash = await keepPhoto(db, "v1", size > 65536 ? bigPhoto(size) : photo(size), "image/jpeg", here());
  await closeVisit(db, v, "Client", draft("v1"), here(), null);
  return hash;
}

/** Run until nothing waits, as the app's triggers would. */
async function settle(times = 40): Promise<void> {
  for (let i = 0; i < times; i++) {
    await sync.run();
    const open = await db.outbox.where("status").anyOf("ready", "sent").count();
    const files = await db.files.where("state").equals("waiting").count();
    if (!open && !files && progress.problem === null) return;
  }
  throw new Error(`did not settle: ${progress.problem}`);
}

async function expectOneVisitWithPhoto(hash: string): Promise<void> {
  expect(peer.applied.map((m) => m.kind)).toEqual(["visit.check_in", "visit.close"]);
  expect(peer.visits.get("v1")!.state).toBe("closed");
  expect(peer.visits.get("v1")!.attachments.map((a) => a.sha256)).toEqual([hash]);
  expect([...peer.whole.keys()]).toEqual([hash]);
  const mine = await db.visits.get("v1");
  expect(mine!.state).toBe("closed");
  expect(mine!.attachments[0]!.is_stored).toBe(true);
  expect((await db.files.get(hash))!.state).toBe("stored");
}

describe("a visit made offline", () => {
  test("arrives once, with its photo", async () => {
    await sync.run();
    const hash = await visitWithPhoto();
    await settle();
    await expectOneVisitWithPhoto(hash);
  });

  test("arrives once when the answer to every request is lost once", async () => {
    const hash = await visitWithPhoto(700_000);
    peer.fault = (_, count) => (count === 1 ? "lose" : null);
    await settle();
    await expectOneVisitWithPhoto(hash);
  });

  test("arrives once when every request first fails, then is cut, then loses its answer", async () => {
    const faults: Fault[] = [503, "cut", "lose"];
    const hash = await visitWithPhoto(300_000);
    peer.fault = (_, count) => faults[count - 1] ?? null;
    await settle();
    await expectOneVisitWithPhoto(hash);
  });

  test("arrives once through 30 random streaks of faults", async () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    peer.fault = () => (random() < 0.5 ? (["cut", "lose", 500] as const)[Math.floor(random() * 3)]! : null);
    const hash = await visitWithPhoto(600_000);
    await settle(400);
    await expectOneVisitWithPhoto(hash);
  });

  test("twenty replays leave one visit", async () => {
    const hash = await visitWithPhoto();
    await settle();
    for (let i = 0; i < 20; i++) {
      await db.outbox.toCollection().modify({ status: "sent", settled: 0 });
      await settle();
    }
    await expectOneVisitWithPhoto(hash);
  });

  test("nothing is sent while the server is away, and nothing is lost", async () => {
    peer.stop();
    const hash = await visitWithPhoto();
    await sync.run();
    expect(progress.problem).toBe("offline");
    expect(await db.outbox.count()).toBe(2);
    const other = peer;
    peer = new Peer();
    peer.visits = other.visits;
    await startSync(await peer.start());
    await settle();
    await expectOneVisitWithPhoto(hash);
  });
});

describe("files", () => {
  test("go on from where they were cut", async () => {
    const hash = await visitWithPhoto(1_000_000);
    peer.fault = (request, count) => (request.startsWith("PUT") && count === 3 ? "lose" : null);
    await settle();
    await expectOneVisitWithPhoto(hash);
    expect(peer.files.get(hash)).toHaveLength(4); // no piece was stored twice
  });

  test("never go before the server took in the action that names them", async () => {
    peer.refuse.set("visit.check_in", "position_needed");
    peer.refuse.set("visit.close", "illegal_move");
    await visitWithPhoto();
    await sync.run();
    expect(peer.requests.some((r) => r.startsWith("PUT"))).toBe(false);
    expect((await db.files.toArray())[0]!.state).toBe("waiting");
  });
});

describe("the queue", () => {
  test("moves on past a refused action, which keeps its reason", async () => {
    peer.refuse.set("visit.check_in", "position_needed");
    await db.visits.put(visit("v1"));
    await checkIn(db, visit("v1"), "Client", null, null, "");
    await act(db, "client.note", { id: "c1", version: 1, title: "Client" }, { note: "after" });
    await settle();
    const entries = await db.outbox.orderBy("seq").toArray();
    expect(entries.map((e) => [e.status, e.code])).toEqual([["refused", "position_needed"], ["applied", null]]);
  });

  test("sends more than one page in order", async () => {
    for (let i = 0; i < 450; i++)
      await act(db, "client.note", { id: "c1", version: 1, title: "C" }, { note: String(i) });
    await settle();
    expect(peer.applied.map((m) => (m.payload as { note: string }).note)).toEqual(
      Array.from({ length: 450 }, (_, i) => String(i)),
    );
  });

  test("gives a restored server what it lost", async () => {
    await visitWithPhoto();
    await settle();
    const restored = new Peer();
    restored.putVisit(visit("v1"));
    peer.stop();
    peer = restored;
    await startSync(await peer.start());
    await act(db, "client.note", { id: "c1", version: 1, title: "Client" }, { note: "new" });
    await settle();
    expect(peer.applied.map((m) => m.kind)).toEqual(["visit.check_in", "visit.close", "client.note"]);
  });

  test("waits, whole, when the sign-in has ended, and goes out after it", async () => {
    peer.signedIn = false;
    const hash = await visitWithPhoto();
    await sync.run();
    expect(progress.problem).toBe("signed_out");
    peer.signedIn = true;
    await settle();
    await expectOneVisitWithPhoto(hash);
  });
});

describe("pull", () => {
  test("brings changes page by page and deletes what is gone", async () => {
    for (let i = 2; i < 12; i++) peer.putVisit(visit(`v${i}`));
    await sync.run();
    expect(await db.visits.count()).toBe(11);
    peer.pageLimit = 3;
    for (let i = 2; i < 12; i++) peer.putVisit({ ...visit(`v${i}`), comment: "new" });
    peer.visits.delete("v1");
    peer.touch("visit", "v1");
    peer.fault = (request, count) => (request.endsWith("/pull") && count === 3 ? "lose" : null);
    await settle();
    expect(await db.visits.count()).toBe(10);
    expect((await db.visits.toArray()).every((v) => v.comment === "new")).toBe(true);
  });

  test("a cleared field stays cleared", async () => {
    peer.putVisit({ ...visit("v1"), objective: "old" });
    await sync.run();
    peer.putVisit({ ...visit("v1"), objective: null });
    await sync.run();
    expect((await db.visits.get("v1"))!.objective).toBeNull();
  });

  test("unsent work stays on top of what comes in", async () => {
    await sync.run();
    await checkIn(db, (await db.visits.get("v1"))!, "Client", here(), null, "");
    peer.putVisit({ ...visit("v1"), objective: "changed at the office", version: 2 });
    peer.fault = (request) => (request.endsWith("/push") ? "cut" : null);
    await sync.run();
    expect(progress.problem).toBe("offline");
    const shown = overlayVisits(await db.visits.toArray(), await db.outbox.toArray()).get("v1")!;
    expect([shown.state, shown.unsent]).toEqual(["under_way", true]);
    peer.fault = () => null;
    await settle();
    const after = overlayVisits(await db.visits.toArray(), await db.outbox.toArray()).get("v1")!;
    expect([after.state, after.objective, after.unsent]).toEqual(["under_way", "changed at the office", undefined]);
  });

  test("measures how far the phone's clock is off", async () => {
    peer.clockAheadMs = 2_400_000;
    await sync.run();
    expect(Math.abs((await db.get<number>("offset_ms"))! - 2_400_000)).toBeLessThan(1000);
    const entry = await act(db, "client.note", { id: "c", version: 1, title: "C" }, { note: "x" });
    expect(Math.abs(entry.device_at_ms + entry.offset_ms - peer.now())).toBeLessThan(1000);
  });
});

describe("overlay", () => {
  test("a shift started, paused and ended offline", async () => {
    const subject = { id: "s1", version: null, title: "" };
    await act(db, "shift.start", subject, {});
    await act(db, "shift.pause", subject, { kind: "lunch" });
    await act(db, "shift.resume", subject, {});
    const [open] = overlayShifts([], await db.outbox.toArray());
    expect([open!.ended_at_ms, open!.pauses.length, open!.pauses[0]!.to_ms !== null]).toEqual([null, 1, true]);
    await act(db, "shift.end", subject, {});
    expect(overlayShifts([], await db.outbox.toArray())[0]!.ended_at_ms).not.toBeNull();
  });

  test("a visit moved offline shows on its new day", async () => {
    await db.visits.put(visit("v1"));
    await act(db, "visit.move", { id: "v1", version: 1, title: "" }, { day: "2026-11-20", reason: "away", new_visit_id: "v9" });
    const shown = overlayVisits(await db.visits.toArray(), await db.outbox.toArray());
    expect(shown.get("v1")!.state).toBe("moved");
    expect([shown.get("v9")!.day, shown.get("v9")!.state]).toEqual(["2026-11-20", "planned"]);
  });

  test("a refused action no longer shows", async () => {
    await db.visits.put(visit("v1"));
    peer.refuse.set("visit.cancel", "reason_needed");
    await act(db, "visit.cancel", { id: "v1", version: 1, title: "" }, { reason: "" });
    expect(overlayVisits(await db.visits.toArray(), await db.outbox.toArray()).get("v1")!.state).toBe("cancelled");
    await settle();
    expect(overlayVisits(await db.visits.toArray(), await db.outbox.toArray()).get("v1")!.state).toBe("planned");
  });
});

/** Answers instead of the server where `wanted` says so: `method path` of the request. */
function stranger(wanted: (request: string) => boolean, answer: () => Response): void {
  const real = sync.ports.fetch;
  sync.ports.fetch = ((url: string, init: RequestInit) =>
    wanted(`${init.method} ${new URL(url).pathname}`) ? Promise.resolve(answer()) : real(url, init)) as typeof fetch;
}
const portal = () => new Response("<html>Welcome to our WiFi</html>", { headers: { "Content-Type": "text/html" } });

test("lesson 9: a file whose last byte came just before the server died is not safe yet", async () => {
  const hash = await visitWithPhoto(4000);
  peer.files.set(hash, [new Uint8Array((await db.blobs.get(hash))!.bytes)]); // whole in length, never given its name
  await settle();
  expect(peer.whole.get(hash)?.length).toBe(4000);
  await expectOneVisitWithPhoto(hash);
});

test("what waits goes out when the network comes back while a vain attempt still ends", async () => {
  let isBack = false;
  let breakOff: ((error: Error) => void) | null = null;
  const origin = sync.origin;
  const flaky = (...told: Parameters<typeof fetch>): Promise<Response> =>
    isBack ? fetch(...told) : new Promise((_, fail) => { breakOff = fail; });
  sync = new Sync(db, origin, {
    fetch: flaky as typeof fetch, deviceNow: Date.now, appVersion: "test", deviceName: async () => "test",
    changed: () => {}, progress: (p) => { progress = p; },
  });
  await checkIn(db, visit("v1") as Visit, "Client", here(), null, "");
  const vain = sync.run();
  while (!breakOff) await new Promise((go) => setTimeout(go, 1));
  isBack = true;
  void sync.run();
  (breakOff as (error: Error) => void)(new TypeError("network changed"));
  await vain;
  expect(await db.outbox.where("status").anyOf("ready", "sent").count()).toBe(0);
  expect(progress.problem).toBe(null);
});

describe("lesson 9: an OK from somebody else is no acknowledgement", () => {
  test.each(["HEAD", "PUT", "POST", "GET"])("a sign-in page that answers every %s", async (method) => {
    const hash = await visitWithPhoto();
    stranger((request) => request.startsWith(method), portal);
    await sync.run();
    expect(progress.problem).toBe("offline");
    expect((await db.files.get(hash))!.state).toBe("waiting");
    sync.ports.fetch = fetch;
    await settle();
    await expectOneVisitWithPhoto(hash);
  });

  test("JSON that is not of the protocol is not taken for an answer", async () => {
    await visitWithPhoto();
    stranger((request) => request.endsWith("/push"), () => Response.json({ status: "ok" }));
    await sync.run();
    expect(progress.problem).toBe("offline");
    expect(await db.outbox.where("status").equals("applied").count()).toBe(0);
  });
});

describe("lesson 8: the queue never sticks", () => {
  test("a file the server would not have now waits, and holds up no other", async () => {
    const first = await visitWithPhoto();
    const second = await keepPhoto(db, "v1", photo(5000), "image/jpeg", here());
    await act(db, "visit.revise", { id: "v1", version: 3, title: "Client" }, { attachments: await attachmentsOf(db, [second]) }, [second]);
    const [held] = [first, second].sort(); // files are sent in the order of their hashes
    stranger((request) => request === `PUT /api/v1/attachments/${held}`, () => Response.json({ code: "too_many_uploads" }, { status: 413 }));
    await sync.run();
    expect(progress.problem).toBe("server");
    const states = Object.fromEntries((await db.files.toArray()).map((f) => [f.sha256, f.state]));
    expect(states).toEqual({ [held!]: "waiting", [held === first ? second : first]: "stored" });
    sync.ports.fetch = fetch;
    await settle();
    expect([...peer.whole.keys()].sort()).toEqual([first, second].sort());
  });

  test("long texts go in several pushes, none larger than a poor network carries", async () => {
    const sizes: number[] = [];
    sync.ports.fetch = ((url: string, init: RequestInit) => {
      if (url.endsWith("/push")) sizes.push(String(init.body).length);
      return fetch(url, init);
    }) as typeof fetch;
    for (let i = 0; i < 60; i++) await act(db, "client.note", { id: "c1", version: 1, title: "C" }, { note: `${i} ${"ж".repeat(30_000)}` });
    await settle();
    expect(peer.applied).toHaveLength(60);
    expect(Math.max(...sizes)).toBeLessThan(PUSH_BYTES + 10_000);
  });

  test("a network that breaks every long upload gets shorter pieces until they pass", async () => {
    const hash = await visitWithPhoto(400_000);
    sync.ports.fetch = ((url: string, init: RequestInit) =>
      init.method === "PUT" && (init.body as ArrayBuffer).byteLength > 40_000 ? Promise.reject(new TypeError("timed out")) : fetch(url, init)) as typeof fetch;
    await settle();
    await expectOneVisitWithPhoto(hash);
  });
});

test("lesson 7: each push tells the phone's clock, so that the server sees one that was turned", async () => {
  let told = 0;
  sync.ports.deviceNow = () => 1_790_000_000_000;
  sync.ports.fetch = ((url: string, init: RequestInit) => {
    if (url.endsWith("/push")) told = (JSON.parse(String(init.body)) as { device_now_ms: number }).device_now_ms;
    return fetch(url, init);
  }) as typeof fetch;
  await visitWithPhoto();
  await sync.run();
  expect(told).toBe(1_790_000_000_000);
});

test("lesson 14: an action is frozen at its first send; what is edited after an interrupted one goes as a revision", async () => {
  const bodies: { kind: string }[][] = [];
  const read = (url: string, init: RequestInit) => url.endsWith("/push") && bodies.push(JSON.parse(String(init.body)).mutations);
  sync.ports.fetch = ((url: string, init: RequestInit) => (read(url, init), fetch(url, init))) as typeof fetch;
  peer.fault = (request, count) => (request.endsWith("/push") && count < 3 ? "lose" : null);
  await visitWithPhoto();
  await sync.run();
  await act(db, "visit.revise", { id: "v1", version: 1, title: "Client" }, { comment: "better words" });
  await settle();
  const [first, ...again] = bodies;
  expect(again).toHaveLength(2);
  for (const body of again) expect([body.slice(0, 2), body.slice(2).map((m) => m.kind)]).toEqual([first!, ["visit.revise"]]);
  expect(peer.applied.map((m) => m.kind)).toEqual(["visit.check_in", "visit.close", "visit.revise"]);
});
