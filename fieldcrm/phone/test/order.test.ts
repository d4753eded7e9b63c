/** The order by hand: the server's cases, and what the overlay makes of them. */
import { describe, expect, test } from "bun:test";
import type { Entry, Visit } from "../src/docs";
import { overlayVisits } from "../src/overlay";
import { placed, planned, reordered, type Begin } from "../src/order";
import cases from "../../../tests/visits/order_cases.json";

type Stop = Parameters<typeof placed>[0][number];

describe("as the server does it", () => {
  test.each(cases.map((c) => [c.name, c] as const))("%s", (_, c) => {
    const stops = c.stops as Stop[];
    const order = reordered(stops.map((s) => s.id), c.wanted);
    const found = placed(stops, order, c.begin as Begin, c.mode);
    const told = found.map((p) => [p.id, p.position, p.planned_at_ms, p.travel_s, p.travel_m, p.pause_min, p.late_ms]);
    expect(told).toEqual(c.expect as typeof told);
  });
});

const DAY = "2026-11-19";
const AT = Date.parse(`${DAY}T09:00:00Z`);

function visit(id: string, position: number, more: Partial<Visit> = {}): Visit {
  const at = AT + position * 1_800_000;
  return { id, day: DAY, state: "planned", position, planned_at_ms: at, expected_at_ms: at, planned_minutes: 15, travel_s: 300, travel_m: 400,
    pause_min: 0, is_locked: false, lat: 60.17 + position / 1000, lng: 24.94, checked_in_at_ms: null, closed_at_ms: null, ...more } as Visit;
}

function ordered(visit_ids: string[], more: Partial<Entry> = {}): Entry {
  return { id: "m", seq: 1, kind: "day.order", subject_id: "rep", device_at_ms: AT, offset_ms: 0, payload: { day: DAY, visit_ids }, status: "ready", settled: 0, dismissed: 0, ...more } as Entry;
}

const names = (visits: ReadonlyMap<string, Visit>) => planned(visits.values()).map((v) => v.id);

describe("the overlay", () => {
  const docs = [visit("a", 1), visit("b", 2), visit("c", 3)];

  test("shows the new order before the server knows of it, and lets a refused one go", () => {
    expect(names(overlayVisits(docs, [ordered(["c", "a", "b"])]))).toEqual(["c", "a", "b"]);
    expect(names(overlayVisits(docs, [ordered(["c", "a", "b"], { status: "refused" })]))).toEqual(["a", "b", "c"]);
  });

  test("goes on from the visit that was made before, whatever came meanwhile", () => {
    const made = visit("a", 1, { state: "closed", checked_in_at_ms: AT, closed_at_ms: AT + 600_000 });
    const shown = overlayVisits([made, ...docs.slice(1), visit("d", 4)], [ordered(["c", "a", "b"])]);
    expect(names(shown)).toEqual(["c", "b", "d"]);
    expect(shown.get("c")!.expected_at_ms).toBeGreaterThan(AT + 600_000);
  });
});
