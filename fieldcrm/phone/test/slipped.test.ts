/** What has slipped and wants the rep. */
import { expect, test } from "bun:test";
import type { Client, Visit } from "../src/docs";
import { latePromises, missedVisits, slipped } from "../src/slipped";

const visit = (id: string, client_id: string, state: string, day: string) => ({ id, client_id, state, day }) as Visit;

test("a missed visit has slipped until another one is planned or made", () => {
  const all = [
    visit("a", "c1", "missed", "2026-11-18"), visit("b", "c1", "missed", "2026-11-19"),
    visit("c", "c2", "missed", "2026-11-18"), visit("d", "c2", "planned", "2026-11-25"),
    visit("e", "c3", "missed", "2026-11-19"), visit("f", "c3", "closed", "2026-11-17"),
    visit("g", "c4", "missed", "2026-11-19"), visit("h", "c4", "closed", "2026-11-20"),
  ];
  expect(missedVisits(all).map((v) => v.id)).toEqual(["b", "e"]);
});

test("promises past their day, the oldest first, without those ticked off", () => {
  const promise = (id: string, due_on: string | null, done_at_ms: number | null = null) => ({ id, text: id, due_on, done_at_ms, visit_id: null });
  const clients = [
    { id: "c1", promises: [promise("p1", "2026-11-20"), promise("p2", "2026-11-22"), promise("p3", null)] },
    { id: "c2", promises: [promise("p4", "2026-11-10"), promise("p5", "2026-11-01", 1), promise("p6", "2026-11-02")] },
  ] as unknown as Client[];
  expect(latePromises(clients, "2026-11-22", new Set(["p6"])).map((p) => p.id)).toEqual(["p4", "p1"]);
});

const MIN = 60_000;
const stop = (id: string, state: string, expected_min: number | null, more: Partial<Visit> = {}) =>
  ({ id, state, expected_at_ms: expected_min === null ? null : expected_min * MIN, planned_at_ms: null, planned_minutes: 15, travel_s: 600, pause_min: 0, checked_in_at_ms: null, ...more }) as Visit;
const minutes = (found: Map<Visit, number>) => Object.fromEntries([...found].map(([v, ms]) => [v.id, ms / MIN]));

test("a late rep's later stops slip along, as far as the plan has no gap", () => {
  const day = [stop("a", "closed", 0), stop("b", "planned", 30), stop("c", "planned", 55), stop("d", "planned", 200)];
  expect(minutes(slipped(day, 10 * MIN, true))).toEqual({ b: 30, c: 55, d: 200 });
  expect(minutes(slipped(day, 50 * MIN, true))).toEqual({ b: 60, c: 85, d: 200 });
});

test("a visit that lasts pushes on what comes after it, with the break that is still to come", () => {
  const day = [stop("a", "under_way", 0, { checked_in_at_ms: 20 * MIN }), stop("b", "planned", 30, { pause_min: 40 }), stop("c", "planned", null), stop("d", "planned", 60)];
  expect(minutes(slipped(day, 25 * MIN, true))).toEqual({ b: 85, d: 110 });
  expect(minutes(slipped(day, 50 * MIN, false))).toEqual({ b: 60, d: 85 });
});
