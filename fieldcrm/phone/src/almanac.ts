/**
 * What a day asks of language and time zone, kept from the last time: a browser's first date in a zone
 * takes a cheap phone longer than reading the whole day from its disk.
 */

export interface Almanac {
  language: string;
  zone: string;
  /** How far the zone's clocks are ahead of UTC, known to hold between two moments. Epoch ms. */
  offset_ms: number;
  from_ms: number;
  to_ms: number;
  /** As they stand in a date; from Sunday, from January. */
  weekdays: string[];
  months: string[];
}

const KEPT = "fieldcrm.almanac";
const DAY_MS = 86_400_000;
/** A change of the clocks further off than this is looked up when it comes nearer. */
const AHEAD_DAYS = 60;

let known: Almanac | null | undefined;

/** The kept one; null where there is none. */
function kept(): Almanac | null {
  if (known === undefined) known = JSON.parse(globalThis.localStorage?.getItem(KEPT) ?? "null") as Almanac | null;
  return known;
}

/** How far a zone's clocks are ahead of UTC at a moment, in ms; null where that is not kept. */
export function keptOffset(zone: string | undefined, ms: number): number | null {
  const a = kept();
  return a && a.zone === zone && ms >= a.from_ms && ms < a.to_ms ? a.offset_ms : null;
}

/** The names of days and months in a language; null where they are not kept. */
export function keptNames(language: string): Pick<Almanac, "weekdays" | "months"> | null {
  const a = kept();
  return a?.language === language ? a : null;
}

/** Keep what the next days need. `locale` is the language as dates are written in it. */
export function keepAlmanac(language: string, locale: string, zone: string, nowMs: number): void {
  known = { language, zone, ...clocks(zone, nowMs), ...names(locale) };
  localStorage.setItem(KEPT, JSON.stringify(known));
}

export function clocks(zone: string, nowMs: number): Pick<Almanac, "offset_ms" | "from_ms" | "to_ms"> {
  const options = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" } as const;
  const format = new Intl.DateTimeFormat("en-US", options);
  const offsetAt = (ms: number) => {
    const [month, day, year, hour, minute, second] = format.format(ms).match(/\d+/g)!.map(Number) as [number, number, number, number, number, number];
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
  };
  const offset_ms = offsetAt(nowMs);
  const same = (step: number) => {
    let days = 0;
    while (days < AHEAD_DAYS && offsetAt(nowMs + step * (days + 1) * DAY_MS) === offset_ms) days++;
    return nowMs + step * days * DAY_MS;
  };
  return { offset_ms, from_ms: same(-1), to_ms: same(1) };
}

export function names(locale: string): Pick<Almanac, "weekdays" | "months"> {
  const format = new Intl.DateTimeFormat(locale, { timeZone: "UTC", weekday: "short", day: "numeric", month: "long" });
  const part = (type: string, ms: number) => format.formatToParts(ms).find((p) => p.type === type)!.value.replace(/\.$/, "");
  return {
    weekdays: [4, 5, 6, 7, 8, 9, 10].map((day) => part("weekday", Date.UTC(1970, 0, day))),
    months: Array.from({ length: 12 }, (_, month) => part("month", Date.UTC(1970, month, 1))),
  };
}
