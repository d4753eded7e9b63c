/** The plain part of OSM opening hours: enough for "open until"; what isn't understood says nothing. Pure. */

const DAYS = ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"];

export type Opening = { state: "open"; until: string } | { state: "opens"; at: string } | { state: "closed" } | null;

export type Span = [from: number, to: number];

/** When a place is open on a weekday (0 = Sunday), in minutes after midnight; null where the text can't tell. */
export function spansOn(text: string | null | undefined, weekday: number): Span[] | null {
  if (!text) return null;
  if (text.trim() === "24/7") return [[0, 1440]];
  let spans: Span[] = [];
  for (const rule of text.split(";").map((r) => r.trim()).filter(Boolean)) {
    const parsed = parseRule(rule);
    if (parsed === "skip") continue;
    if (parsed === null) return null;
    if (parsed.days.has(weekday)) spans = parsed.spans;
  }
  return spans;
}

/** Whether a place is open at minutes after midnight of a day with these hours. */
export function opening(spans: Span[] | null, minute: number): Opening {
  if (spans === null) return null;
  const now = spans.find(([from, to]) => minute >= from && minute < to);
  if (now) return { state: "open", until: clock(now[1]) };
  const next = spans.find(([from]) => from > minute);
  return next ? { state: "opens", at: clock(next[0]) } : { state: "closed" };
}

/** What speaks against a visit of so many minutes from then on: doors that close too early, open later, or never. */
export type Miss = { why: "closes" | "opens"; at: string } | { why: "closed" };

export function missOf(spans: Span[], minute: number, lasts: number): Miss | null {
  const now = spans.find(([from, to]) => minute >= from && minute < to);
  if (now && (minute + lasts <= now[1] || now[1] >= 1440)) return null;
  const next = now ? undefined : spans.find(([from]) => from > minute);
  if (next) return { why: "opens", at: clock(next[0]) };
  const last = now ?? spans[spans.length - 1];
  return last ? { why: "closes", at: clock(last[1]) } : { why: "closed" };
}

function parseRule(rule: string): { days: Set<number>; spans: Span[] } | "skip" | null {
  if (/^(PH|SH)\b/.test(rule) && !/^(PH|SH)\s*,/.test(rule)) return "skip";
  const found = /^((?:(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|SH)(?:\s*-\s*(?:Mo|Tu|We|Th|Fr|Sa|Su))?\s*,?\s*)*)(.*)$/.exec(rule);
  const days = parseDays(found![1]!);
  const hours = found![2]!.trim().replace(/^:\s*/, "");
  if (hours === "off" || hours === "closed") return { days, spans: [] };
  const spans = hours.split(",").map((s) => /^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/.exec(s));
  if (spans.some((s) => s === null)) return null;
  return { days, spans: spans.map((s) => lasting(minutes(s![1]!, s![2]!), minutes(s![3]!, s![4]!))) };
}

const minutes = (h: string, m: string) => Number(h) * 60 + Number(m);

/** Past midnight the end is told as an hour of the next day. */
const lasting = (from: number, to: number): Span => [from, to <= from ? to + 1440 : to];

function parseDays(text: string): Set<number> {
  const parts = text.split(",").map((p) => p.trim()).filter(Boolean);
  const days = new Set<number>();
  for (const part of parts) {
    const [from, to] = part.split("-").map((d) => DAYS.indexOf(d.trim()));
    if (from === undefined || from < 0) continue;
    const last = to === undefined || to < 0 ? from : to;
    for (let d = from; ; d = (d + 1) % 7) {
      days.add(d);
      if (d === last) break;
    }
  }
  return parts.length ? days : new Set([0, 1, 2, 3, 4, 5, 6]);
}

export function clock(minute: number): string {
  const m = minute % 1440 || (minute ? 1440 : 0);
  return `${String(Math.floor(m / 60)).padStart(2, "0")}:${String(m % 60).padStart(2, "0")}`;
}
