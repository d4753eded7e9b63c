/** The phone's database without the layers over it: for what a press, or the first screen, waits for. */

export const NAME = "fieldcrm-phone";
export const VERSION = 4;
/** Dexie counts in tens. */
const AS_OPENED = 10 * VERSION;

declare global {
  /** The database as the page itself began to open it (index.html); null where there is none yet. */
  var phoneDb: Promise<IDBDatabase | null> | undefined;
}

/** The database that the page began to open; null where it is not of this version. */
export async function openedAhead(): Promise<IDBDatabase | null> {
  const db = (await globalThis.phoneDb) ?? null;
  if (db?.version === AS_OPENED) return db;
  db?.close();
  return null;
}

/** The answer of a request to the database. */
export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error as Error);
  });
}
