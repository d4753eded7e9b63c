/** The rep's unsent actions laid over the server's documents. Pure. */
import type { Client, Entry, Shift, Visit } from "./docs";
import { visitsOn } from "./diary";
import { dayOf } from "./i18n";
import { Laid } from "./laid";
import { leadsTo } from "./life";
import { isOpen, isUnsent } from "./sent";
import { putInOrder } from "./order";
import type {
  CancelPayload, CheckInPayload, ClosePayload, CreatePayload, MovePayload, PlaceTime, Position, RevisePayload,
  AttachmentDoc, AttachmentRef, ClientCreatePayload, DayOrderPayload, JointAnswerPayload, JointAskPayload, JointDoc, ProfileDoc, ShiftPausePayload,
} from "./wire.gen";

/** Visits as the rep should see them: the server's, with open actions in order on top. */
export function overlayVisits(docs: Visit[] | ReadonlyMap<string, Visit>, entries: Entry[], rep?: ProfileDoc): Laid<Visit> {
  const visits = new Laid(Array.isArray(docs) ? new Map(docs.map((v) => [v.id, v])) : docs);
  for (const entry of entries.filter((e) => isOpen(e) && /^(visit\.|day\.order)/.test(e.kind)).sort((a, b) => a.seq - b.seq))
    if (entry.kind === "day.order") order(visits, entry, rep);
    else apply(visits, entry);
  return visits;
}

/** The day as the rep ordered it, as the server will make it of the moment when he pressed. */
function order(visits: Laid<Visit>, entry: Entry, rep?: ProfileDoc): void {
  const { day, visit_ids } = entry.payload as unknown as DayOrderPayload;
  const whole = visitsOn(visits, day);
  for (const v of putInOrder(whole, visit_ids, rep, at(entry), dayOf(at(entry)) === day)) visits.set(v.id, v);
}

function apply(visits: Laid<Visit>, entry: Entry): void {
  const visit = visits.get(entry.subject_id);
  if (entry.kind === "visit.create") {
    if (!visit) visits.set(entry.subject_id, created(entry));
    return;
  }
  const to = visit && leadsTo(visit.state, entry.kind.slice("visit.".length));
  if (!visit || !to) return;
  const changes = CHANGES[entry.kind]!(entry, visit);
  visits.set(visit.id, { ...visit, ...changes, state: to, unsent: isUnsent(entry) || visit.unsent });
  if (entry.kind === "visit.move") addMoved(visits, visit, entry);
}

const CHANGES: Record<string, (entry: Entry, visit: Visit) => Partial<Visit>> = {
  "visit.check_in": (entry, visit) => {
    const p = entry.payload as CheckInPayload;
    return {
      checked_in_at_ms: at(entry),
      check_in: placeTime(entry, p.position, p.no_gps_reason),
      comment: p.comment || visit.comment,
      attachments: withNew(visit, p.attachments),
    };
  },
  "visit.close": (entry, visit) => {
    const p = entry.payload as ClosePayload;
    return {
      closed_at_ms: at(entry),
      check_out: placeTime(entry, p.position, p.no_gps_reason),
      result: p.result ?? null,
      comment: p.comment ?? null,
      details: p.details ?? {},
      verdict: "unjudged",
      attachments: withNew(visit, p.attachments),
    };
  },
  "visit.move": (entry) => {
    const p = entry.payload as unknown as MovePayload;
    return { reason: p.reason ?? null, moved_to_id: p.new_visit_id ?? null, moved_to_day: p.day };
  },
  "visit.cancel": (entry) => ({ reason: (entry.payload as CancelPayload).reason ?? null }),
  "visit.revise": (entry, visit) => {
    const p = entry.payload as RevisePayload;
    return {
      ...("comment" in p ? { comment: p.comment ?? null } : {}),
      ...(p.result ? { result: p.result } : {}),
      ...(p.details ? { details: p.details } : {}),
      attachments: withNew(visit, p.attachments),
    };
  },
};

function at(entry: Entry): number {
  return entry.device_at_ms + entry.offset_ms;
}

function placeTime(entry: Entry, position: Position | null | undefined, reason: string | null | undefined): PlaceTime {
  return {
    at_ms: at(entry), device_at_ms: entry.device_at_ms, server_at_ms: 0, offset_ms: entry.offset_ms,
    lat: position?.lat ?? null, lng: position?.lng ?? null, accuracy_m: position?.accuracy_m ?? null,
    fix_at_ms: position ? position.fix_at_ms + entry.offset_ms : null, is_mock: position?.is_mock ?? null,
    source: position?.source ?? null, no_gps_reason: reason ?? null, position_state: position ? "fresh" : "absent",
  };
}

function withNew(visit: Visit, added: AttachmentRef[] | undefined): AttachmentDoc[] {
  const known = new Set(visit.attachments.map((a) => a.id));
  const fresh = (added ?? []).filter((a) => !known.has(a.id)).map((a) => ({
    id: a.id, sha256: a.sha256, kind: a.kind ?? "photo", content_type: a.content_type ?? "image/jpeg",
    size: a.size ?? 0, taken_at_ms: a.taken_at_ms ?? null, is_stored: false,
  }));
  return [...visit.attachments, ...fresh];
}

function created(entry: Entry): Visit {
  const p = entry.payload as unknown as CreatePayload & { lat?: number | null; lng?: number | null };
  return {
    ...BLANK, id: entry.subject_id, client_id: p.client_id, place_id: p.place_id ?? null, day: p.day,
    objective: p.objective ?? null, is_unplanned: true, unsent: isUnsent(entry),
  };
}

function addMoved(visits: Laid<Visit>, old: Visit, entry: Entry): void {
  const p = entry.payload as unknown as MovePayload;
  if (!p.new_visit_id || visits.has(p.new_visit_id)) return;
  visits.set(p.new_visit_id, {
    ...BLANK, id: p.new_visit_id, client_id: old.client_id, place_id: old.place_id, lat: old.lat, lng: old.lng,
    day: p.day, objective: old.objective, planned_minutes: old.planned_minutes, priority: old.priority,
    promise_id: old.promise_id, unsent: isUnsent(entry),
  });
}

const BLANK: Visit = {
  id: "", rep_id: "", team_id: "", client_id: "", place_id: null, lat: null, lng: null, state: "planned", day: "",
  position: 0, planned_at_ms: null, planned_minutes: 15, expected_at_ms: null, pause_min: 0, travel_s: null, travel_m: null,
  travel_mode: null, is_locked: false, is_unplanned: false, priority: 1, objective: null, plan_reason: null,
  checked_in_at_ms: null, closed_at_ms: null, check_in: null, check_out: null, result: null, comment: null,
  details: {}, reason: null, moved_to_id: null, promise_id: null, verdict: "unjudged", verdict_reasons: [],
  conflicts: [], attachments: [], updated_at_ms: 0, version: 0,
};

/** The shift under way (or today's last) with the rep's unsent presses on top. */
export function overlayShifts(docs: Shift[], entries: Entry[]): Shift[] {
  const shifts = new Map(docs.map((s) => [s.id, s]));
  for (const entry of entries.filter((e) => isOpen(e) && e.kind.startsWith("shift.")).sort((a, b) => a.seq - b.seq)) {
    const next = shiftAfter(shifts.get(entry.subject_id), entry);
    if (next) shifts.set(next.id, { ...next, unsent: isUnsent(entry) });
  }
  return [...shifts.values()].sort((a, b) => a.started_at_ms - b.started_at_ms);
}

function shiftAfter(shift: Shift | undefined, entry: Entry): Shift | null {
  if (entry.kind === "shift.start")
    return shift ?? { id: entry.subject_id, started_at_ms: at(entry), ended_at_ms: null, pauses: [] };
  if (!shift || shift.ended_at_ms !== null) return shift ?? null;
  const closed = shift.pauses.map((p) => (p.to_ms === null ? { ...p, to_ms: at(entry) } : p));
  if (entry.kind === "shift.end") return { ...shift, ended_at_ms: at(entry), pauses: closed };
  if (entry.kind === "shift.resume") return { ...shift, pauses: closed };
  const kind = (entry.payload as ShiftPausePayload).kind ?? "lunch";
  const isPaused = shift.pauses.some((p) => p.to_ms === null);
  return isPaused ? shift : { ...shift, pauses: [...shift.pauses, { from_ms: at(entry), to_ms: null, kind }] };
}

/** Visits made by two, with the rep's unsent word on what he was asked or took back. */
export function overlayJoints(docs: JointDoc[], entries: Entry[]): JointDoc[] {
  const said = new Map(entries.filter((e) => isOpen(e) && e.kind === "joint.answer").map((e) => [e.subject_id, e.payload as unknown as JointAnswerPayload]));
  const known = new Set(docs.map((j) => j.id));
  const fresh = entries.filter((e) => isOpen(e) && e.kind === "joint.ask" && !known.has(e.subject_id)).map((e): JointDoc => ({
    id: e.subject_id, visit_id: (e.payload as unknown as JointAskPayload).visit_id, is_mine: true, other_name: e.title, client_name: "",
    place_name: null, day: "", at_ms: null, status: "asked", answered_at_ms: null,
  }));
  return [...docs, ...fresh].map((j) => (said.has(j.id) ? { ...j, status: said.get(j.id)!.answer } : j));
}

/** Promises the rep has ticked off and the server doesn't show as done yet. */
export function donePromises(entries: Entry[]): Set<string> {
  return new Set(entries.filter((e) => isOpen(e) && e.kind === "promise.done").map((e) => e.subject_id));
}

/** Clients found in the field, usable before the server knows them. */
export function newClients(entries: Entry[], known: ReadonlyMap<string, Client>): Client[] {
  return entries.filter((e) => isOpen(e) && e.kind === "client.create" && !known.has(e.subject_id)).map((e) => {
    const p = e.payload as unknown as ClientCreatePayload;
    const place = p.place_id ? known.get(p.place_id) : undefined;
    return {
      ...NO_CLIENT, id: e.subject_id, kind: p.kind, name: p.name, specialty: p.specialty ?? null, phone: p.phone ?? null,
      address: p.address ?? place?.address ?? null, lat: p.lat ?? place?.lat ?? null, lng: p.lng ?? place?.lng ?? null, note: p.note ?? null,
      workplaces: place ? [{ id: place.id, name: place.name, role: null, hours: null, is_main: true }] : [],
    };
  });
}

const NO_CLIENT: Client = {
  id: "", kind: "doctor", name: "", specialty: null, category: null, loyalty: null, phone: null, phone_e164: null, email: null,
  website: null, address: null, city: null, postcode: null, lat: null, lng: null, opening_hours: null, visit_minutes: null,
  tags: [], note: null, own_fields: {}, people: [], workplaces: [], promises: [], history: [], cycle: null, version: 0,
};
