/** Whether a look kept of Today (look.ts) is still true. */
import type { Me } from "./docs";

declare const __VERSION__: string;

const OFFSET_STEP_MS = 600_000;
const SAID = ["me", "cursor", "last_seq", "offset_ms"];
const STATES = ["ready", "sent", "applied", "refused"];

/**
 * What changes with all that Today is drawn from: who it is, how far the server's rows are read, what the rep
 * did and what became of it; and with the app and its language. Raises what kept it from being read.
 */
export function stampOf(db: IDBDatabase): Promise<string> {
  const tx = db.transaction(["meta", "outbox"]);
  const said = SAID.map((key) => tx.objectStore("meta").get(key) as IDBRequest<{ value: unknown } | undefined>);
  const counts = STATES.map((state) => tx.objectStore("outbox").index("status").count(state));
  return new Promise((done, failed) => {
    tx.oncomplete = () => {
      const [me, cursor, last, offset] = said.map((r) => r.result?.value) as [Me | undefined, unknown, unknown, unknown];
      const minutes = Math.round(Number(offset ?? 0) / OFFSET_STEP_MS);
      done(JSON.stringify([__VERSION__, localStorage.getItem("fieldcrm.language"), me?.user.id, me?.timezone, cursor, last, minutes, ...counts.map((c) => c.result)]));
    };
    tx.onabort = () => failed(tx.error as Error);
  });
}
