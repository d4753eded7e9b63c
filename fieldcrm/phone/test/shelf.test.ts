/** The shelf on a card: the last look by product, with what this phone did since. */
import { expect, test } from "bun:test";
import type { Client, Visit } from "../src/docs";
import { overlayVisits } from "../src/overlay";
import { shelfOf } from "../src/shelf";
import type { ShelfFigure, VisitDetails } from "../src/wire.gen";

const figure = (product_id: string, is_there: boolean, at_ms: number, visit_id = "of another"): ShelfFigure =>
  ({ product_id, is_there, price: null, day: "2026-11-20", at_ms, rep_name: "Boris", visit_id });
const client = (shelf?: ShelfFigure[]) => ({ id: "c1", kind: "pharmacy", shelf, workplaces: [] }) as unknown as Client;
const visit = (id: string, details: VisitDetails, closed_at_ms: number, more: Partial<Visit> = {}) =>
  ({ id, client_id: "c1", place_id: null, state: "closed", day: "2026-11-22", closed_at_ms, details, attachments: [], ...more }) as Visit;
const told = (found: ShelfFigure[]) => Object.fromEntries(found.map((f) => [f.product_id, [f.is_there, f.rep_name]]));

test("an older server tells nothing of shelves", () => expect(shelfOf(client(), [], "Anna")).toEqual([]));

test("the last look counts by product, the rep's own among them", () => {
  const known = client([figure("p1", true, 100), figure("p2", true, 300)]);
  const own = visit("v1", { stock: { p1: false, p2: false, p3: true } }, 200);
  expect(told(shelfOf(known, [own], "Anna"))).toEqual({ p1: [false, "Anna"], p2: [true, "Boris"], p3: [true, "Anna"] });
});

test("a visit that this phone closed and nobody has heard of yet counts", () => {
  const planned = visit("v1", {}, 0, { state: "under_way", closed_at_ms: null });
  const entry = { kind: "visit.close", seq: 1, subject_id: "v1", status: "ready", device_at_ms: 500, offset_ms: 10, payload: { result: "met", details: { stock: { p1: false } } } };
  const shown = overlayVisits([planned], [entry as never]);
  expect(shelfOf(client([figure("p1", true, 100)]), shown.values(), "Anna")).toEqual([
    { product_id: "p1", is_there: false, price: null, day: "2026-11-22", at_ms: 510, rep_name: "Anna", visit_id: "v1" },
  ]);
});

test("what the rep takes back of his own look is gone before the server knows", () => {
  const known = client([figure("p1", false, 200, "v1"), figure("p2", true, 100)]);
  expect(told(shelfOf(known, [visit("v1", {}, 200)], "Anna"))).toEqual({ p2: [true, "Boris"] });
});

test("the shelf is the place's, whoever was visited there; a visit not over tells nothing", () => {
  const at = visit("v1", { stock: { p1: false } }, 200, { client_id: "d1", place_id: "c1" });
  const elsewhere = visit("v2", { stock: { p2: false } }, 200, { place_id: "c2" });
  const open = visit("v3", { stock: { p3: false } }, 200, { state: "under_way" });
  expect(told(shelfOf(client([]), [at, elsewhere, open], "Anna"))).toEqual({ p1: [false, "Anna"] });
});

test("a price stands in the form's answers, whatever the form calls its shelf", () => {
  const answers = { met: "yes", none: null, on_shelf: { p1: { there: true, price: 12.5 }, p2: { there: false, price: null } } };
  const own = visit("v1", { stock: { p1: true, p2: false }, form: { form_id: "f", version: 1, answers } }, 200);
  expect(shelfOf(client(), [own], "Anna").map((f) => f.price)).toEqual([12.5, null]);
});
