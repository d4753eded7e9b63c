/** The phone's own database: everything a day needs, before it is needed. */
import Dexie, { type Table } from "dexie";
import type {
  BufferedFix, Client, DayPlan, Draft, Entry, FileBytes, Notice, Product, Profile, Shift, StoredFile, Visit,
} from "./docs";
import type { Touched } from "./memory";
import { NAME, VERSION } from "./idb";
import type { CorrectionDoc, FormDoc, JointDoc, MessageDoc } from "./wire.gen";

export class PhoneDb extends Dexie {
  meta!: Table<{ key: string; value: unknown }, string>;
  visits!: Table<Visit, string>;
  clients!: Table<Client, string>;
  products!: Table<Product, string>;
  shifts!: Table<Shift, string>;
  plans!: Table<DayPlan, string>;
  profiles!: Table<Profile, string>;
  outbox!: Table<Entry, string>;
  files!: Table<StoredFile, string>;
  blobs!: Table<FileBytes, string>;
  fixes!: Table<BufferedFix, number>;
  drafts!: Table<Draft, string>;
  notices!: Table<Notice, number>;
  forms!: Table<FormDoc, string>;
  corrections!: Table<CorrectionDoc, string>;
  joints!: Table<JointDoc, string>;
  messages!: Table<MessageDoc, string>;
  /** What was written of the server's rows and not read into memory yet. */
  touched: Touched = null;

  constructor(name = NAME) {
    super(name, { chromeTransactionDurability: "strict" }); // kept means on disk: a flat battery takes nothing back
    // What an older phone has no place for it passed over: that comes with a copy from the beginning.
    this.version(VERSION).stores({
      meta: "key",
      visits: "id, day, client_id",
      clients: "id",
      products: "id",
      shifts: "id",
      plans: "id, day",
      profiles: "id",
      outbox: "id, &seq, status, subject_id",
      files: "sha256, state, visit_id",
      blobs: "sha256",
      fixes: "++n",
      drafts: "visit_id",
      notices: "++n, seen",
      forms: "id",
      messages: "id",
      corrections: "id, client_id",
      joints: "id, visit_id",
    }).upgrade((tx) => tx.table("meta").delete("cursor"));
  }

  /**
   * One durable transaction without the layers between, for what a press of the rep waits for; its result
   * once the disk has it. `work` awaits nothing but requests of the transaction. Raises what aborted it.
   */
  async write<T>(tables: Table[], work: (tx: IDBTransaction) => Promise<T>): Promise<T> {
    const tx = (await this.bare()).transaction(tables.map((t) => t.name), "readwrite", { durability: "strict" });
    const kept = new Promise<void>((done, failed) => {
      tx.oncomplete = () => done();
      tx.onabort = () => failed(tx.error ?? new DOMException("given up", "AbortError"));
    });
    const worked = work(tx).then((made) => (tx.commit(), made)).catch((error: unknown) => {
      if (tx.error === null) tx.abort();
      throw tx.error ?? error;
    });
    return (await Promise.all([worked, kept]))[0];
  }

  /** The browser's own database below. */
  async bare(): Promise<IDBDatabase> {
    if (!this.isOpen()) await this.get("last_seq"); // opens what was never open, refuses what was closed
    return this.backendDB();
  }

  async get<T>(key: string): Promise<T | undefined> {
    return (await this.meta.get(key))?.value as T | undefined;
  }

  async put(key: string, value: unknown): Promise<void> {
    await this.meta.put({ key, value });
  }
}

/** Note what a pull wrote; `reset`: everything. */
export function touch(db: PhoneDb, changes: { entity: string; id: string }[], reset: boolean): void {
  if (reset) db.touched = null;
  for (const { entity, id } of db.touched ? changes : []) {
    const known = db.touched!.get(entity);
    if (known) known.add(id);
    else db.touched!.set(entity, new Set([id]));
  }
}

/** Which table a pulled entity goes to. */
export function tableOf(db: PhoneDb, entity: string): Table<{ id: string }, string> | null {
  const tables: Record<string, Table<any, string>> = {
    visit: db.visits, client: db.clients, product: db.products, shift: db.shifts, plan: db.plans, profile: db.profiles,
    form: db.forms, correction: db.corrections, joint: db.joints, message: db.messages,
  };
  return tables[entity] ?? null;
}

/** Whether an error means that the phone has no room left. */
export function isStorageFull(error: unknown): boolean {
  const e = error as { name?: string; inner?: { name?: string } } | null;
  return e?.name === "QuotaExceededError" || e?.inner?.name === "QuotaExceededError";
}
