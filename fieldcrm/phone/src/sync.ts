/**
 * The sync engine: pushes the outbox in order, sends files by hash in pieces, pulls by cursor.
 *
 * Nothing here trusts that an answer arrives: an entry is frozen before its first send and sent
 * again until an answer is stored, a file goes on from the offset the server names, the cursor
 * moves in the same transaction as the rows it brought.
 */
import type { Entry, StoredFile, Visit } from "./docs";
import { PhoneDb, tableOf, touch } from "./db";
import { PROTOCOL_VERSION, SCHEMA, type Change, type DeviceAnswer, type MutationResult, type Pull, type PushAnswer } from "./wire.gen";

export const PUSH_LIMIT = 200;
/** About as much as a poor network carries before it breaks; one action may be larger. */
export const PUSH_BYTES = 512 * 1024;
export const PULL_LIMIT = 500;
export const PIECE_BYTES = 256 * 1024;
const PIECE_LEAST = 16 * 1024;

/** What the server says of a file that it will never take, however often it is sent. */
const NEVER: ReadonlySet<string> = new Set(["wrong_file_type", "file_too_large", "wrong_hash"]);

export type Problem = "offline" | "signed_out" | "too_old" | "server" | null;

export interface Progress {
  phase: "idle" | "push" | "pull" | "files";
  problem: Problem;
  /** Rows of the first copy so far; null once it is whole. */
  first: Record<string, number> | null;
  file: { sha256: string; sent: number; size: number } | null;
}

export interface Ports {
  fetch: typeof fetch;
  /** The phone's own clock, epoch ms. */
  deviceNow: () => number;
  appVersion: string;
  deviceName: () => Promise<string>;
  /** Called after every step that changed the database, and with the progress as it changes. */
  changed: () => Promise<void> | void;
  progress: (progress: Progress) => void;
}

class Stop extends Error {
  constructor(readonly problem: Exclude<Problem, null>) {
    super(problem);
  }
}

export class Sync {
  private running: Promise<void> | null = null;
  private again = false;
  private bestRtt = Infinity;
  private pieceBytes = PIECE_BYTES;
  private state: Progress = { phase: "idle", problem: null, first: null, file: null };

  constructor(readonly db: PhoneDb, readonly origin: string, readonly ports: Ports) {}

  /** Sync now; a call while one runs makes it run once more after. */
  run(): Promise<void> {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.locked().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async locked(): Promise<void> {
    const locks = globalThis.navigator?.locks;
    if (locks) await locks.request("fieldcrm-sync", () => this.loop());
    else await this.loop();
  }

  private async loop(): Promise<void> {
    do {
      this.again = false;
      await this.once();
    } while (this.again); // asked for meanwhile, perhaps since the network is back: also after a failure
  }

  private async once(): Promise<void> {
    try {
      await this.register();
      await this.push();
      await this.pull();
      await this.files();
      await this.db.put("synced_at_ms", this.ports.deviceNow());
      this.tell({ phase: "idle", problem: null, file: null });
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      this.tell({ phase: "idle", problem: error.problem, file: null });
    } finally {
      await this.ports.changed();
    }
  }

  private tell(part: Partial<Progress>): void {
    this.state = { ...this.state, ...part };
    this.ports.progress(this.state);
  }

  // ── HTTP ──

  private async request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const sentAt = this.ports.deviceNow();
    let response: Response;
    try {
      response = await this.ports.fetch(this.origin + path, {
        method, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(30_000), ...init,
        headers: { "X-Fieldcrm-Protocol": String(PROTOCOL_VERSION), ...init.headers },
      });
    } catch {
      throw new Stop("offline");
    }
    if (response.status === 401) throw new Stop("signed_out");
    if (response.status === 422 && (await codeOf(response.clone())) === "wire_too_old") throw new Stop("too_old");
    if (response.status >= 500 || response.status === 429) throw new Stop("server");
    this.sentAt = sentAt;
    return response;
  }
  private sentAt = 0;

  /** An answer with all of these fields: anything else is somebody else's, such as a WiFi's sign-in page. */
  private async json<T extends { server_time_ms: number }>(
    method: string, path: string, needed: (keyof T & string)[], body?: unknown,
  ): Promise<T> {
    const init = body === undefined ? {} : {
      body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    };
    const response = await this.request(method, path, init);
    const sentAt = this.sentAt;
    if (!response.ok) throw new Stop("server");
    let answer: T;
    try {
      answer = (await response.json()) as T;
    } catch {
      throw new Stop("offline"); // cut in the middle of the body
    }
    if (typeof answer?.server_time_ms !== "number" || needed.some((name) => answer[name] === undefined)) throw new Stop("offline");
    await this.measureClock(answer.server_time_ms, sentAt);
    return answer;
  }

  /** Keep the clock offset of the quickest round trip: it has the least room for error. */
  private async measureClock(serverMs: number, sentAt: number): Promise<void> {
    if (!Number.isFinite(serverMs)) return;
    const now = this.ports.deviceNow();
    const rtt = now - sentAt;
    const offset = Math.round(serverMs - (sentAt + now) / 2);
    const known = await this.db.get<number>("offset_ms");
    if (known !== undefined && rtt > this.bestRtt && Math.abs(known - offset) < rtt + 2000) return;
    this.bestRtt = rtt;
    if (known !== offset) await this.db.put("offset_ms", offset);
  }

  // ── device ──

  private async register(): Promise<void> {
    const name = await this.ports.deviceName();
    const told = `${this.ports.appVersion} ${name}`;
    if ((await this.db.get("registered")) === told) return;
    const device_id = await this.db.get<string>("device_id");
    const hello = { device_id, name, app_version: this.ports.appVersion };
    const answer = await this.json<DeviceAnswer>("POST", "/api/v1/sync/device", ["last_seq"], hello);
    if (answer.export_key) await this.db.put("export_key", answer.export_key);
    await this.db.put("registered", told);
  }

  // ── push ──

  private async push(): Promise<void> {
    let from = 0;
    for (;;) {
      const batch = await this.nextBatch(from);
      if (batch.length === 0) return;
      this.tell({ phase: "push" });
      await this.freeze(batch);
      const device_id = await this.db.get<string>("device_id");
      const answer = await this.json<PushAnswer>("POST", "/api/v1/sync/push", ["results", "last_seq"], {
        device_id, schema: SCHEMA, device_now_ms: this.ports.deviceNow(), mutations: batch.map(wire),
      });
      const answered = await this.keepAnswers(answer.results);
      await this.ports.changed();
      if (answered > 0) {
        from = 0;
      } else if (from === 0 && answer.last_seq + 1 < batch[0]!.seq) {
        from = answer.last_seq + 1; // the server lacks earlier ones (it was restored): send those too
      } else {
        return;
      }
    }
  }

  /** Unanswered entries in order; with `from`, everything kept from that number on. */
  private async nextBatch(from: number): Promise<Entry[]> {
    if (from > 0) return fitting(await this.db.outbox.where("seq").aboveOrEqual(from).limit(PUSH_LIMIT).sortBy("seq"));
    const open = await this.db.outbox.where("status").anyOf("ready", "sent").sortBy("seq");
    return fitting(open.slice(0, PUSH_LIMIT));
  }

  private async freeze(batch: Entry[]): Promise<void> {
    const fresh = batch.filter((e) => e.status === "ready").map((e) => e.id);
    if (fresh.length) await this.db.outbox.where("id").anyOf(fresh).modify({ status: "sent" });
  }

  private async keepAnswers(results: MutationResult[]): Promise<number> {
    let answered = 0;
    await this.db.transaction("rw", this.db.outbox, this.db.files, async () => {
      for (const result of results) {
        const entry = await this.db.outbox.get(result.id);
        if (!entry || result.status === "waiting" || entry.status === "applied" || entry.status === "refused") continue;
        answered++;
        await this.db.outbox.update(result.id, {
          status: result.status, code: result.code ?? null, params: result.params ?? {},
          version: result.version ?? null, conflicts: result.conflicts ?? [], answered_at_ms: this.ports.deviceNow(),
        });
      }
    });
    return answered;
  }

  // ── pull ──

  private async pull(): Promise<void> {
    this.tell({ phase: "pull" });
    const shownByThis = await this.db.outbox
      .where("status").anyOf("applied", "refused").and((e) => !e.settled).primaryKeys();
    const isFirst = !(await this.db.get("first_copy"));
    const counts: Record<string, number> = {};
    for (;;) {
      const cursor = (await this.db.get<string>("cursor")) ?? "0";
      const page = await this.json<Pull>(
        "GET", `/api/v1/sync/pull?cursor=${encodeURIComponent(cursor)}&limit=${PULL_LIMIT}`, ["cursor", "changes"],
      );
      await this.keepPage(page);
      if (isFirst) {
        for (const c of page.changes) counts[c.entity] = (counts[c.entity] ?? 0) + 1;
        this.tell({ first: { ...counts } });
        await this.ports.changed();
      }
      if (!page.more) break;
    }
    if (isFirst) await this.db.put("first_copy", true);
    await this.db.outbox.where("id").anyOf(shownByThis).modify({ settled: 1 });
    this.tell({ first: null });
    await this.ports.changed();
  }

  /** Rows and cursor in one transaction, so that a crash between them loses nothing. */
  private async keepPage(page: Pull): Promise<void> {
    const db = this.db;
    const tables = [db.meta, db.visits, db.clients, db.products, db.forms, db.shifts, db.plans, db.profiles, db.corrections, db.joints, db.messages];
    await db.transaction("rw", tables, async () => {
      if (page.reset) await Promise.all(tables.slice(1).map((t) => t.clear()));
      for (const [entity, changes] of byEntity(page.changes)) await keepChanges(db, entity, changes);
      await db.put("cursor", page.cursor);
    });
    touch(db, page.changes, page.reset);
  }

  // ── files ──

  private async files(): Promise<void> {
    const waiting = await this.db.files.where("state").equals("waiting").primaryKeys();
    const ends: (boolean | null)[] = [];
    for (const sha of waiting) {
      const file = await this.db.files.get(sha);
      if (file?.has_bytes && (await this.isNamed(file))) ends.push(await this.sendFile(file));
    }
    if (ends.includes(true)) await this.pull(); // the visit is complete now: fetch what the server makes of it
    if (ends.includes(null)) throw new Stop("server");
  }

  /** A file may go once the action that names it was taken in. */
  private async isNamed(file: StoredFile): Promise<boolean> {
    const entry = file.entry_id ? await this.db.outbox.get(file.entry_id) : undefined;
    return entry === undefined || entry.status === "applied";
  }

  /** True once it is stored, false when it never will be, null when the server would not have it now. */
  private async sendFile(file: StoredFile): Promise<boolean | null> {
    const { bytes } = (await this.db.blobs.get(file.sha256))!;
    for (let tries = 0; tries < 3; tries++) {
      const there = await this.request("HEAD", `/api/v1/attachments/${file.sha256}`);
      const code = isWhole(there) ? null : await this.sendFrom(file, bytes, offsetIn(there));
      if (code === null) return this.fileStored(file);
      if (NEVER.has(code) && (code !== "wrong_hash" || tries === 2)) return this.fileRefused(file, code);
    } // another offset, or spoilt on the way and thrown away by the server: begin where it says
    return null;
  }

  /**
   * Send what is missing from an offset on; null once the server has it whole, else what stopped it. Every
   * byte may be there in a file that its server died before keeping: an empty piece makes it keep it.
   */
  private async sendFrom(file: StoredFile, bytes: ArrayBuffer, from: number): Promise<string | null> {
    for (let offset = from; ; ) {
      this.tell({ phase: "files", file: { sha256: file.sha256, sent: offset, size: file.size } });
      const answer = await this.sendPiece(file, offset, bytes.slice(offset, offset + this.pieceBytes));
      if (!answer.ok) return codeOf(answer);
      if (answer.status !== 201 && answer.status !== 204) throw new Stop("offline"); // not our server's way of saying yes
      const next = offsetIn(answer);
      if (answer.status === 201 || next <= offset) return answer.status === 201 ? null : "wrong_offset";
      offset = next;
      await this.db.files.update(file.sha256, { offset });
    }
  }

  /** A network that breaks in the middle of a piece gets smaller ones, else it would never get one whole. */
  private async sendPiece(file: StoredFile, offset: number, piece: ArrayBuffer): Promise<Response> {
    try {
      const answer = await this.request("PUT", `/api/v1/attachments/${file.sha256}`, {
        body: piece,
        headers: {
          "Content-Type": file.content_type, "Upload-Offset": String(offset), "Upload-Length": String(file.size),
        },
      });
      this.pieceBytes = Math.min(PIECE_BYTES, this.pieceBytes * 2);
      return answer;
    } catch (error) {
      this.pieceBytes = Math.max(PIECE_LEAST, this.pieceBytes / 2);
      throw error;
    }
  }

  private async fileStored(file: StoredFile): Promise<true> {
    await this.db.files.update(file.sha256, { state: "stored", offset: file.size });
    await this.ports.changed();
    return true;
  }

  private async fileRefused(file: StoredFile, code: string): Promise<false> {
    await this.db.files.update(file.sha256, { state: "refused", code });
    await this.ports.changed();
    return false;
  }
}

/** Whether the server says that it holds a file under its name: no number of bytes says so. */
function isWhole(answer: Response): boolean {
  return answer.headers.get("Upload-Complete") === "?1";
}

/** How many bytes of a file the server has; an answer that does not say so is not our server's. */
function offsetIn(answer: Response): number {
  const told = answer.headers.get("Upload-Offset");
  if (told === null) throw new Stop("offline");
  return Number(told);
}

/** The first actions that go together: at least one, not many more bytes than a poor network carries. */
function fitting(batch: Entry[]): Entry[] {
  let bytes = 0;
  const end = batch.findIndex((e) => (bytes += JSON.stringify(e.payload).length + 300) > PUSH_BYTES);
  return end < 0 ? batch : batch.slice(0, Math.max(1, end));
}

/** An action as it goes over the wire. */
export function wire(e: Entry) {
  return {
    id: e.id, seq: e.seq, kind: e.kind, subject_id: e.subject_id, base_version: e.base_version,
    device_at_ms: e.device_at_ms, offset_ms: e.offset_ms, payload: e.payload,
  };
}

async function codeOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { code?: string }).code ?? `http_${response.status}`;
  } catch {
    return `http_${response.status}`;
  }
}

function byEntity(changes: Change[]): Map<string, Change[]> {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const group = groups.get(change.entity);
    if (group) group.push(change);
    else groups.set(change.entity, [change]);
  }
  return groups;
}

async function keepChanges(db: PhoneDb, entity: string, changes: Change[]): Promise<void> {
  const table = tableOf(db, entity);
  if (!table) return; // a newer server's entity
  const last = new Map(changes.map((c) => [c.id, c]));
  const puts = [...last.values()].filter((c) => c.op === "put" && c.doc);
  await table.bulkPut(puts.map((c) => ({ ...(c.doc as unknown as Visit), id: c.id })));
  await table.bulkDelete([...last.values()].filter((c) => c.op === "del").map((c) => c.id));
}
