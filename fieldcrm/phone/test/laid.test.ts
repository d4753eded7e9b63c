/** A few rows over many: seen as one table, and the day's index follows what lies over it. */
import { describe, expect, test } from "bun:test";
import { visitsOn, visitUnderWay } from "../src/diary";
import type { Visit } from "../src/docs";
import { Laid } from "../src/laid";

const visit = (id: string, day: string, state = "planned") => ({ id, day, state }) as Visit;
const below = new Map(["a", "b", "c"].map((id) => [id, visit(id, "2026-03-02")]));

describe("rows laid over others", () => {
  test("are seen instead of them, in their places, and new ones after", () => {
    const shown = new Laid(below, [["b", visit("b", "2026-03-03")], ["d", visit("d", "2026-03-02")]]);
    expect([...shown.values()].map((v) => `${v.id} ${v.day.slice(8)}`)).toEqual(["a 02", "b 03", "c 02", "d 02"]);
    expect([...shown.keys()]).toEqual([...new Map(shown).keys()]);
    expect(shown.size).toBe(4);
    expect([shown.has("d"), shown.has("e"), shown.get("b")?.day, shown.get("a")?.day]).toEqual([true, false, "2026-03-03", "2026-03-02"]);
    expect(below.size).toBe(3); // nothing below is changed
  });
});

describe("the diary", () => {
  test("has a visit on the day it was moved to, and no more where it was", () => {
    const shown = new Laid(below);
    const on = (day: string) => visitsOn(shown, day).map((v) => v.id).sort().join("");
    expect([on("2026-03-02"), on("2026-03-03")]).toEqual(["abc", ""]);
    shown.set("b", visit("b", "2026-03-03"));
    shown.set("d", visit("d", "2026-03-03"));
    expect([on("2026-03-02"), on("2026-03-03")]).toEqual(["ac", "bd"]);
  });

  test("knows the visit under way from above and from below, and that it is over", () => {
    const shown = new Laid(new Map([...below, ["w", visit("w", "2026-03-02", "under_way")]]));
    expect(visitUnderWay(shown)?.id).toBe("w");
    shown.set("w", visit("w", "2026-03-02", "closed"));
    expect(visitUnderWay(shown)).toBe(null);
    shown.set("a", visit("a", "2026-03-02", "under_way"));
    expect(visitUnderWay(shown)?.id).toBe("a");
  });
});
