/** The plain part of OSM opening hours: enough for "open until"; what isn't understood says nothing. Pure. */

const DAYS = ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"];

export type Opening = { state: "open"; until: string } | { state: "opens"; at: string } | { state: "closed" } | null;

/** Whether a place is open at minutes after midnight of a weekday (0 = Sunday). */
export function opening(text: string | null, weekday: number, minute: number): Opening {
  if (!text) return null;
  if (text.trim() === "24/7") return { state: "open", until: "24:00" };
  let spans: [number, number][] | null = null;
  for (const rule of text.split(";").map((r) => r.trim()).filter(Boolean)) {
    const parsed = parseRule(rule);
    if (parsed === "skip") continue;
    if (parsed === null) return null;
    if (parsed.days.has(weekday)) spans = parsed.spans;
  }
  if (spans === null || spans.length === 0) return { state: "closed" };
  const now = spans.find(([from, to]) => minute >= from && minute < to);
  if (now) return { state: "open", until: clock(now[1]) };
  const next = spans.find(([from]) => from > minute);
  return next ? { state: "opens", at: clock(next[0]) } : { state: "closed" };
}

function parseRule(rule: string): { days: Set<number>; spans: [number, number][] } | "skip" | null {
  if (/^(PH|SH)\b/.test(rule) && !/^(PH|SH)\s*,/.test(rule)) return "skip";
  const found = /^((?:(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|SH)(?:\s*-\s*(?:Mo|Tu|We|Th|Fr|Sa|Su))?\s*,?\s*)*)(.*)$/.exec(rule);
  const days = parseDays(found![1]!);
  const hours = found![2]!.trim().replace(/^:\s*/, "");
  if (hours === "off" || hours === "closed") return { days, spans: [] };
  const spans = hours.split(",").map((s) => /^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/.exec(s));
  if (spans.some((s) => s === null)) return null;
  return { days, spans: spans.map((s) => [Number(s![1]) * 60 + Number(s![2]), Number(s![3]) * 60 + Number(s![4])]) };
}

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

function clock(minute: number): string {
  const m = minute % 1440 || (minute ? 1440 : 0);
  return `${String(Math.floor(m / 60)).padStart(2, "0")}:${String(m % 60).padStart(2, "0")}`;
}
