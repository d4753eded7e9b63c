/** The app's life: signing in and out, syncing when there is reason to, new versions, storage. */
import { signal } from "@preact/signals";
import { deviceName } from "./device";
import type { Me } from "./docs";
import { isAsking, isOnline, setKnown, whoIsThis } from "./door";
import { planDifference, isChange, withOwnOrder } from "./plan";
import { begin, connect, disconnect, onNudge, buffered } from "./positions";
import {
  db, entries, isStorageFull, loadAllClients, me, open, planRows, progress, refresh, today, unsent, unsentFiles,
  waitingFiles,
} from "./store";
import { stuckFiles } from "./stuck";
import { Sync, type Progress } from "./sync";
import { has, language, LANGUAGES, speak, t, timezone, type Params } from "./i18n";
import { isStorageFull as isFull } from "./db";

declare const __VERSION__: string;
export const VERSION = __VERSION__;

const EVERY_MS = 60_000;

/** Since when there is no network, epoch ms. */
export const offlineSince = signal<number | null>(null);
export const updateReady = signal<ServiceWorker | null>(null);
export const isPersisted = signal<boolean | null>(null);
export const installPrompt = signal<InstallPromptEvent | null>(null);
export const isInstalled = signal(matchMedia("(display-mode: standalone)").matches);

interface InstallPromptEvent extends Event {
  prompt(): Promise<void>;
  userChoice: Promise<{ outcome: "accepted" | "dismissed" }>;
}

const sync = new Sync(db, "", {
  fetch: (input, init) => fetch(input, init),
  deviceNow: Date.now,
  appVersion: VERSION,
  deviceName,
  changed: refresh,
  progress: keepProgress,
} as ConstructorParameters<typeof Sync>[2]);

function keepProgress(p: Progress): void {
  const was = progress.peek().problem;
  progress.value = p;
  if (p.problem === "offline" && was !== "offline") offlineSince.value = Date.now();
  if (p.problem !== "offline" && p.phase === "idle") offlineSince.value = null;
}

/** Sync now, and tell the rep of a plan that somebody else changed meanwhile. */
export async function syncNow(): Promise<void> {
  if (!me.peek()) return;
  const day = today.peek();
  const isFirst = !(await db.get("first_copy"));
  const before = await planRows(day);
  try {
    await sync.run();
  } catch (error) {
    if (!isFull(error)) throw error;
    isStorageFull.value = true;
    return;
  }
  if (!isFirst) await noticeChange(day, before);
  if (progress.peek().problem === null) connect();
}

async function noticeChange(day: string, was: Awaited<ReturnType<typeof planRows>>): Promise<void> {
  const after = await planRows(day);
  const ordered = entries.peek().filter((e) => e.kind === "day.order" && e.payload.day === day && e.status !== "refused").pop();
  const before = ordered ? withOwnOrder(was, after, ordered.payload.visit_ids as string[]) : was;
  const mine = new Set(entries.peek().map((e) => e.subject_id));
  for (const e of entries.peek()) {
    const made = e.payload.new_visit_id;
    if (typeof made === "string") mine.add(made);
  }
  const own = (id: string) => mine.has(id);
  if (!isChange(planDifference(before.filter((r) => !own(r.id)), after.filter((r) => !own(r.id))))) return;
  await db.notices.add({ at_ms: Date.now(), day, before, after, seen: 0 });
  await refresh();
  navigator.vibrate?.([30, 60, 30]);
}

let syncSoon: ReturnType<typeof setTimeout> | null = null;

/** After an action of the rep: show it, then send it. */
export async function afterAction(vibrate: number | number[] | null = null): Promise<void> {
  if (vibrate !== null) navigator.vibrate?.(vibrate);
  await refresh();
  syncSoon ??= setTimeout(() => {
    syncSoon = null;
    void syncNow();
  }, 50);
}

/** Do something that stores; a full phone shows what to do instead of losing it in silence. */
export async function storing<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    const done = await work();
    isStorageFull.value = false;
    return done;
  } catch (error) {
    if (!isFull(error)) throw error;
    isStorageFull.value = true;
    return null;
  }
}

// ── signing in and out ──

/** Sign in; the text of a refusal, or null when it worked. */
export async function signIn(login: string, password: string): Promise<string | null> {
  let answer: Response;
  try {
    answer = await fetch("/api/v1/session", {
      method: "POST", headers: { "Content-Type": "application/json" }, cache: "no-store",
      body: JSON.stringify({ login: login.trim(), password }),
    });
  } catch {
    return t("phone.signin.offline");
  }
  if (!answer.ok) return refusalText(await problemOf(answer));
  const found = (await answer.json()) as Me;
  const refusal = await mayEnter(found);
  if (refusal) {
    await fetch("/api/v1/session", { method: "DELETE" }).catch(() => undefined);
    return refusal;
  }
  await keepMe(found, login.trim());
  await askForKeeping();
  void syncNow().then(loadAllClients);
  return null;
}

/** Come in by the session this browser already has, if it is a rep's; `asked`: the server's answer that is awaited already. */
async function enterBySession(asked: Promise<Me | null> | null): Promise<void> {
  if (me.peek()) return;
  const found = await (asked ?? whoIsThis());
  if (!found || me.peek() || (await mayEnter(found))) return;
  await keepMe(found);
  await askForKeeping();
}

/** Reps only, and never onto somebody else's unsent work. */
async function mayEnter(found: Me): Promise<string | null> {
  if (found.user.role !== "rep") return t("phone.signin.reps_only");
  const known = me.peek();
  if (!known || known.user.id === found.user.id) return null;
  if (hasUnsent()) return t("phone.signin.other_unsent", { name: known.user.name });
  await forgetAll();
  return null;
}

async function keepMe(found: Me, login?: string): Promise<void> {
  const kept = { ...found, user: { ...found.user, login: login ?? me.peek()?.user.login } };
  await db.put("me", kept);
  setKnown(true);
  me.value = kept;
  timezone.value = kept.timezone;
  const chosen = await db.get("language");
  const theirs = LANGUAGES.find((l) => l === kept.user.language);
  if (!chosen && theirs && theirs !== language.peek()) await speak(theirs);
}

export function hasUnsent(): boolean {
  return unsent.peek().length > 0 || waitingFiles.peek().length > 0 || stuckFiles.peek().length > 0 || buffered.peek() > 0;
}

/** Sign out, once everything is on the server or was taken away as a file; false when something waits. */
export async function signOut(isExported = false): Promise<boolean> {
  await syncNow();
  if (hasUnsent() && !isExported) return false;
  const answer = await fetch("/api/v1/session", { method: "DELETE" }).catch(() => null);
  if (!answer) return false;
  disconnect();
  await (await (await navigator.serviceWorker?.getRegistration())?.pushManager?.getSubscription())?.unsubscribe();
  await forgetAll();
  location.reload();
  return true;
}

/** Empty the phone of one person's rows; look and language stay. */
async function forgetAll(): Promise<void> {
  const kept = await db.meta.where("key").anyOf("theme", "language").toArray();
  await db.transaction("rw", db.tables, async () => {
    await Promise.all(db.tables.map((table) => table.clear()));
    await db.meta.bulkPut(kept);
  });
  await open();
}

/** Ask anew who we are: the gateway's address or the time zone may have changed. */
async function renewMe(): Promise<void> {
  const answer = await fetch("/api/v1/me", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) await keepMe((await answer.json()) as Me);
}

export interface Problem {
  code: string;
  params: Params;
}

export async function problemOf(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => ({}))) as { code?: string; params?: Params };
  return { code: body.code ?? "refused", params: { ...(body as Params), ...body.params } };
}

/** A refusal in words; a code newer than this app is shown as it is. */
export function refusalText(problem: { code: string | null; params?: Record<string, unknown> }): string {
  const key = `error.${problem.code ?? "refused"}`;
  if (!has(key)) return t("phone.refused.unknown", { code: problem.code ?? "?" });
  const params: Params = {};
  for (const [name, value] of Object.entries(problem.params ?? {}))
    if (typeof value === "string" || typeof value === "number") params[name] = value;
  return t(key, params);
}

// ── storage, install, versions ──

/** Ask the system to keep our storage; browsers may say no, so the answer is shown. */
export async function askForKeeping(): Promise<void> {
  if (!navigator.storage?.persist) return;
  isPersisted.value = (await navigator.storage.persisted()) || (await navigator.storage.persist());
}

/** Remove photos the server has checked; how many bytes that freed. */
export async function freeSpace(): Promise<number> {
  let freed = 0;
  await db.transaction("rw", db.files, db.blobs, async () => {
    const stored = await db.files.where("state").equals("stored").and((f) => f.has_bytes).toArray();
    freed = stored.reduce((sum, f) => sum + f.size, 0);
    const names = stored.map((f) => f.sha256);
    await db.blobs.bulkDelete(names);
    await db.files.where("sha256").anyOf(names).modify({ has_bytes: false });
  });
  isStorageFull.value = false;
  await refresh();
  return freed;
}

export async function install(): Promise<void> {
  const prompt = installPrompt.value;
  if (!prompt) return;
  await prompt.prompt();
  if ((await prompt.userChoice).outcome === "accepted") installPrompt.value = null;
}

/** Switch to the new version; everything typed or unsent lies in the database and stays. */
export function restart(): void {
  const waiting = updateReady.value;
  history.replaceState(null, "", "#/today");
  if (!waiting) return location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  waiting.postMessage({ t: "activate" });
}

/** Fetch the newest version and switch to it; what waits stays where it is. */
export async function update(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.update().catch(() => undefined);
  const fresh = registration?.installing;
  if (fresh) await new Promise<void>((done) => fresh.addEventListener("statechange", () => fresh.state !== "installing" && done()));
  if (registration?.waiting) updateReady.value = registration.waiting;
  restart();
}

async function registerWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register("/rep/sw.js", { scope: "/rep/" });
  const look = () => {
    if (registration.waiting && navigator.serviceWorker.controller) updateReady.value = registration.waiting;
  };
  look();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
  setInterval(() => void registration.update().catch(() => undefined), 30 * EVERY_MS);
}

/** Everything that keeps running once the first screen stands. */
export async function start(asked: Promise<Me | null> | null): Promise<void> {
  await enterBySession(asked).finally(() => { isAsking.value = false; });
  onNudge.pull = () => void syncNow();
  isOnline.value = navigator.onLine; // the network may have come while the session was asked for
  addEventListener("online", () => {
    isOnline.value = true;
    void syncNow();
  });
  addEventListener("offline", () => {
    isOnline.value = false;
    offlineSince.value ??= Date.now();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void refresh().then(syncNow);
  });
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    installPrompt.value = event as InstallPromptEvent;
  });
  addEventListener("appinstalled", () => {
    isInstalled.value = true;
    installPrompt.value = null;
  });
  setInterval(() => {
    if (!document.hidden) void syncNow();
  }, EVERY_MS);
  if (!navigator.onLine) offlineSince.value = Date.now();
  void registerWorker();
  isPersisted.value = (await navigator.storage?.persisted?.()) ?? null;
  if (me.peek()) {
    void renewMe();
    void syncNow();
    setTimeout(() => void loadAllClients(), 300);
  }
  await begin();
}

export { unsentFiles };
