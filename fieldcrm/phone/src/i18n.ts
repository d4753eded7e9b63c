/** One catalogue for server and phone: flat keys, {named} parameters, plurals by CLDR. */
import { signal } from "@preact/signals";
import { keepAlmanac, keptNames, keptOffset } from "./almanac";

export const LANGUAGES = ["en", "ru", "ro"] as const;
export type Language = (typeof LANGUAGES)[number];
type Text = string | Record<string, string>;
export type Params = Record<string, string | number>;

export const language = signal<Language>("en");
/** The company's; undefined is the phone's own. */
export const timezone = signal<string | undefined>(undefined);
const texts = signal<Record<string, Text>>({});

/** The language a phone without a choice of its own gets: the browser's, if we speak it. */
export function browserLanguage(): Language {
  const wanted = navigator.languages.map((l) => l.slice(0, 2));
  return LANGUAGES.find((l) => wanted[0] === l) ?? LANGUAGES.find((l) => wanted.includes(l)) ?? "en";
}

const KEPT = "fieldcrm.language";

/** The language used last, known before the database is open; else the browser's. */
export function lastLanguage(): Language {
  const kept = localStorage.getItem(KEPT);
  return LANGUAGES.find((l) => l === kept) ?? browserLanguage();
}

/** Load a language's catalogue and switch to it. */
export async function speak(wanted: Language): Promise<void> {
  const answer = await fetch(`/rep/locales/${wanted}.json`);
  if (!answer.ok) throw new Error(`no catalogue for ${wanted}`);
  use(wanted, (await answer.json()) as Record<string, Text>);
}

/** The few words that lie in the page itself: enough to sign in while the catalogue is on its way. */
export function speakAtOnce(wanted: Language): void {
  const lying = JSON.parse(document.getElementById("words")!.textContent!) as Record<Language, Record<string, Text>>;
  use(wanted, lying[wanted]);
}

export function use(wanted: Language, catalogue: Record<string, Text>): void {
  localStorage.setItem(KEPT, wanted);
  texts.value = catalogue;
  language.value = wanted;
  document.documentElement.lang = wanted;
}

/** The text of a key, filled; an unknown key shows itself, so that a gap is seen. */
export function t(key: string, params: Params = {}): string {
  let text = texts.value[key] ?? key;
  if (typeof text !== "string") {
    text = text[plural(language.value, Number(params.n ?? 0))] ?? text.other ?? key;
  }
  return text.replace(/\{(\w+)\}/g, (gap, name: string) => {
    const value = params[name];
    return value === undefined ? gap : typeof value === "number" ? number(value) : value;
  });
}

/** Whether the catalogue has a key: codes from the server may be newer than this app. */
export function has(key: string): boolean {
  return key in texts.value;
}

/** The form that CLDR's rules for our languages give a number; the browser's own would be slow to begin with. */
export function plural(wanted: Language, n: number): "one" | "few" | "many" | "other" {
  const [of100, of10, isWhole] = [Math.abs(n) % 100, Math.abs(n) % 10, Number.isInteger(n)];
  if (wanted === "en") return Math.abs(n) === 1 ? "one" : "other";
  if (wanted === "ro") return Math.abs(n) === 1 ? "one" : !isWhole || n === 0 || (of100 >= 1 && of100 <= 19) ? "few" : "other";
  if (!isWhole) return "other";
  if (of10 === 1 && of100 !== 11) return "one";
  return of10 >= 2 && of10 <= 4 && (of100 < 12 || of100 > 14) ? "few" : "many";
}

const numbers = new Map<string, Intl.NumberFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();

function cached<T>(store: Map<string, T>, key: string, make: () => T): T {
  let value = store.get(key);
  if (value === undefined) store.set(key, (value = make()));
  return value;
}

/** Between thousands, and before tenths, as CLDR has it. */
const MARKS: Record<Language, [string, string]> = { en: [",", "."], ru: ["\u00a0", ","], ro: [".", ","] };

/** A number in the reader's language, to the tenth; its first format would take a cheap phone 30 ms to make. */
export function number(value: number, digits?: number): string {
  if (digits === undefined && Math.abs(value) < 1e12) return plain(value);
  const options = digits === undefined ? { maximumFractionDigits: 1 } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return cached(numbers, `${language.value}${digits}`, () => new Intl.NumberFormat(language.value, options)).format(value);
}

function plain(value: number): string {
  const [thousands, tenths] = MARKS[language.value];
  const [whole, rest] = String(Math.round(Math.abs(value) * 10) / 10).split(".");
  return (value < 0 ? "-" : "") + whole!.replace(/\B(?=(\d{3})+$)/g, thousands) + (rest ? tenths + rest : "");
}

const localeOf = (wanted: Language) => (wanted === "en" ? "en-GB" : wanted);

/** At rest, for the next opening: what it asks of this language and zone. */
export function prepareDates(): void {
  if (timezone.value) keepAlmanac(language.value, localeOf(language.value), timezone.value, Date.now());
}

/** A moment by the company's clocks as ISO text, without asking the browser; null where that is not known. */
function iso(ms: number): string | null {
  const offset = keptOffset(timezone.value, ms);
  return offset === null ? null : new Date(ms + offset).toISOString();
}

function date(options: Intl.DateTimeFormatOptions, ms: number, zone = timezone.value): string {
  const locale = localeOf(language.value);
  const key = `${locale}${zone}${JSON.stringify(options)}`;
  return cached(dates, key, () => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options })).format(ms);
}

/** Hours and minutes in the company's time zone. */
export function time(ms: number): string {
  return iso(ms)?.slice(11, 16) ?? date({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, ms);
}

export function timeWithSeconds(ms: number): string {
  return date({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }, ms);
}

/** The local date of a moment as ISO text. */
export function dayOf(ms: number): string {
  const zone = timezone.value;
  return iso(ms)?.slice(0, 10) ?? cached(dates, `day${zone}`, () => new Intl.DateTimeFormat("en-CA", { timeZone: zone })).format(ms).slice(0, 10);
}

const noon = (day: string) => Date.parse(`${day}T12:00:00Z`);

/** "Thu 19 November". */
export function longDay(day: string): string {
  const names = keptNames(language.value);
  const text = names ? named(day, names) : date({ weekday: "short", day: "numeric", month: "long" }, noon(day), "UTC").replace(",", "").replace(/\.(?= \d)/, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function named(day: string, { weekdays, months }: { weekdays: string[]; months: string[] }): string {
  const at = new Date(noon(day));
  return `${weekdays[at.getUTCDay()]} ${at.getUTCDate()} ${months[at.getUTCMonth()]}`;
}

/** "5 Nov". */
export function shortDay(day: string): string {
  return date({ day: "numeric", month: "short" }, noon(day), "UTC");
}

/** "4 May 2026": a day that may lie years back. */
export function dayOfYear(day: string): string {
  return date({ day: "numeric", month: "short", year: "numeric" }, noon(day), "UTC");
}

/** Weekday and date on two lines, for a chip. */
export function chipDay(day: string): [string, string] {
  const weekday = date({ weekday: "short" }, noon(day), "UTC").replace(".", "");
  return [weekday.charAt(0).toUpperCase() + weekday.slice(1), shortDay(day)];
}

export function addDays(day: string, days: number): string {
  return new Date(noon(day) + days * 86_400_000).toISOString().slice(0, 10);
}

/** Whether a text, of an address for instance, is a day: 2026-11-23. */
export function isDay(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

export function daysBetween(from: string, to: string): number {
  return Math.round((noon(to) - noon(from)) / 86_400_000);
}

/** 400 m, 1.2 km. */
export function distance(metres: number): string {
  return metres < 1000 ? t("phone.unit.m", { n: Math.round(metres) }) : t("phone.unit.km", { n: Math.round(metres / 100) / 10 });
}

export function bytes(size: number): string {
  return size < 950_000 ? t("phone.unit.kb", { n: Math.max(1, Math.round(size / 1000)) }) : t("phone.unit.mb", { n: Math.round(size / 100_000) / 10 });
}

/** How long ago or how long, in the largest fitting unit: 20 s, 14 min, 2 h, 3 d. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return t("phone.unit.s", { n: s });
  if (s < 90 * 60) return t("phone.unit.min", { n: Math.round(s / 60) });
  if (s < 36 * 3600) return t("phone.unit.h", { n: Math.round(s / 3600) });
  return t("phone.unit.d", { n: Math.round(s / 86400) });
}
