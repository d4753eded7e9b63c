/** What the rep does: each press becomes one entry of the outbox, stored before anything is sent. */
import type { Client, Draft, Entry, Kind, NewAttachment, StoredFile, Visit } from "./docs";
import type { PhoneDb } from "./db";
import { answerOf } from "./idb";
import { newId, sha256 } from "./ids";
import type { CheckInPayload, ClosePayload, Payloads, Position } from "./wire.gen";

export interface Subject {
  id: string;
  version: number | null;
  title: string;
  client_id?: string | null;
}

/** What an action says, and the files that begin to wait for sending with it. */
interface Told<K extends Kind> {
  payload: Payloads[K];
  files: StoredFile[];
}

type Pressed = Pick<Entry, "device_at_ms" | "offset_ms">;

/**
 * Store one action with the next number; `files` of it (by hash) begin to wait for sending. One that
 * is done anew keeps the moment at which the rep `pressed` the first time.
 */
export async function act<K extends Kind>(
  db: PhoneDb, kind: K, subject: Subject, payload: Payloads[K], files: string[] = [], clearDraftOf: string | null = null,
  pressed: Pressed | null = null,
): Promise<Entry> {
  const tell = async (tx: IDBTransaction): Promise<Told<K>> => {
    const known = await Promise.all(files.map((sha) => answerOf<StoredFile | undefined>(tx.objectStore("files").get(sha))));
    return { payload, files: known.filter((f) => f !== undefined) };
  };
  return store(db, kind, subject, tell, clearDraftOf, pressed);
}

/** One transaction, and one wait for the disk: whatever the action needs to know is read within it. */
function store<K extends Kind>(
  db: PhoneDb, kind: K, subject: Subject, tell: (tx: IDBTransaction) => Promise<Told<K>>, clearDraftOf: string | null = null,
  pressed: Pressed | null = null,
): Promise<Entry> {
  const deviceNow = Date.now();
  return db.write([db.outbox, db.meta, db.files, ...(clearDraftOf ? [db.drafts] : [])], async (tx) => {
    const kept = <T>(key: string) => answerOf<{ value: T } | undefined>(tx.objectStore("meta").get(key));
    const [last, offset, told] = await Promise.all([kept<number>("last_seq"), kept<number>("offset_ms"), tell(tx)]);
    const entry: Entry = {
      id: newId(deviceNow), seq: (last?.value ?? 0) + 1, kind, subject_id: subject.id, base_version: subject.version,
      device_at_ms: pressed?.device_at_ms ?? deviceNow,
      offset_ms: pressed?.offset_ms ?? offset?.value ?? 0, client_id: subject.client_id ?? null, conflicts: [],
      payload: told.payload as Record<string, unknown>, status: "ready", code: null, params: {}, version: null,
      answered_at_ms: null, settled: 0, dismissed: 0, title: subject.title,
    };
    tx.objectStore("outbox").add(entry);
    tx.objectStore("meta").put({ key: "last_seq", value: entry.seq });
    for (const file of told.files) tx.objectStore("files").put({ ...file, state: "waiting", entry_id: entry.id });
    if (clearDraftOf) tx.objectStore("drafts").delete(clearDraftOf);
    return entry;
  });
}

/** Keep a picture or sound at once, before the visit is closed: a crash loses nothing. */
export async function keepPhoto(
  db: PhoneDb, visitId: string, bytes: ArrayBuffer, contentType: string, position: Position | null,
  kind: StoredFile["kind"] = "photo",
): Promise<string> {
  const hash = await sha256(bytes);
  const file: StoredFile = {
    id: newId(), sha256: hash, kind, content_type: contentType, size: bytes.byteLength,
    taken_at_ms: Date.now() + ((await db.get<number>("offset_ms")) ?? 0),
    lat: position?.lat ?? null, lng: position?.lng ?? null,
    visit_id: visitId, entry_id: null, state: "held", offset: 0, code: null, has_bytes: true,
  };
  await db.transaction("rw", db.files, db.blobs, async () => {
    if (await db.files.get(hash)) return;
    await db.blobs.put({ sha256: hash, bytes });
    await db.files.add(file);
  });
  return hash;
}

/** Forget a picture that no action names yet. */
export async function dropPhoto(db: PhoneDb, hash: string): Promise<void> {
  await db.transaction("rw", db.files, db.blobs, async () => {
    await db.files.delete(hash);
    await db.blobs.delete(hash);
  });
}

/** The named files of a visit, as the wire wants them. */
export async function attachmentsOf(db: PhoneDb, hashes: string[]): Promise<NewAttachment[]> {
  const files = (await db.files.bulkGet(hashes)).filter((f) => f !== undefined);
  return files.map(named);
}

function named({ id, sha256, kind, content_type, size, taken_at_ms, lat, lng }: StoredFile): NewAttachment {
  return { id, sha256, kind: kind as NewAttachment["kind"], content_type, size, taken_at_ms, lat, lng };
}

/** Pictures taken for a visit that no action names yet. */
export async function heldPhotos(db: PhoneDb, visitId: string): Promise<string[]> {
  const files = await db.files.where("visit_id").equals(visitId).toArray();
  return files.filter((f) => f.state === "held" && f.kind !== "file").map((f) => f.sha256);
}

/** A visit as the subject of an action. */
export function subjectOf(visit: Visit, title: string): Subject {
  return { id: visit.id, version: visit.version, title, client_id: visit.client_id };
}

export async function checkIn(
  db: PhoneDb, visit: Visit, title: string, position: Position | null, noGpsReason: string | null, comment: string,
): Promise<Entry> {
  return store(db, "visit.check_in", subjectOf(visit, title), async (tx) => {
    const mine = await answerOf<StoredFile[]>(tx.objectStore("files").index("visit_id").getAll(visit.id));
    const files = mine.filter((f) => f.state === "held");
    const payload: CheckInPayload = {
      position, no_gps_reason: noGpsReason, comment: comment.trim() || null, photo_sha256: files[0]?.sha256 ?? null,
      attachments: files.map(named),
    };
    return { payload, files };
  });
}

export async function closeVisit(
  db: PhoneDb, visit: Visit, title: string, draft: Draft, position: Position | null, noGpsReason: string | null,
  answered: string[] = [],
): Promise<Entry> {
  const hashes = [...new Set([...(await heldPhotos(db, visit.id)), ...answered])];
  const next = draft.next_text.trim();
  const payload: ClosePayload = {
    position, no_gps_reason: noGpsReason, result: draft.result, comment: draft.comment.trim() || null,
    details: draft.details, next_step: next ? { text: next, due_on: draft.next_on } : null,
    attachments: await attachmentsOf(db, hashes),
  };
  return act(db, "visit.close", subjectOf(visit, title), payload, hashes, visit.id);
}

/** An unplanned visit today; its id, for going straight to the check-in. */
export async function createVisit(
  db: PhoneDb, client: Client, placeId: string | null, day: string, objective: string,
): Promise<string> {
  const id = newId();
  const payload = { client_id: client.id, place_id: placeId, day, objective: objective.trim() || null };
  await act(db, "visit.create", { id, version: null, title: client.name, client_id: client.id }, payload);
  return id;
}
