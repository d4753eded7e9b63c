// Made by `python -m fieldcrm.wire.typescript` from fieldcrm/wire/sync.py: edit that.
export const PROTOCOL_VERSION = 1;
export const SCHEMA = "9683bd32d89a73d6";

export interface AttachmentDoc {
  id: string;
  sha256: string;
  kind: string;
  content_type: string;
  size: number;
  taken_at_ms: number | null;
  is_stored: boolean;
}

export interface AttachmentRef {
  id: string;
  sha256: string;
  kind?: "audio" | "photo";
  content_type?: string;
  size?: number;
  taken_at_ms?: number | null;
  lat?: number | null;
  lng?: number | null;
}

export interface CancelPayload {
  reason?: string | null;
  comment?: string | null;
}

export interface Change {
  entity: "client" | "form" | "message" | "plan" | "product" | "profile" | "shift" | "visit";
  id: string;
  op: "del" | "put";
  doc?: Record<string, unknown> | null;
}

export interface CheckInPayload {
  position?: Position | null;
  no_gps_reason?: string | null;
  photo_sha256?: string | null;
  comment?: string | null;
  attachments?: AttachmentRef[];
}

export interface ClientConsentPayload {
  channel: "call" | "email" | "message" | "visit";
  state: "asked" | "given" | "withdrawn";
  on: string;
  source?: "call" | "form" | "message" | "other" | "visit";
  text?: string;
}

export interface ClientCorrectPayload {
  name?: string;
  address?: string | null;
  city?: string | null;
  lat?: number;
  lng?: number;
  comment?: string | null;
  attachments?: AttachmentRef[];
}

export interface ClientCreatePayload {
  kind: "buyer" | "doctor" | "organisation" | "pharmacist" | "pharmacy";
  name: string;
  specialty?: string | null;
  phone?: string | null;
  address?: string | null;
  city?: string | null;
  lat?: number | null;
  lng?: number | null;
  place_id?: string | null;
  note?: string | null;
}

export interface ClientDoc {
  id: string;
  kind: string;
  name: string;
  specialty: string | null;
  category: string | null;
  loyalty: string | null;
  phone: string | null;
  phone_e164: string | null;
  email: string | null;
  website: string | null;
  address: string | null;
  city: string | null;
  postcode: string | null;
  lat: number | null;
  lng: number | null;
  opening_hours: string | null;
  visit_minutes: number | null;
  tags: string[];
  note: string | null;
  own_fields: Record<string, unknown>;
  people: Workplace[];
  workplaces: Workplace[];
  promises: PromiseDoc[];
  history: PastVisit[];
  cycle: CycleFigures | null;
  version: number;
  shelf?: ShelfFigure[];
  evidence?: Record<string, Proof>;
  consents?: Record<string, Consent>;
}

export interface ClientFieldDoc {
  field: FormField;
  kinds: ("buyer" | "doctor" | "organisation" | "pharmacist" | "pharmacy")[];
  is_editable: boolean;
  is_file?: boolean;
  is_of_desk?: boolean;
  is_sent?: boolean;
}

export interface ClientFieldPayload {
  name: string;
  value?: unknown;
  base?: unknown;
  file?: FieldFile | null;
}

export interface ClientNotePayload {
  note?: string | null;
  base_note?: string | null;
}

export interface ClosePayload {
  result?: "closed_place" | "declined" | "met" | "not_met" | "order" | "out_of_stock" | null;
  position?: Position | null;
  no_gps_reason?: string | null;
  comment?: string | null;
  details?: VisitDetails;
  next_step?: NextStep | null;
  attachments?: AttachmentRef[];
}

export interface Colleague {
  id: string;
  name: string;
}

export interface Consent {
  state: "asked" | "given" | "withdrawn";
  on: string;
  source: string;
  text: string;
}

export interface CorrectionDoc {
  id: string;
  client_id: string;
  client_name: string;
  asked_at_ms: number;
  wanted: Record<string, unknown>;
  comment: string | null;
  photos: number;
  status: "accepted" | "declined" | "open";
  decided_at_ms: number | null;
  decided_by: string | null;
  reason: string | null;
}

export interface CreatePayload {
  client_id: string;
  day: string;
  place_id?: string | null;
  objective?: string | null;
}

export interface CycleFigures {
  planned: number;
  actual: number;
  scheduled: number;
  remaining: number;
}

export interface CycleProgress {
  done: number;
  planned: number;
  pace: number;
}

export interface DayOrderPayload {
  day: string;
  visit_ids: string[];
}

export interface DayReplanPayload {
  day: string;
  comment?: string | null;
}

export interface DeviceAnswer {
  device_id: string;
  last_seq: number;
  server_time_ms: number;
  export_key?: string;
}

export interface DeviceHello {
  device_id: string;
  name?: string;
  app_version?: string;
}

export interface Empty {
}

export interface ExportContent {
  rep_id: string;
  device_id: string;
  made_at_ms: number;
  mutations: unknown[];
  photos?: ExportPhoto[];
}

export interface ExportPhoto {
  sha256: string;
  base64: string;
}

export interface ExportReport {
  rep_id: string;
  rep_name: string;
  made_at_ms: number;
  applied: number;
  refused: number;
  waiting: number;
  photos: number;
  photos_refused: number;
  results: MutationResult[];
}

export interface FieldConflict {
  field: string;
  mine: unknown;
  theirs: unknown;
  by: string | null;
  at_ms: number | null;
}

export interface FieldFile {
  sha256: string;
  name: string;
  size: number;
}

export interface FilledForm {
  form_id: string;
  version: number;
  answers: Record<string, unknown>;
}

export interface FormCheck {
  rule: string;
  field: string;
  text: string | Record<string, string>;
}

export interface FormDefinition {
  title: string | Record<string, string>;
  kinds: ("buyer" | "doctor" | "organisation" | "pharmacist" | "pharmacy")[];
  fields: FormField[];
  next_step?: "optional" | "required";
  checks?: FormCheck[];
}

export interface FormDoc {
  id: string;
  form_id: string;
  version: number;
  is_active: boolean;
  definition: FormDefinition;
}

export interface FormField {
  name: string;
  type: "agreement" | "choice" | "choices" | "date" | "email" | "money" | "number" | "phone" | "photo" | "products" | "questionnaire" | "samples" | "signature" | "stock" | "text" | "yes_no";
  label: string | Record<string, string>;
  hint?: string | Record<string, string> | null;
  when?: string | null;
  required?: boolean;
  required_when?: string | null;
  options?: FormOption[];
  questions?: FormOption[];
  min?: number | null;
  max?: number | null;
  total?: number | null;
  whole?: boolean;
  unit?: string | Record<string, string> | null;
  with_price?: boolean;
  text?: string | Record<string, string> | null;
}

export interface FormOption {
  value: string;
  label: string | Record<string, string>;
}

export interface JointAnswerPayload {
  answer: "confirmed" | "declined" | "withdrawn";
  position?: Position | null;
}

export interface JointAskPayload {
  visit_id: string;
  colleague_id: string;
}

export interface JointDoc {
  id: string;
  visit_id: string;
  is_mine: boolean;
  other_name: string;
  client_name: string;
  place_name: string | null;
  day: string;
  at_ms: number | null;
  status: "asked" | "confirmed" | "declined" | "withdrawn";
  answered_at_ms: number | null;
}

export interface Lunch {
  start_min: number;
  minutes: number;
}

export interface MessageAnswerPayload {
  answer: "accepted" | "declined" | "done" | "seen";
  comment?: string | null;
}

export interface MessageDoc {
  id: string;
  kind: "plan" | "reminder" | "task";
  text: string;
  by: string | null;
  created_at_ms: number;
  day: string | null;
  due_at_ms: number | null;
  client_id: string | null;
  place: string | null;
  lat: number | null;
  lng: number | null;
  radius_m: number | null;
  seen_at_ms: number | null;
  accepted_at_ms: number | null;
  declined_at_ms: number | null;
  done_at_ms: number | null;
  comment: string | null;
  version: number;
}

export interface MovePayload {
  day: string;
  reason?: string | null;
  new_visit_id?: string | null;
}

export interface Mutation {
  id: string;
  seq: number;
  kind: string;
  subject_id: string;
  device_at_ms: number;
  offset_ms?: number;
  base_version?: number | null;
  payload?: Record<string, unknown>;
}

export interface MutationResult {
  id: string;
  seq: number;
  status: "applied" | "refused" | "waiting";
  code?: string | null;
  params?: Record<string, unknown>;
  version?: number | null;
  conflicts?: FieldConflict[];
}

export interface NextStep {
  text: string;
  due_on?: string | null;
}

export interface PastVisit {
  id: string;
  day: string;
  result: string | null;
  comment: string | null;
  rep_name: string;
}

export interface PlaceTime {
  at_ms: number;
  device_at_ms: number | null;
  server_at_ms: number;
  offset_ms: number;
  lat: number | null;
  lng: number | null;
  accuracy_m: number | null;
  fix_at_ms: number | null;
  is_mock: boolean | null;
  source: string | null;
  no_gps_reason: string | null;
  position_state: "absent" | "fresh" | "inaccurate" | "stale";
}

export interface PlanDoc {
  id: string;
  day: string;
  version: number;
  stops: PlanStop[];
  line: number[][];
  drive_s: number;
  distance_m: number;
}

export interface PlanStop {
  visit_id: string;
  position: number;
  arrive_at_ms: number | null;
  start_at_ms: number | null;
  leave_at_ms: number | null;
  travel_s: number | null;
  travel_m: number | null;
  mode: string | null;
}

export interface Position {
  lat: number;
  lng: number;
  fix_at_ms: number;
  accuracy_m?: number | null;
  is_mock?: boolean | null;
  source?: string;
}

export interface ProductDoc {
  id: string;
  name: string;
  is_active: boolean;
}

export interface ProfileDoc {
  id: string;
  name: string;
  team_id: string | null;
  team_name: string | null;
  mode: string;
  language: string;
  start_lat: number | null;
  start_lng: number | null;
  shift_start_min: number;
  shift_end_min: number;
  lunch: Lunch;
  territories: string[];
  cycle: CycleProgress | null;
  colleagues?: Colleague[];
  client_fields?: ClientFieldDoc[];
}

export interface PromiseDoc {
  id: string;
  text: string;
  due_on: string | null;
  done_at_ms: number | null;
  visit_id: string | null;
}

export interface Proof {
  source: string;
  on: string;
  text: string;
}

export interface Pull {
  cursor: string;
  more: boolean;
  reset: boolean;
  changes: Change[];
  server_time_ms: number;
}

export interface Push {
  device_id: string;
  mutations: Mutation[];
  schema?: string;
  device_now_ms?: number | null;
}

export interface PushAnswer {
  results: MutationResult[];
  last_seq: number;
  server_time_ms: number;
}

export interface Receipt {
  day: string;
  rep_id: string;
  visits: ReceiptVisit[];
  photos: string[];
  issued_at_ms: number;
  signed: string;
}

export interface ReceiptVisit {
  id: string;
  state: "cancelled" | "closed" | "missed" | "moved" | "planned" | "under_way";
  version: number;
  photos: number;
  photos_stored: number;
}

export interface RevisePayload {
  comment?: string | null;
  result?: "closed_place" | "declined" | "met" | "not_met" | "order" | "out_of_stock";
  details?: VisitDetails;
  next_step?: NextStep | null;
  attachments?: AttachmentRef[];
}

export interface ShelfFigure {
  product_id: string;
  is_there: boolean;
  price: number | null;
  day: string;
  at_ms: number;
  rep_name: string;
  visit_id: string;
}

export interface ShiftDoc {
  id: string;
  started_at_ms: number;
  ended_at_ms: number | null;
  pauses: ShiftPause[];
}

export interface ShiftPause {
  from_ms: number;
  to_ms: number | null;
  kind: string;
}

export interface ShiftPausePayload {
  kind?: "lunch" | "time_off";
}

export interface VisitDetails {
  products?: string[];
  samples?: Record<string, number>;
  stock?: Record<string, boolean>;
  form?: FilledForm | null;
  no_next_step?: string | null;
}

export interface VisitDoc {
  id: string;
  rep_id: string;
  team_id: string;
  client_id: string;
  place_id: string | null;
  lat: number | null;
  lng: number | null;
  state: "cancelled" | "closed" | "missed" | "moved" | "planned" | "under_way";
  day: string;
  position: number;
  planned_at_ms: number | null;
  planned_minutes: number;
  expected_at_ms: number | null;
  pause_min: number;
  travel_s: number | null;
  travel_m: number | null;
  travel_mode: string | null;
  is_locked: boolean;
  is_unplanned: boolean;
  priority: number;
  objective: string | null;
  plan_reason: Record<string, unknown> | null;
  checked_in_at_ms: number | null;
  closed_at_ms: number | null;
  check_in: PlaceTime | null;
  check_out: PlaceTime | null;
  result: "closed_place" | "declined" | "met" | "not_met" | "order" | "out_of_stock" | null;
  comment: string | null;
  details: VisitDetails;
  reason: string | null;
  moved_to_id: string | null;
  promise_id: string | null;
  verdict: "confirmed" | "contradicted" | "doubtful" | "unjudged";
  verdict_reasons: string[];
  conflicts: string[];
  attachments: AttachmentDoc[];
  updated_at_ms: number;
  version: number;
}

export interface Workplace {
  id: string;
  name: string;
  role: string | null;
  hours: string | null;
  is_main: boolean;
}

export interface Payloads {
  "shift.start": Empty;
  "shift.end": Empty;
  "shift.pause": ShiftPausePayload;
  "shift.resume": Empty;
  "visit.check_in": CheckInPayload;
  "visit.close": ClosePayload;
  "visit.create": CreatePayload;
  "visit.move": MovePayload;
  "visit.cancel": CancelPayload;
  "visit.revise": RevisePayload;
  "promise.done": Empty;
  "client.note": ClientNotePayload;
  "client.field": ClientFieldPayload;
  "client.consent": ClientConsentPayload;
  "client.create": ClientCreatePayload;
  "client.correct": ClientCorrectPayload;
  "message.answer": MessageAnswerPayload;
  "joint.ask": JointAskPayload;
  "joint.answer": JointAnswerPayload;
  "day.order": DayOrderPayload;
  "day.replan": DayReplanPayload;
}

export interface Docs {
  "profile": ProfileDoc;
  "visit": VisitDoc;
  "client": ClientDoc;
  "product": ProductDoc;
  "form": FormDoc;
  "shift": ShiftDoc;
  "plan": PlanDoc;
  "message": MessageDoc;
  "correction": CorrectionDoc;
  "joint": JointDoc;
}
