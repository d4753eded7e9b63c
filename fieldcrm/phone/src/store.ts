/** What the screens read: signals over the phone's database, refreshed after each change of it. */
import { batch, computed, effect, signal } from "@preact/signals";
import { PhoneDb } from "./db";
import type {
  Client, DayPlan, Entry, Kind, Me, Notice, PlanRow, Product, Profile, Shift, StoredFile, Visit,
} from "./docs";
import { needsChoice } from "./choose";
import { visitsOn, visitUnderWay } from "./diary";
import { isDark, me, setKnown, theme, type Theme, wear } from "./door";
import { dayOf, speak, type Language } from "./i18n";
import { firstRows, takeAhead } from "./first_rows";
import { newId } from "./ids";
import { Early } from "./kept";
import { Laid } from "./laid";
import { Memory } from "./memory";
import { donePromises, newClients, overlayJoints, overlayShifts, overlayVisits } from "./overlay";
import { makeReady } from "./search";
import { isUnsent } from "./sent";
import { missedVisits, slipped } from "./slipped";
import type { Progress } from "./sync";
import type { CorrectionDoc, FormDoc, JointDoc } from "./wire.gen";

export const db = new PhoneDb();

export const profile = signal<Profile | null>(null);
export const visits = signal<Laid<Visit>>(new Laid(new Map()));
export const clients = signal<ReadonlyMap<string, Client>>(new Map());
export const hasAllClients = signal(false);
const held = signal<Product[]>([]);
/** In the order of names; put in it when somebody asks, which the first screen doesn't. */
export const products = computed(() => {
  const { compare } = new Intl.Collator();
  return held.value.filter((p) => p.is_active !== false).sort((a, b) => compare(a.name, b.name));
});
export const forms = signal<FormDoc[]>([]);
export const shifts = signal<Shift[]>([]);
export const plans = signal<Map<string, DayPlan>>(new Map());
export const entries = signal<Entry[]>([]);
export const files = signal<StoredFile[]>([]);
/** What this rep asked to correct of cards, and visits made by two, with his unsent words on top. */
export const corrections = signal<CorrectionDoc[]>([]);
export const joints = signal<JointDoc[]>([]);
export const notices = signal<Notice[]>([]);
export const hasFirstCopy = signal(false);
export const progress = signal<Progress>({ phase: "idle", problem: null, first: null, file: null });
export const syncedAt = signal<number | null>(null);
export const offsetMs = signal(0);
/** When unsent work last left as a file, by the phone's clock. */
export const exportedAt = signal<number | null>(null);
export const isStorageFull = signal(false);
export const keepAwake = signal(false);
export const navigator_ = signal<"ask" | "geo" | "google" | "apple">("ask");

/** A clock that ticks once a second while the app is in front. */
export const second = signal(Date.now());
/** The same, for what changes slower: a screen that reads it redraws twice a minute. */
export const halfMinute = signal(Date.now());
setInterval(() => {
  if (document.hidden) return;
  second.value = Date.now();
  if (second.value - halfMinute.value >= 30_000) halfMinute.value = second.value;
}, 1000);

/** The company's time now: the phone's clock corrected by what the server said. */
export function now(): number {
  return Date.now() + offsetMs.peek();
}

export const today = computed(() => dayOf(halfMinute.value + offsetMs.value));

/** Declined corrections whose reason the rep has read and left at that. */
export const laidAside = signal<string[]>([]);
export const declined = computed(() => corrections.value.filter((c) => c.status === "declined" && !laidAside.value.includes(c.id)));
/** Colleagues' visits that wait for this rep's word: was he there? */
export const invitations = computed(() => joints.value.filter((j) => !j.is_mine && j.status === "asked"));

export const unsent = computed(() => entries.value.filter(isUnsent));
/** Answers that wait for the rep: refusals, and fields that somebody else changed too. */
export const undecided = computed(() => entries.value.filter(needsChoice));
const DAY_MS = 86_400_000;
/** Work that has waited on this phone for a day: the system may clear a browser's storage. */
export const waitsTooLong = computed(() => {
  const oldest = unsent.value[0];
  return oldest !== undefined && halfMinute.value - oldest.device_at_ms >= DAY_MS;
});
export const waitingFiles = computed(() => files.value.filter((f) => f.state === "waiting" || f.state === "held"));
export const unsentFiles = computed(() => files.value.filter((f) => f.state === "waiting"));
export const promisesDone = computed(() => donePromises(entries.value));
export const shift = computed(() => {
  const open = shifts.value.filter((s) => s.ended_at_ms === null);
  return open[open.length - 1] ?? null;
});
export const isPaused = computed(() => shift.value?.pauses.some((p) => p.to_ms === null) ?? false);
export const underWay = computed(() => visitUnderWay(visits.value));
export const unseenNotice = computed(() => notices.value.find((n) => !n.seen && n.day === today.value) ?? null);

/** Visits nobody has made up for yet. */
export const missed = computed(() => missedVisits(visits.value.values()));

/** A day's visits in order: done first by time, then the rest as planned. */
export function visitsOf(day: string): Visit[] {
  return visitsOn(visits.value, day).sort((a, b) => order(a) - order(b) || (a.expected_at_ms ?? 0) - (b.expected_at_ms ?? 0) || a.id.localeCompare(b.id));
}

function order(v: Visit): number {
  if (v.state === "under_way") return 0;
  if (v.position) return v.position;
  return v.checked_in_at_ms ? v.checked_in_at_ms / 1e13 : 900 + (v.is_unplanned ? 1 : 0);
}

export function clientOf(visit: Visit): Client | null {
  return clients.value.get(visit.client_id) ?? null;
}

/** The place a visit goes to; the client itself when it is a place. */
export function placeOf(visit: Visit): Client | null {
  return visit.place_id ? (clients.value.get(visit.place_id) ?? null) : clientOf(visit);
}

export function placeNameOf(visit: Visit): string {
  const client = clientOf(visit);
  if (!visit.place_id) return client?.address ?? "";
  return clients.value.get(visit.place_id)?.name ?? client?.workplaces.find((w) => w.id === visit.place_id)?.name ?? client?.address ?? "";
}

/** When the rep gets to each visit left today, being here now: without a network nobody else reckons it anew. */
const arrivals = computed(() => slipped(visitsOf(today.value), halfMinute.value + offsetMs.value, !shift.value?.pauses.length));

/** When the rep gets there: as the server expects, but no sooner than he can from here and now; in an order that he only tries, as it says. */
export function arrivalAt(visit: Visit): number | null {
  return arrivals.value.get(visit) ?? visit.expected_at_ms ?? visit.planned_at_ms;
}

/** Where a visit takes place on the ground. */
export function pointOf(visit: Visit): { lat: number; lng: number } | null {
  if (visit.lat !== null && visit.lng !== null) return { lat: visit.lat, lng: visit.lng };
  const place = placeOf(visit) ?? clientOf(visit);
  return place && place.lat !== null && place.lng !== null ? { lat: place.lat, lng: place.lng } : null;
}

/** Read what the first screen needs; the rest of the clients follows when the phone is idle. */
export async function open(): Promise<void> {
  db.touched = null;
  memory.wantsAll = false;
  await (reading = readFirst(true));
}

/** Who uses this phone, and how he likes it. */
function settle(stored: Stored): void {
  me.value = (stored.get("me") as Me | undefined) ?? null;
  wear((stored.get("theme") as Theme | undefined) ?? "system");
  keepAwake.value = stored.get("keep_awake") === true;
  navigator_.value = (stored.get("navigator") as typeof navigator_.value | undefined) ?? "ask";
  setKnown(me.value !== null);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) db.touched = null; // another window of this phone may write meanwhile
});

/** Read the database again; called after each action and each step of the sync. */
export function refresh(): Promise<void> {
  next ??= reading.catch(() => undefined).then(() => {
    next = null;
    return (reading = read());
  });
  return next;
}

/** One after another, so that what was read earlier never hides what was read later. */
let reading: Promise<void> = Promise.resolve();
let next: Promise<void> | null = null;
const memory = new Memory(db);

type Stored = Map<string, unknown>;

/** The first screen's rows; `isOpening`: also who uses this phone. */
async function readFirst(isOpening = false): Promise<void> {
  db.touched = new Map();
  const rows = (await takeAhead()) ?? (await firstRows(await db.bare()).catch(notRead));
  memory.take(rows);
  batch(() => {
    if (isOpening) settle(rows.stored);
    show(rows.stored, rows.outbox, rows.files, rows.notices);
  });
  if (!rows.stored.has("device_id")) await db.put("device_id", newId());
}

function notRead(error: unknown): never {
  db.touched = null;
  throw error;
}

/** Read what was written; on a phone just opened the first screen's rows. */
async function read(): Promise<void> {
  if (!db.touched && !memory.wantsAll) return readFirst();
  const [meta, outbox, pictures, told] = await Promise.all([
    db.meta.toArray(), db.outbox.orderBy("seq").toArray(), db.files.toArray(), db.notices.reverse().limit(20).toArray(),
  ]);
  await memory.read();
  show(new Map(meta.map((m) => [m.key, m.value])), outbox, pictures, told);
}

/** Actions that are being stored, shown before a slow phone is sure of its disk. */
const early = new Early(() => { visits.value = overlaid(entries.peek()); });
export const isWriting = early.isWriting;

function overlaid(outbox: Entry[]): Laid<Visit> {
  return overlayVisits(memory.visits, [...outbox, ...early.entries], memory.profiles[0]);
}

/** Show what the rep did with a visit, at the latest while it is being stored, and go where it leads; null when it was not stored. */
export function shownWhile<T>(kind: Kind, visit: Visit, payload: Record<string, unknown>, store: () => Promise<T | null>, stand: () => void): Promise<T | null> {
  return early.during({
    id: "", seq: Number.MAX_SAFE_INTEGER, kind, subject_id: visit.id, base_version: visit.version, device_at_ms: Date.now(),
    offset_ms: offsetMs.peek(), payload, status: "ready", code: null, params: {}, version: null, answered_at_ms: null,
    settled: 0, dismissed: 0, title: "",
  }, store, stand);
}

function show(stored: Stored, outbox: Entry[], pictures: StoredFile[], told: Notice[]): void {
  batch(() => {
    clients.value = withNew(memory.clients, outbox);
    visits.value = overlaid(outbox);
    hasAllClients.value = memory.isWhole;
    profile.value = memory.profiles[0] ?? null;
    held.value = memory.products;
    forms.value = memory.forms;
    corrections.value = memory.corrections;
    joints.value = overlayJoints(memory.joints, outbox);
    laidAside.value = (stored.get("laid_aside") as string[] | undefined) ?? [];
    shifts.value = overlayShifts(memory.shifts, outbox);
    plans.value = new Map(memory.plans.map((p) => [p.day, p]));
    entries.value = outbox;
    files.value = pictures;
    notices.value = told;
    hasFirstCopy.value = stored.get("first_copy") === true;
    syncedAt.value = (stored.get("synced_at_ms") as number | undefined) ?? null;
    exportedAt.value = (stored.get("exported_at_ms") as number | undefined) ?? null;
    offsetMs.value = (stored.get("offset_ms") as number | undefined) ?? 0;
  });
}

/** The cards of the server, and those found in the field that it doesn't know yet. */
function withNew(known: Map<string, Client>, outbox: Entry[]): ReadonlyMap<string, Client> {
  const found = newClients(outbox, known);
  return found.length ? new Laid(known, found.map((c) => [c.id, c])) : known;
}

async function clientsFor(shown: Iterable<Visit>): Promise<Client[]> {
  const ids = new Set<string>();
  for (const v of shown) {
    ids.add(v.client_id);
    if (v.place_id) ids.add(v.place_id);
  }
  return (await db.clients.bulkGet([...ids])).filter((c) => c !== undefined);
}

/** All clients and visits, for search, cards and other days; a moment after the first screen. */
export async function loadAllClients(): Promise<void> {
  if (memory.wantsAll) return;
  memory.wantsAll = true;
  db.touched = null;
  await refresh();
  await makeReady(clients.peek().values());
}

export async function choose(key: "theme" | "language" | "keep_awake" | "navigator", value: unknown): Promise<void> {
  await db.put(key, value);
  if (key === "theme") wear(value as Theme);
  if (key === "keep_awake") keepAwake.value = value === true;
  if (key === "navigator") navigator_.value = value as typeof navigator_.value;
  if (key === "language") await speak(value as Language);
}

/** The browser's own frame wears the look too; not before the first screen stands. */
export function dressFrame(): void {
  effect(() => {
    void isDark.value;
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--panel").trim();
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", colour);
  });
}

export { isDark, me, theme };

/** A day's plan as rows, for telling what changed. */
export async function planRows(day: string): Promise<PlanRow[]> {
  const docs = await db.visits.where("day").equals(day).toArray();
  const known = new Map((await clientsFor(docs)).map((c) => [c.id, c]));
  return docs.map((v) => ({
    id: v.id, name: known.get(v.client_id)?.name ?? "", position: v.position, state: v.state, is_locked: v.is_locked,
    place: (v.place_id ? known.get(v.place_id)?.name : known.get(v.client_id)?.address) ?? "",
    at_ms: v.expected_at_ms ?? v.planned_at_ms,
  }));
}
