/**
 * A server of the sync contract over real HTTP, with faults on order: it may answer nothing before
 * or after it has done the work, or fail. What it holds is open to look at.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import { leadsTo, type State } from "../src/life";
import type { Change, MovePayload, Mutation, MutationResult, VisitDoc } from "../src/wire.gen";

/** cut: the connection dies before the work is done. lose: after. Numbers are statuses. */
export type Fault = "cut" | "lose" | number | null;

export class Peer {
  visits = new Map<string, VisitDoc>();
  rows: Record<string, Map<string, Record<string, unknown>>> = {
    profile: new Map(), client: new Map(), product: new Map(), shift: new Map(), plan: new Map(),
  };
  results = new Map<string, MutationResult>();
  applied: Mutation[] = [];
  lastSeq = 0;
  files = new Map<string, Uint8Array[]>();
  whole = new Map<string, Uint8Array>();
  feed: { entity: string; id: string }[] = [];
  requests: string[] = [];
  refuse = new Map<string, string>();
  signedIn = true;
  clockAheadMs = 0;
  pageLimit = 500;
  fault: (request: string, count: number) => Fault = () => null;
  extra: (req: IncomingMessage, res: ServerResponse, path: string) => boolean = () => false;
  private counts = new Map<string, number>();
  private server = createServer((req, res) => void this.serve(req, res));

  async start(port = 0): Promise<string> {
    await new Promise<void>((done) => this.server.listen(port, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  now(): number {
    return Date.now() + this.clockAheadMs;
  }

  touch(entity: string, id: string): void {
    this.feed.push({ entity, id });
  }

  putVisit(visit: VisitDoc): void {
    this.visits.set(visit.id, visit);
    this.touch("visit", visit.id);
  }

  private async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? "/").split("?")[0]!;
    const name = `${req.method} ${path.replace(/[0-9a-f]{64}/, "*")}`;
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    this.requests.push(name);
    const fault = this.fault(name, count);
    const body = await read(req);
    if (fault === "cut") return void req.socket.destroy();
    if (typeof fault === "number") return void res.writeHead(fault).end();
    const answer = this.answer(req, path, body, res);
    if (fault === "lose") return void req.socket.destroy();
    if (answer === undefined) return;
    const { status, json, headers } = answer;
    res.writeHead(status, { "Content-Type": "application/json", ...headers });
    res.end(json === undefined ? undefined : JSON.stringify(json));
  }

  private answer(req: IncomingMessage, path: string, body: Uint8Array, res: ServerResponse): Answer | undefined {
    if (this.extra(req, res, path)) return undefined;
    if (!this.signedIn && path !== "/api/v1/session") return { status: 401, json: { code: "not_signed_in" } };
    if (path.startsWith("/api/v1/attachments/")) return this.attachment(req, path.split("/").pop()!, body);
    if (path === "/api/v1/sync/device") return { status: 200, json: { last_seq: this.lastSeq, server_time_ms: this.now() } };
    if (path === "/api/v1/sync/push") return { status: 200, json: this.push(JSON.parse(new TextDecoder().decode(body))) };
    if (path === "/api/v1/sync/pull") return { status: 200, json: this.pull(new URL(req.url!, "http://x").searchParams) };
    return { status: 404, json: { code: "not_found" } };
  }

  private push(request: { mutations: Mutation[] }) {
    const results = request.mutations.map((m) => this.take(m));
    return { results, last_seq: this.lastSeq, server_time_ms: this.now() };
  }

  private take(m: Mutation): MutationResult {
    const known = this.results.get(m.id);
    if (known) return known;
    if (m.seq !== this.lastSeq + 1) return { id: m.id, seq: m.seq, status: "waiting" };
    const code = this.refuse.get(m.kind) ?? this.apply(m);
    const result: MutationResult = code
      ? { id: m.id, seq: m.seq, status: "refused", code, params: {} }
      : { id: m.id, seq: m.seq, status: "applied", version: 2 };
    this.results.set(m.id, result);
    this.lastSeq = m.seq;
    return result;
  }

  private apply(m: Mutation): string | null {
    this.applied.push(m);
    if (m.kind.startsWith("shift.")) return this.shift(m);
    const visit = this.visits.get(m.subject_id);
    if (!m.kind.startsWith("visit.")) return null;
    if (m.kind === "visit.create") return null;
    if (!visit) return "visit_not_found";
    const to = leadsTo(visit.state as State, m.kind.slice(6));
    if (!to) return "illegal_move";
    const p = m.payload as unknown as Partial<VisitDoc> & MovePayload;
    const at = m.device_at_ms + (m.offset_ms ?? 0);
    const more = m.kind === "visit.check_in" ? { checked_in_at_ms: at }
      : m.kind === "visit.close" ? { closed_at_ms: at, result: p.result ?? null, comment: p.comment ?? null } : {};
    const attachments = [...visit.attachments, ...(p.attachments ?? []).map((a) => ({ ...a, is_stored: this.whole.has(a.sha256) }))];
    this.putVisit({ ...visit, ...more, attachments, state: to, version: visit.version + 1 });
    return null;
  }

  private shift(m: Mutation): null {
    const at = m.device_at_ms + (m.offset_ms ?? 0);
    const old = this.rows.shift!.get(m.subject_id) ?? { id: m.subject_id, started_at_ms: at, ended_at_ms: null, pauses: [] };
    this.rows.shift!.set(m.subject_id, m.kind === "shift.end" ? { ...old, ended_at_ms: at } : old);
    this.touch("shift", m.subject_id);
    return null;
  }

  private pull(query: URLSearchParams) {
    const from = Number(query.get("cursor") ?? 0);
    const all = from === 0 ? this.everything() : this.feed.slice(from - 1);
    const limit = from === 0 ? all.length : this.pageLimit;
    const page = all.slice(0, limit);
    const next = from === 0 ? this.feed.length + 1 : from + page.length;
    const changes: Change[] = page.map((f) => this.change(f.entity, f.id));
    return { cursor: String(next), more: page.length < all.length, reset: from === 0, changes, server_time_ms: this.now() };
  }

  private everything(): { entity: string; id: string }[] {
    const ids = Object.entries(this.rows).flatMap(([entity, rows]) => [...rows.keys()].map((id) => ({ entity, id })));
    return [...ids, ...[...this.visits.keys()].map((id) => ({ entity: "visit", id }))];
  }

  private change(entity: string, id: string): Change {
    const doc = entity === "visit" ? this.visits.get(id) : this.rows[entity]?.get(id);
    return { entity: entity as Change["entity"], id, op: doc ? "put" : "del", doc: (doc as Record<string, unknown>) ?? null };
  }

  private attachment(req: IncomingMessage, sha: string, body: Uint8Array): Answer {
    const parts = this.files.get(sha) ?? [];
    const held = this.whole.get(sha)?.length ?? parts.reduce((n, p) => n + p.length, 0);
    const complete = this.whole.has(sha) ? "?1" : "?0";
    if (req.method === "HEAD") return { status: held ? 200 : 404, headers: { "Upload-Offset": String(held), "Upload-Complete": complete } };
    const offset = Number(req.headers["upload-offset"]);
    if (offset !== held) return { status: 409, json: { code: "upload_offset" }, headers: { "Upload-Offset": String(held) } };
    parts.push(body);
    this.files.set(sha, parts);
    const size = Number(req.headers["upload-length"]);
    if (held + body.length < size) return { status: 204, headers: { "Upload-Offset": String(held + body.length) } };
    const whole = Buffer.concat(parts);
    if (createHash("sha256").update(whole).digest("hex") !== sha) {
      this.files.delete(sha);
      return { status: 422, json: { code: "hash_differs" } };
    }
    this.whole.set(sha, whole);
    for (const visit of this.visits.values())
      if (visit.attachments.some((a) => a.sha256 === sha))
        this.putVisit({ ...visit, attachments: visit.attachments.map((a) => a.sha256 === sha ? { ...a, is_stored: true } : a) });
    return { status: 201, headers: { "Upload-Offset": String(size) } };
  }
}

interface Answer {
  status: number;
  json?: unknown;
  headers?: Record<string, string>;
}

async function read(req: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
