/** Settling what the rep and the office both changed: the rep chooses, nothing is thrown away. */
import { act } from "./actions";
import type { Client, Entry, Kind, Visit } from "./docs";
import type { PhoneDb } from "./db";
import { dayOf } from "./i18n";
import { newId } from "./ids";
import { leadsTo } from "./life";
import type { AttachmentRef, FieldConflict, RevisePayload } from "./wire.gen";

export type Choice = "mine" | "theirs" | "both";

/** An answer that waits for the rep: a refusal, or fields that two people changed. */
export function needsChoice(entry: Entry): boolean {
  return !entry.dismissed && (entry.status === "refused" || (entry.conflicts ?? []).length > 0);
}

/** Everything refused of one row, in order: it is settled together. */
export function refusedOf(entries: Entry[], subjectId: string): Entry[] {
  return entries.filter((e) => e.subject_id === subjectId && e.status === "refused" && !e.dismissed).sort((a, b) => a.seq - b.seq);
}

const HELD: ReadonlySet<Kind> = new Set(["visit.check_in", "visit.close"]);

/** Whether the rep's side can still be carried out, and how: done anew, or as another, unplanned visit. */
export function wayToKeep(mine: Entry[], visit: Visit | undefined): "again" | "unplanned" | null {
  if (mine.length === 0 || mine.some((e) => !e.kind.startsWith("visit."))) return null;
  if (visit && mine.every((e) => leadsTo(visit.state, e.kind.slice("visit.".length)) !== null)) return "again";
  const took_place = mine.every((e) => HELD.has(e.kind)) && (visit?.client_id ?? mine[0]!.client_id);
  return took_place ? "unplanned" : null;
}

/** Carry out the rep's side: what he did keeps the time and place at which he did it. */
export async function keepMine(db: PhoneDb, mine: Entry[], visit: Visit | undefined): Promise<void> {
  const way = wayToKeep(mine, visit);
  if (!way) return;
  const subject = way === "again" ? mine[0]!.subject_id : await unplannedFor(db, mine, visit);
  const before = way === "unplanned" ? await appliedCheckIn(db, mine) : [];
  for (const entry of [...before, ...mine]) await replay(db, entry, subject, way === "again" ? (visit?.version ?? null) : null);
  await settle(db, mine);
}

async function unplannedFor(db: PhoneDb, mine: Entry[], visit: Visit | undefined): Promise<string> {
  const id = newId();
  const first = (await appliedCheckIn(db, mine))[0] ?? mine[0]!;
  const payload = {
    client_id: (visit?.client_id ?? first.client_id)!, place_id: visit?.place_id ?? null,
    day: dayOf(first.device_at_ms + first.offset_ms), objective: visit?.objective ?? null,
  };
  await act(db, "visit.create", { id, version: null, title: first.title, client_id: payload.client_id }, payload, [], null, first);
  return id;
}

/** A closing alone was refused: the check-in it belongs to was taken in before the office cancelled. */
async function appliedCheckIn(db: PhoneDb, mine: Entry[]): Promise<Entry[]> {
  if (mine.some((e) => e.kind === "visit.check_in")) return [];
  const all = await db.outbox.where("subject_id").equals(mine[0]!.subject_id).toArray();
  return all.filter((e) => e.kind === "visit.check_in" && e.status === "applied").slice(-1);
}

async function replay(db: PhoneDb, entry: Entry, subject: string, version: number | null): Promise<void> {
  const named = entry.payload.attachments as AttachmentRef[] | undefined;
  const payload = named ? { ...entry.payload, attachments: named.map((a) => ({ ...a, id: newId() })) } : entry.payload;
  const files = await db.files.where("sha256").anyOf(named?.map((a) => a.sha256) ?? []).toArray();
  const to = { id: subject, version, title: entry.title, client_id: entry.client_id };
  await act(db, entry.kind, to, payload as never, files.filter((f) => f.state !== "stored").map((f) => f.sha256), null, entry);
}

/** The office's side stands: the rep's words stay in the list of what was sent, his photos on the phone. */
export async function takeTheirs(db: PhoneDb, mine: Entry[]): Promise<void> {
  await settle(db, mine);
}

async function settle(db: PhoneDb, mine: Entry[]): Promise<void> {
  const ids = mine.map((e) => e.id);
  await db.transaction("rw", db.outbox, db.files, async () => {
    await db.outbox.where("id").anyOf(ids).modify({ dismissed: 1 });
    const left = db.files.filter((f) => f.entry_id !== null && ids.includes(f.entry_id) && f.state === "waiting");
    await left.modify({ state: "refused", code: "given_up" });
  });
}

/** The office's side stands, and the rep's words go to the client's card. */
export async function keepAsNote(db: PhoneDb, client: Client, mine: Entry[], words: string): Promise<void> {
  const note = [client.note, words].filter(Boolean).join("\n");
  const subject = { id: client.id, version: client.version, title: client.name };
  await act(db, "client.note", subject, { note, base_note: client.note });
  await settle(db, mine);
}

const TEXTS: ReadonlySet<string> = new Set(["comment", "note"]);

/** Both sides of a text can stay, one under the other; of a choice only one can. */
export function canKeepBoth(c: FieldConflict): boolean {
  return TEXTS.has(c.field) && Boolean(c.mine) && Boolean(c.theirs);
}

function chosen(c: FieldConflict, choice: Choice): unknown {
  if (choice === "both") return `${String(c.theirs)}\n${String(c.mine)}`;
  return choice === "mine" ? c.mine : c.theirs;
}

/** Send the rep's choice for every field of an answer, on top of the newest version. */
export async function settleFields(
  db: PhoneDb, entry: Entry, choices: Record<string, Choice>, visit: Visit | undefined, client: Client | undefined,
): Promise<void> {
  const values = Object.fromEntries((entry.conflicts ?? []).map((c) => [c.field, chosen(c, choices[c.field] ?? "theirs")]));
  if (entry.kind === "client.note" && client) {
    const subject = { id: client.id, version: client.version, title: entry.title };
    await act(db, "client.note", subject, { note: values.note as string | null, base_note: client.note });
  } else if (entry.kind === "client.field" && client) {
    const name = entry.payload.name as string;
    const subject = { id: client.id, version: client.version, title: entry.title };
    await act(db, "client.field", subject, { name, value: values[`own.${name}`], base: client.own_fields[name] ?? null });
  } else if (visit) {
    const subject = { id: visit.id, version: visit.version, title: entry.title, client_id: visit.client_id };
    await act(db, "visit.revise", subject, values as RevisePayload);
  }
  await settle(db, [entry]);
}
