/** What the phone keeps: the server's documents, its own actions, files and positions. */
import type { State } from "./life";
import type { ClientDoc, FieldConflict, PlanDoc, ProductDoc, ProfileDoc, ShiftDoc, VisitDetails, VisitDoc } from "./wire.gen";

/** A visit as the phone shows it: the server's, with what the phone did since on top. */
export interface Visit extends VisitDoc {
  /** This shows an action the server has not taken in yet. */
  unsent?: boolean;
  moved_to_day?: string;
}
export interface Shift extends ShiftDoc {
  unsent?: boolean;
}
export type Client = ClientDoc;
export type Product = ProductDoc;
export type DayPlan = PlanDoc;
export type Profile = ProfileDoc;
export type Verdict = VisitDoc["verdict"];
export type ResultName = NonNullable<VisitDoc["result"]>;

/** What GET /api/v1/me tells; kept so that the app opens without the server. */
export interface Me {
  user: { id: string; name: string; role: string; language: string; login?: string };
  team: { id: string; name: string } | null;
  gateway: string;
  timezone: string;
  sample: boolean;
  region: { name: string; bbox: number[]; centre: [number, number] } | null;
  schema: string;
  server_time_ms: number;
}

export interface NewAttachment {
  id: string;
  sha256: string;
  kind: "photo" | "audio";
  content_type: string;
  size: number;
  taken_at_ms: number;
  lat: number | null;
  lng: number | null;
}

export type Kind =
  | "shift.start" | "shift.end" | "shift.pause" | "shift.resume"
  | "visit.check_in" | "visit.close" | "visit.create" | "visit.move" | "visit.cancel" | "visit.revise"
  | "promise.done" | "client.note" | "client.field" | "client.consent" | "client.create" | "client.correct" | "message.answer" | "day.order" | "day.replan" | "joint.ask" | "joint.answer";

/** ready: never sent. sent: frozen, no answer yet. applied, refused: the server's answer. */
export type EntryStatus = "ready" | "sent" | "applied" | "refused";

/** One action of the rep: never changed once made, kept until the server has answered and after. */
export interface Entry {
  id: string;
  seq: number;
  kind: Kind;
  subject_id: string;
  base_version: number | null;
  /** The phone's own clock when the rep pressed. */
  device_at_ms: number;
  /** Server clock minus phone clock, as known then. */
  offset_ms: number;
  payload: Record<string, unknown>;
  status: EntryStatus;
  code: string | null;
  params: Record<string, unknown>;
  version: number | null;
  answered_at_ms: number | null;
  /** 1 once a pull after the answer has brought what the server made of it. */
  settled: 0 | 1;
  /** Whose visit it is; kept, as the visit itself may leave the phone. */
  client_id?: string | null;
  /** Fields that somebody else changed as well: the rep chooses. */
  conflicts?: FieldConflict[];
  /** 1 once the rep has dealt with a refusal or a conflict. */
  dismissed: 0 | 1;
  /** Whose visit or card, for the outbox's list. */
  title: string;
}

/** held: not yet part of an action; waiting: to be sent; stored: the server has it, hash checked. */
export type FileState = "held" | "waiting" | "stored" | "refused";

export interface StoredFile extends Omit<NewAttachment, "kind"> {
  /** file: what a client's card is given. */
  kind: NewAttachment["kind"] | "file";
  /** Of which visit, or of which client's card. */
  visit_id: string;
  entry_id: string | null;
  state: FileState;
  /** Bytes the server has confirmed. */
  offset: number;
  code: string | null;
  /** False once stored and cleared away to make room. */
  has_bytes: boolean;
}

/** A photo's bytes, apart from its row, so that listing photos reads none. */
export interface FileBytes {
  sha256: string;
  bytes: ArrayBuffer;
}

/** A position of this phone on its way to the gateway; `n` is its sequence number. */
export interface BufferedFix {
  n?: number;
  at: number;
  lat: number;
  lng: number;
  acc: number | null;
  spd: number | null;
  crs: number | null;
  bat: number | null;
  chg: boolean | null;
}

/** What the rep has typed of a visit not closed yet. */
export interface Draft {
  visit_id: string;
  result: ResultName | null;
  comment: string;
  details: VisitDetails;
  next_text: string;
  next_on: string | null;
  saved_at_ms: number;
}

export interface PlanRow {
  id: string;
  name: string;
  place: string;
  position: number;
  at_ms: number | null;
  state: State;
  is_locked: boolean;
}

/** A change of today's plan that came from outside, until the rep has seen it. */
export interface Notice {
  n?: number;
  at_ms: number;
  day: string;
  before: PlanRow[];
  after: PlanRow[];
  seen: 0 | 1;
}
