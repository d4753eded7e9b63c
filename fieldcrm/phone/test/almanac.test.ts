/** What is kept of language and time zone tells the same as asking the browser. */
import { describe, expect, test } from "bun:test";
import { clocks, names } from "../src/almanac";
import { isDay, language, number, plural } from "../src/i18n";

const DAY_MS = 86_400_000;
const HOURS_13_MS = 46_800_000;
const asked = (zone: string) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });

describe("the clocks of a zone", () => {
  for (const zone of ["Europe/Chisinau", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "UTC"])
    test(`${zone}: as the browser says, wherever they are said to hold`, () => {
      const browser = asked(zone);
      for (const now of [Date.UTC(2026, 2, 27, 9), Date.UTC(2026, 6, 1, 22), Date.UTC(2026, 9, 24, 3)]) {
        const { offset_ms, from_ms, to_ms } = clocks(zone, now);
        expect(from_ms).toBeLessThanOrEqual(now);
        expect(to_ms).toBeGreaterThanOrEqual(now);
        for (let ms = from_ms; ms < to_ms; ms += HOURS_13_MS)
          expect(browser.format(ms).replace(", ", "T")).toBe(new Date(ms + offset_ms).toISOString().slice(0, 16));
      }
    });

  test("hold for the day on both sides of now while nobody changes them", () => {
    const now = Date.UTC(2026, 6, 1, 12);
    const { from_ms, to_ms } = clocks("Europe/Chisinau", now);
    expect(now - from_ms).toBeGreaterThanOrEqual(30 * DAY_MS);
    expect(to_ms - now).toBeGreaterThanOrEqual(30 * DAY_MS);
  });
});

test("names of days and months stand as they do in a date", () => {
  for (const locale of ["en-GB", "ru", "ro"]) {
    const { weekdays, months } = names(locale);
    const format = new Intl.DateTimeFormat(locale, { timeZone: "UTC", weekday: "short", day: "numeric", month: "long" });
    for (let ms = Date.UTC(2026, 0, 1); ms < Date.UTC(2027, 0, 1); ms += DAY_MS) {
      const at = new Date(ms);
      const said = `${weekdays[at.getUTCDay()]} ${at.getUTCDate()} ${months[at.getUTCMonth()]}`;
      expect(said).toBe(format.format(ms).replace(",", "").replace(/\.(?= \d)/, ""));
    }
  }
});

test("a number takes the form that CLDR gives it", () => {
  for (const language of ["en", "ru", "ro"] as const) {
    const rules = new Intl.PluralRules(language);
    for (const n of [...Array(1200).keys(), 0.5, 1.5, 2.1, -1, -2, -5, 1_000_000 - 1]) expect([language, n, plural(language, n)]).toEqual([language, n, rules.select(n) as never]);
  }
});

test.each([["2026-11-23", true], ["2026-13-40", false], ["23.11.2026", false], ["0192f0aa-visit", false], ["", false], [undefined, false]])(
  "an address that names %s names a day: %s", (text, is) => expect(isDay(text)).toBe(is));

test("a number is written as CLDR has it", () => {
  const values = [0, 7, 999, 1000, 12345, 1234567, 0.5, 2.5, 1234.5, 99.96, -3, -1200.4];
  for (const wanted of ["en", "ru", "ro"] as const) {
    language.value = wanted;
    const format = new Intl.NumberFormat(wanted, { maximumFractionDigits: 1 });
    expect(values.map((v) => number(v))).toEqual(values.map((v) => format.format(v)));
  }
  language.value = "en";
});
