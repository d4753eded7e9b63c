/** What changed in a plan. */
import { describe, expect, test } from "bun:test";
import type { PlanRow } from "../src/docs";
import { isChange, planDifference, withOwnOrder } from "../src/plan";

const row = (id: string, position: number, more: Partial<PlanRow> = {}): PlanRow => ({
  id, name: id, place: "", position, at_ms: position * 1000, state: "planned", is_locked: false, ...more,
});
const rows = (ids: string) => [...ids].map((id, i) => row(id, i + 1));

describe("plan difference", () => {
  test("nothing", () => expect(isChange(planDifference(rows("abc"), rows("abc")))).toBe(false));
  test("later times alone are no change", () =>
    expect(isChange(planDifference(rows("ab"), rows("ab").map((r) => ({ ...r, at_ms: r.at_ms! + 9e5 }))))).toBe(false));
  test("visits that have no place yet stay where they are", () => {
    const day = [...rows("ab"), row("x", 0), row("y", 0)];
    expect(isChange(planDifference(day, day.map((r) => ({ ...r, at_ms: r.at_ms! + 60_000 }))))).toBe(false);
  });
  test("one added in the middle moves nobody", () => {
    const d = planDifference(rows("abc"), rows("axbc"));
    expect([d.added.map((r) => r.id), d.moved, d.removed]).toEqual([["x"], [], []]);
  });
  test("one moved to the end", () => {
    const d = planDifference(rows("abcd"), rows("acdb"));
    expect(d.moved.map((m) => [m.after.id, m.direction])).toEqual([["b", "later"]]);
    expect(d.same.map((r) => r.id)).toEqual(["a", "c", "d"]);
  });
  test("one given to somebody else", () =>
    expect(planDifference(rows("abc"), [row("a", 1), row("c", 2)]).removed.map((r) => r.before.id)).toEqual(["b"]));
  test("what the rep closed himself is no news", () =>
    expect(isChange(planDifference(rows("ab"), [row("a", 1, { state: "closed" }), row("b", 2)]))).toBe(false));
});

describe("the rep's own order", () => {
  const news = (before: string, after: string, asked: string) =>
    isChange(planDifference(withOwnOrder(rows(before), rows(after), [...asked]), rows(after)));
  test("is no news to him, before and after the server has it", () => {
    expect(news("abc", "abc", "cab")).toBe(false);
    expect(news("abc", "cab", "cab")).toBe(false);
  });
  test("hides neither a visit that came nor another's order", () => {
    expect(news("abc", "cxab", "cab")).toBe(true);
    expect(news("cab", "bca", "cab")).toBe(true);
  });
});
