/**
 * What a form asks and whether answers keep its rules; `fieldcrm/forms/rules.py` is its twin.
 * tests/forms/cases.json is run on both. Pure.
 */
import type { FormDefinition, FormField, VisitDetails } from "../wire.gen";
import { holds, isBlank, isRecord, number, type Value } from "./expressions";

export type Answers = Record<string, Value>;

/** What the rules must know of the visit beside the answers. */
export interface Facts {
  result: string | null;
  kind: string;
  category: string | null;
  /** ISO date of the visit. */
  day: string;
  /** Hashes of the visit's photos; null where they are not looked at. */
  photos: ReadonlySet<string> | null;
  has_next_step: boolean;
}

/** A rule that an answer breaks; `code` has a text under `forms.problem.`. */
export interface Problem {
  field: string;
  code: string;
  params: Record<string, string | number>;
}

export interface Checked {
  kept: Answers;
  problems: Problem[];
  /** Names of the fields that are asked, given these answers. */
  asked: Set<string>;
}

type Wrong = [code: string, params: Problem["params"]] | null;

const ID_MAX = 64;
const TEXT_MAX = 4000;
const NAME_MAX = 200;
const STROKES_MAX = 200;
const POINTS_MAX = 5000;
export const CANVAS = 1000;
const PHONE = /^\+?[0-9 ().\-/]{1,40}$/;
const EMAIL = /^[^@\s,;<>]{1,64}@[^@\s,;<>]{1,180}\.[^@\s,;<>.]{2,63}$/u;

/** The answers that were asked for, and every rule they break, in the form's order. */
export function check(form: FormDefinition, answers: Answers, facts: Facts): Checked {
  const known: Record<string, Value> = { result: facts.result, kind: facts.kind, category: facts.category };
  const found: Checked = { kept: {}, problems: [], asked: new Set() };
  for (const field of form.fields) {
    known[field.name] = null;
    if (field.when != null && !holds(field.when, known)) continue;
    found.asked.add(field.name);
    const value = Object.hasOwn(answers, field.name) ? answers[field.name] : null;
    const wrong = wrongOf(field, value, known, facts);
    if (wrong) found.problems.push({ field: field.name, code: wrong[0], params: wrong[1] });
    else if (!isUnanswered(field, value)) found.kept[field.name] = known[field.name] = value;
  }
  (form.checks ?? []).forEach((each, n) => {
    if (found.asked.has(each.field) && !holds(each.rule, known)) found.problems.push({ field: each.field, code: "check", params: { check: n } });
  });
  if (form.next_step === "required" && !facts.has_next_step) found.problems.push({ field: "next_step", code: "next_step_needed", params: {} });
  return found;
}

function isUnanswered(field: FormField, value: Value): boolean {
  if (field.type === "signature" && isRecord(value)) return isBlank(value.strokes);
  return isBlank(value) || (field.type === "agreement" && value === false);
}

function wrongOf(field: FormField, value: Value, known: Answers, facts: Facts): Wrong {
  if (!isUnanswered(field, value)) return TYPES[field.type]?.(field, value, facts) ?? null;
  const isNeeded = field.required || (field.required_when != null && holds(field.required_when, known));
  return isNeeded ? ["required", {}] : null;
}

// ── each type of field ──

const WRONG_TYPE: Wrong = ["wrong_type", {}];
const length = (text: string) => [...text].length;

function valuesOf(field: FormField): Set<string> {
  return new Set((field.options ?? []).map((o) => o.value));
}

/** A list of different short texts; null for anything else. */
function textsOf(value: Value): string[] | null {
  if (!Array.isArray(value) || value.length > 500) return null;
  const isFit = value.every((v) => typeof v === "string" && v !== "" && length(v) <= ID_MAX);
  return isFit && new Set(value).size === value.length ? (value as string[]) : null;
}

/** An object by short ids; null for anything else. */
function byId(value: Value): Record<string, Value> | null {
  if (!isRecord(value)) return null;
  const keys = Object.keys(value);
  return keys.length <= 500 && keys.every((k) => k !== "" && length(k) <= ID_MAX) ? value : null;
}

function bounded(field: FormField, size: number, [low, high]: [string, string]): Wrong {
  if (field.min != null && size < field.min) return [low, { min: field.min }];
  if (field.max != null && size > field.max) return [high, { max: field.max }];
  return null;
}
const counted = (field: FormField, count: number) => bounded(field, count, ["too_few", "too_many"]);
const sized = (field: FormField, size: number) => bounded(field, size, ["too_small", "too_large"]);

const TYPES: Record<string, (field: FormField, value: Value, facts: Facts) => Wrong> = {
  choice: (field, value) => (typeof value !== "string" ? WRONG_TYPE : valuesOf(field).has(value) ? null : ["not_an_option", {}]),
  choices(field, value) {
    const chosen = textsOf(value);
    if (!chosen) return WRONG_TYPE;
    const options = valuesOf(field);
    return chosen.every((c) => options.has(c)) ? counted(field, chosen.length) : ["not_an_option", {}];
  },
  number(field, value) {
    const told = number(value);
    if (told === null) return WRONG_TYPE;
    return field.whole && !Number.isInteger(told) ? ["not_whole", {}] : sized(field, told);
  },
  money(field, value) {
    const told = number(value);
    if (told === null) return WRONG_TYPE;
    const isFine = Math.abs(told * 100 - Math.round(told * 100)) <= 1e-6 * Math.max(1, Math.abs(told));
    return isFine ? sized(field, told) : ["not_money", {}];
  },
  phone(_field, value) {
    if (typeof value !== "string") return WRONG_TYPE;
    const digits = value.replace(/[^0-9]/g, "").length;
    return PHONE.test(value) && digits >= 5 && digits <= 15 ? null : ["not_phone", {}];
  },
  email: (_field, value) => (typeof value !== "string" ? WRONG_TYPE : EMAIL.test(value) ? null : ["not_email", {}]),
  text(field, value) {
    if (typeof value !== "string") return WRONG_TYPE;
    const longest = Math.min(field.max ?? TEXT_MAX, TEXT_MAX);
    return length(value) > longest ? ["too_long", { max: longest }] : null;
  },
  date(field, value, facts) {
    const [day, visited] = [dayMs(value), dayMs(facts.day)];
    if (day === null || visited === null) return WRONG_TYPE;
    const ahead = Math.round((day - visited) / DAY_MS);
    if (field.min != null && ahead < field.min) return ["too_early", { day: isoDay(visited, field.min) }];
    if (field.max != null && ahead > field.max) return ["too_late", { day: isoDay(visited, field.max) }];
    return null;
  },
  yes_no: (_field, value) => (typeof value === "boolean" ? null : WRONG_TYPE),
  photo(field, value, facts) {
    const hashes = textsOf(value);
    if (!hashes) return WRONG_TYPE;
    return facts.photos && hashes.some((h) => !facts.photos!.has(h)) ? ["photo_unknown", {}] : counted(field, hashes.length);
  },
  products(field, value) {
    const chosen = textsOf(value);
    return chosen ? counted(field, chosen.length) : WRONG_TYPE;
  },
  samples(field, value) {
    const counts = Object.values(byId(value) ?? { "": null }).map(number);
    if (counts.some((c) => c === null || !Number.isInteger(c) || c < 0)) return WRONG_TYPE;
    for (const c of counts) {
      const wrong = sized(field, c!);
      if (wrong) return wrong;
    }
    const isTooMuch = field.total != null && counts.reduce<number>((a, c) => a + c!, 0) > field.total;
    return isTooMuch ? ["too_much_together", { max: field.total! }] : null;
  },
  stock(field, value) {
    const rows = byId(value);
    return rows && Object.values(rows).every(isShelf) ? counted(field, Object.keys(rows).length) : WRONG_TYPE;
  },
  questionnaire(field, value) {
    const told = byId(value);
    if (!told) return WRONG_TYPE;
    const asked = new Set((field.questions ?? []).map((q) => q.value));
    const options = valuesOf(field);
    const rows = Object.entries(told);
    if (!rows.every(([k, v]) => asked.has(k) && typeof v === "string" && options.has(v))) return ["not_an_option", {}];
    const left = asked.size - rows.length;
    return field.required && left ? ["questions_left", { n: left }] : null;
  },
  agreement: (_field, value) => (value === true ? null : WRONG_TYPE),
  signature(_field, value) {
    if (!isRecord(value) || typeof (value.name ?? "") !== "string" || value.name === null) return WRONG_TYPE;
    const strokes = value.strokes;
    if (!Array.isArray(strokes) || strokes.length > STROKES_MAX || !strokes.every(isStroke)) return WRONG_TYPE;
    const points = strokes.reduce<number>((sum, s: unknown[]) => sum + s.length, 0);
    return length((value.name as string | undefined) ?? "") > NAME_MAX || points > 2 * POINTS_MAX ? WRONG_TYPE : null;
  },
};

const DAY_MS = 86_400_000;

function dayMs(value: Value): number | null {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value) || value < "1900" || value > "2200") return null;
  const ms = Date.parse(`${value}T00:00:00Z`);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== value ? null : ms;
}

function isoDay(from: number, days: number): string {
  return new Date(from + Math.trunc(days) * DAY_MS).toISOString().slice(0, 10);
}

function isShelf(row: Value): boolean {
  if (!isRecord(row) || typeof row.there !== "boolean") return false;
  const told = number(row.price);
  return row.price === null || row.price === undefined || (told !== null && told >= 0 && told <= 1e9);
}

function isStroke(stroke: Value): boolean {
  if (!Array.isArray(stroke) || stroke.length < 2 || stroke.length % 2) return false;
  return stroke.every((p) => {
    const told = number(p);
    return told !== null && told >= 0 && told <= CANVAS;
  });
}

// ── what answers tell beside themselves ──

/** Products shown, samples left and stock seen, as visits tell them whatever the form's names. */
export function detailsOf(form: FormDefinition, kept: Answers): Pick<VisitDetails, "products" | "samples" | "stock"> {
  const found: ReturnType<typeof detailsOf> = {};
  for (const field of form.fields) {
    const value = kept[field.name];
    if (value === undefined) continue;
    if (field.type === "products") found.products = [...new Set([...(found.products ?? []), ...(value as string[])])];
    if (field.type === "samples") {
      const some = Object.entries(value as Record<string, number>).filter(([, n]) => n > 0);
      found.samples = { ...found.samples, ...Object.fromEntries(some) };
    }
    if (field.type === "stock") {
      const seen = Object.entries(value as Record<string, { there: boolean }>).map(([id, row]) => [id, row.there] as const);
      found.stock = { ...found.stock, ...Object.fromEntries(seen) };
    }
  }
  return found;
}
