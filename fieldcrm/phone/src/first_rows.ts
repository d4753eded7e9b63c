/** What the first screen shows, read in one transaction: while the app's code is still on its way, if the page began it. */
import type { Client, DayPlan, Entry, Me, Notice, Product, Profile, Shift, StoredFile, Visit } from "./docs";
import { dayOf, timezone } from "./i18n";
import { answerOf, openedAhead } from "./idb";
import { isOpen } from "./sent";
import type { CorrectionDoc, FormDoc, JointDoc } from "./wire.gen";

/** What the phone keeps of itself, and the tables that are small enough to be read whole. */
export interface FirstRows {
  stored: Map<string, unknown>;
  outbox: Entry[];
  files: StoredFile[];
  notices: Notice[];
  profiles: Profile[];
  products: Product[];
  shifts: Shift[];
  plans: DayPlan[];
  forms: FormDoc[];
  corrections: CorrectionDoc[];
  joints: JointDoc[];
  /** Of today, those with open actions, and whom they lead to. */
  visits: Map<string, Visit>;
  clients: Map<string, Client>;
}

const SMALL = ["profiles", "products", "shifts", "plans", "forms", "corrections", "joints"] as const;

/** Read them. The day hangs on the company's time zone, so that is set here, before anything is shown. */
export async function firstRows(db: IDBDatabase): Promise<FirstRows> {
  const tx = db.transaction(["meta", "outbox", "files", "notices", "visits", "clients", ...SMALL]);
  const whole = <T>(source: IDBObjectStore | IDBIndex) => answerOf<T[]>(source.getAll() as IDBRequest<T[]>);
  const table = (name: string) => tx.objectStore(name);
  const asked = Promise.all([whole<{ key: string; value: unknown }>(table("meta")), whole<Entry>(table("outbox").index("seq"))]);
  const small = Promise.all(SMALL.map(async (name) => [name, await whole(table(name))]));
  const rest = Promise.all([whole<StoredFile>(table("files")), answerOf<Notice[]>(table("notices").index("seen").getAll(0))]);
  const [meta, outbox] = await asked;
  const stored = new Map(meta.map((m) => [m.key, m.value]));
  timezone.value = (stored.get("me") as Me | undefined)?.timezone;
  const today = dayOf(Date.now() + ((stored.get("offset_ms") as number | undefined) ?? 0));
  const named = new Set(outbox.filter(isOpen).map((e) => e.subject_id));
  const [days, others] = await Promise.all([answerOf<Visit[]>(table("visits").index("day").getAll(today)), found<Visit>(table("visits"), named)]);
  const visits = byId([...days, ...others]);
  const clients = byId(await found<Client>(table("clients"), clientsOf(visits.values())));
  const [files, notices] = await rest;
  return { ...(Object.fromEntries(await small) as Pick<FirstRows, (typeof SMALL)[number]>), stored, outbox, files, notices, visits, clients };
}

/** The clients and places of visits. */
export function clientsOf(visits: Iterable<Visit>): Set<string> {
  return new Set([...visits].flatMap((v) => (v.place_id ? [v.client_id, v.place_id] : [v.client_id])));
}

function byId<T extends { id: string }>(rows: T[]): Map<string, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

async function found<T>(table: IDBObjectStore, ids: Set<string>): Promise<T[]> {
  const rows = await Promise.all([...ids].map((id) => answerOf<T | undefined>(table.get(id))));
  return rows.filter((row) => row !== undefined);
}

let ahead: Promise<FirstRows | null> | null = null;

/** Begin to read what the page began to open. */
export function readAhead(): void {
  ahead = openedAhead().then((db) => db && firstRows(db).finally(() => db.close())).catch(() => null);
}

/** What was read ahead, once; null where nothing was. */
export function takeAhead(): Promise<FirstRows | null> {
  const taken = ahead ?? Promise.resolve(null);
  ahead = null;
  return taken;
}
