/**
 * A phone's storage as a browser keeps it when the app dies: every committed transaction, nothing of
 * one that was under way.
 */
import Dexie from "dexie";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { PhoneDb } from "../src/db";

const NAME = "fieldcrm-phone";

/** Rows of every table. */
export type Kept = Map<string, unknown[]>;

interface RawTransaction {
  mode: string;
  _state: string;
  _abort(error: string | null): void;
}
interface RawDatabase {
  transactions: RawTransaction[];
  rawObjectStores: Map<string, { records: { values(): Iterable<{ value: unknown }> } }>;
}

export class Storage {
  private factory = new IDBFactory();

  /** The app's database on this storage; another connection each time, as in another tab. */
  open(): PhoneDb {
    Dexie.dependencies.indexedDB = this.factory as unknown as typeof Dexie.dependencies.indexedDB;
    Dexie.dependencies.IDBKeyRange = IDBKeyRange as unknown as typeof Dexie.dependencies.IDBKeyRange;
    return new PhoneDb(NAME);
  }

  /** What is kept if the app dies now. */
  committed(): Kept {
    const raw = (this.factory as unknown as { _databases: Map<string, RawDatabase> })._databases.get(NAME);
    const kept: Kept = new Map();
    if (!raw) return kept;
    for (const each of [...raw.transactions]) if (each.mode !== "readonly" && each._state !== "finished") each._abort(null);
    for (const [table, store] of raw.rawObjectStores) kept.set(table, Array.from(store.records.values(), (r) => r.value));
    return kept;
  }
}

/** A database that holds exactly this. */
export async function restored(kept: Kept): Promise<[Storage, PhoneDb]> {
  const storage = new Storage();
  const db = storage.open();
  await db.open();
  const filled = db.tables.filter((t) => kept.get(t.name)?.length);
  if (filled.length) await db.transaction("rw", filled, () => Promise.all(filled.map((t) => t.bulkAdd(kept.get(t.name)!))));
  return [storage, db];
}
