/** One simulated phone: the app's own code over a storage that survives reloads, and a journal beside it. */
import { AsyncLocalStorage } from "node:async_hooks";
import { PhoneDb } from "../src/db";
import type { Client, Entry, Visit } from "../src/docs";
import { newId } from "../src/ids";
import { overlayMessages, type Message } from "../src/messages/rules";
import { overlayJoints, overlayVisits } from "../src/overlay";
import { isUnsent } from "../src/sent";
import { Sync, type Progress } from "../src/sync";
import type { JointDoc } from "../src/wire.gen";
import { restored, Storage } from "./storage";
import { Talk } from "./talk";
import type { Clock, Told } from "./told";

/** Real time, epoch ms. */
export const realNow = Date.now.bind(Date);
const holder = new AsyncLocalStorage<Phone>();
const DAY_MS = 86_400_000;
let clock: Clock = { start_ms: 0, origin_ms: 0, speed: 1 };
Date.now = () => {
  const phone = holder.getStore();
  return (phone?.pressedAt ?? productNow()) + (phone?.clockError ?? 0);
};

/** The product's time: real, or as fast as the long run's. */
export function productNow(): number {
  return Math.round(clock.start_ms + (realNow() - clock.origin_ms) * clock.speed);
}

export function setClock(told: Clock): void {
  clock = told;
}

/** How long a day of the product takes; 0 where it takes a day. */
export function realDayMs(): number {
  return clock.speed === 1 ? 0 : DAY_MS / clock.speed;
}

/** Wait for a moment of the product's time; a moment that has passed is no reason to wait. */
export async function until(ms: number): Promise<void> {
  for (let left = ms - productNow(); left > 0; left = ms - productNow()) await Bun.sleep(Math.max(1, left / clock.speed));
}

/** The app was reloaded while something was under way. */
export class Reloaded extends Error {}

/** What the rep saw being kept, noted outside the app. */
export interface Noted {
  id: string;
  seq: number;
  kind: string;
  subject_id: string;
  payload: unknown;
  device_at_ms: number;
  offset_ms: number;
}

interface Life {
  gone: AbortController;
  reloaded: Promise<never>;
}

export class Phone {
  storage = new Storage();
  db: PhoneDb = this.storage.open();
  sync!: Sync;
  clockError: number;
  readonly journal = new Map<string, Noted>();
  readonly photos = new Map<string, number>();
  readonly trace: string[] = [];
  readonly troubles: string[] = [];
  readonly faults: Record<string, number> = {};
  /** What it is about, for who watches. */
  stage = "begin";
  readonly talk = new Talk(realNow);
  /** Nothing of it moved for too long: whatever still waits for it ends. */
  isGivenUp = false;
  progress: Progress = { phase: "idle", problem: null, first: null, file: null };
  private life!: Life;
  private whole: Promise<void> = Promise.resolve();
  private ahead: Promise<void> = Promise.resolve();

  constructor(readonly told: Told) {
    this.clockError = told.clock_error_ms;
    if (this.clockError) this.fault("clock_wrong");
  }

  /** Run something with this phone's clock. */
  inside<T>(work: () => Promise<T>): Promise<T> {
    return holder.run(this, work);
  }

  async begin(): Promise<void> {
    await this.db.put("device_id", newId());
    this.live();
  }

  note(what: string): void {
    this.trace.push(`${realNow()} ${what}`);
  }

  fault(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
    this.note(`-- ${kind}`);
  }

  private live(): void {
    const gone = new AbortController();
    const reloaded = new Promise<never>((_, fail) => gone.signal.addEventListener("abort", () => fail(new Reloaded())));
    reloaded.catch(() => undefined);
    this.life = { gone, reloaded };
    this.sync = this.engine(this.db, gone.signal);
  }

  private engine(db: PhoneDb, gone: AbortSignal): Sync {
    return new Sync(db, this.told.origin, {
      fetch: ((url: string, init: RequestInit) => this.fetch(url, init, gone)) as typeof fetch,
      deviceNow: () => productNow() + this.clockError,
      appVersion: "bench", deviceName: async () => "bench", changed: () => undefined,
      progress: (p) => { if (!gone.aborted) this.progress = p; },
    });
  }

  /** As the browser sends it: with the session's cookie; nothing goes out of an app that is gone. */
  private fetch(url: string, init: RequestInit, gone: AbortSignal): Promise<Response> {
    if (gone.aborted) return new Promise(() => undefined);
    if (this.isOffline()) return Promise.reject(new TypeError("no network"));
    const signal = AbortSignal.any([gone, ...(init.signal ? [init.signal] : [])]);
    const headers = { ...(init.headers as Record<string, string>), Cookie: this.told.cookie };
    return this.talk.over(`${init.method} ${url.slice(this.told.origin.length)}`, fetch(url, { ...init, signal, headers }));
  }

  /** One line: what it is about, what it did last, and the requests it waits for. */
  standing(): string {
    const [at, ...last] = (this.trace.at(-1) ?? `${realNow()} begun`).split(" ");
    return `phone ${this.told.number}: ${this.stage}, ${this.progress.phase} ${this.progress.problem ?? ""}; ${this.talk.since(Number(at))} ago ${last.join(" ")}; waits for ${this.talk.waiting()}`;
  }

  /** The product's moment at which the rep presses, while he does: the long run's clock is too quick for him. */
  pressedAt: number | null = null;

  // ── what happens to it ──

  /** Wait for work, unless the app is reloaded meanwhile (then Reloaded). */
  async during<T>(work: () => Promise<T>): Promise<T> {
    await this.whole;
    this.pressedAt = productNow();
    const promise = work().finally(() => (this.pressedAt = null));
    promise.catch(() => undefined);
    return Promise.race([promise, this.life.reloaded]);
  }

  /** Let the app die after so many turns of the event loop, wherever it then is. */
  reloadAfter(turns: number): Promise<void> {
    this.ahead = this.ahead.then(async () => {
      for (let i = 0; i < turns; i++) await new Promise((done) => setImmediate(done));
      await this.reload();
    });
    return this.ahead;
  }

  /** Until every reload that was to come has come. */
  async calm(): Promise<void> {
    await this.ahead;
  }

  private reload(): Promise<void> {
    this.fault("reload");
    const kept = this.storage.committed();
    this.db.close();
    this.life.gone.abort();
    this.whole = (async () => {
      [this.storage, this.db] = await restored(kept);
      this.live();
      await this.lookThrough();
    })();
    return this.whole;
  }

  /** What was kept without the rep having seen it counts as done; what he saw and is gone is a loss. */
  async lookThrough(): Promise<void> {
    const entries = new Map((await this.db.outbox.toArray()).map((e) => [e.id, e]));
    for (const e of entries.values()) this.noteEntry(e);
    for (const n of this.journal.values()) {
      const e = entries.get(n.id);
      if (!e) this.troubles.push(`lost on the phone: ${n.seq} ${n.kind}`);
      else if (JSON.stringify(e.payload) !== JSON.stringify(n.payload)) this.troubles.push(`changed after it was kept: ${n.seq} ${n.kind}`);
    }
    for (const [sha, size] of this.photos) {
      const kept = await this.db.blobs.get(sha);
      if (kept?.bytes.byteLength !== size) this.troubles.push(`photo gone from the phone: ${sha}`);
    }
  }

  noteEntry(e: Entry): void {
    if (this.journal.has(e.id)) return;
    const { id, seq, kind, subject_id, payload, device_at_ms, offset_ms } = e;
    this.journal.set(id, { id, seq, kind, subject_id, payload: structuredClone(payload), device_at_ms, offset_ms });
    this.note(`${seq} ${kind} ${subject_id.slice(-6)}`);
  }

  turnClock(byMs: number): void {
    this.clockError += byMs;
    this.fault("clock_turned");
  }

  /**
   * Sync once; a fault of the network is no error of the engine, anything it throws is. Nobody waits for the
   * engine of an app that is gone: it may hang on a request that never went out.
   */
  async syncOnce(engine = this.sync): Promise<void> {
    const { gone, reloaded } = this.life;
    try {
      await Promise.race([engine.run(), reloaded]);
    } catch (error) {
      if (!gone.signal.aborted) this.troubles.push(`the engine failed: ${String((error as Error).stack ?? error).slice(0, 400)}`);
    }
  }

  /** The app open in a second tab of a browser without locks: both sync at once. */
  async secondTab(): Promise<void> {
    this.fault("two_tabs");
    const other = this.storage.open();
    await this.syncOnce(this.engine(other, this.life.gone.signal));
    other.close();
  }

  // ── what the rep sees ──

  async shown(): Promise<ReadonlyMap<string, Visit>> {
    return overlayVisits(await this.db.visits.toArray(), await this.db.outbox.toArray());
  }

  async joints(): Promise<JointDoc[]> {
    return overlayJoints(await this.db.joints.toArray(), await this.db.outbox.toArray());
  }

  async messages(): Promise<Message[]> {
    return overlayMessages(await this.db.messages.toArray(), await this.db.outbox.toArray());
  }

  /** The day that the rep lives in. */
  today(): string {
    const first = this.told.days?.[0];
    const gone = first ? Math.floor((productNow() - first.begins_ms) / DAY_MS) : 0;
    return new Date(Date.parse(this.told.today) + gone * DAY_MS).toISOString().slice(0, 10);
  }

  /** Local midnight, epoch ms; without days of its own: any moment of today. */
  beginOf(day: string): number {
    const known = this.told.days?.at(0);
    return known ? known.begins_ms + Date.parse(day) - Date.parse(known.day) : productNow() - DAY_MS;
  }

  private isOffline(): boolean {
    const now = productNow();
    const is = this.told.offline?.some(([from, to]) => from <= now && now < to) ?? false;
    if (is && !this.wasOffline) this.fault("offline");
    return (this.wasOffline = is);
  }
  private wasOffline = false;

  /** What the rep himself remembers, whatever becomes of the app. */
  remembered(what: string, make: () => string): string {
    if (!this.memory.has(what)) this.memory.set(what, make());
    return this.memory.get(what)!;
  }
  private readonly memory = new Map<string, string>();

  dayAfter(days: number): string {
    return new Date(Date.parse(this.today()) + days * DAY_MS).toISOString().slice(0, 10);
  }

  client(id: string): Promise<Client | undefined> {
    return this.db.clients.get(id);
  }

  /** Everything is answered and every file that was named is there. */
  async isSettled(): Promise<boolean> {
    const entries = new Map((await this.db.outbox.toArray()).map((e) => [e.id, e]));
    if ([...entries.values()].some((e) => isUnsent(e) || (e.status === "applied" && !e.settled))) return false;
    const waiting = await this.db.files.where("state").equals("waiting").toArray();
    return this.progress.problem === null && !waiting.some((f) => entries.get(f.entry_id ?? "")?.status !== "refused");
  }
}
