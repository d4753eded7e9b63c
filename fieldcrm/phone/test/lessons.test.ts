/** What reps suffered from, as far as the phone decides it alone: one test for each lesson of the field. */
import { expect, test } from "bun:test";
import { isNews, type Timed } from "../src/interval";
import { checkInFacts, fixState, tryMove } from "../src/life";

/** How many positions of one each second are kept over ten minutes at a speed. */
function kept(metresPerSecond: number): number {
  let last: Timed | null = null;
  let count = 0;
  for (let s = 0; s < 600; s++) {
    const fix = { at: s * 1000, lat: 60.17 + (s * metresPerSecond) / 111_195, lng: 24.94 };
    if (!isNews(last, fix)) continue;
    last = fix;
    count++;
  }
  return count;
}

test("lesson 3: a phone that stands tells its place six times less often than one that drives", () => {
  expect(kept(0)).toBe(20);
  expect(kept(12)).toBe(120);
  expect(kept(1.4)).toBeGreaterThan(kept(0));
  expect(kept(1.4)).toBeLessThan(kept(12));
});

const now = 1_790_000_000_000;
const position = (age_s: number, accuracy_m = 10) => ({ lat: 60.17, lng: 24.94, accuracy_m, fix_at_ms: now - age_s * 1000, is_mock: null, source: "gps" });

test("lesson 5: a position older than a minute is no evidence; without one a word or a photo is asked for", () => {
  expect(fixState(position(59), now)).toBe("fresh");
  expect(fixState(position(61), now)).toBe("stale");
  const tried = (age: number | null, reason: string | null, comment: string, hasPhoto: boolean) =>
    tryMove("planned", "check_in", "rep", checkInFacts(age === null ? null : position(age), now, reason, comment, hasPhoto)).ok;
  expect(tried(10, null, "", false)).toBe(true);
  expect(tried(61, null, "", false)).toBe(false);
  expect(tried(null, "no_fix", "", false)).toBe(false);
  expect(tried(null, "no_fix", "in the basement", false)).toBe(true);
  expect(tried(null, "no_fix", "", true)).toBe(true);
});
