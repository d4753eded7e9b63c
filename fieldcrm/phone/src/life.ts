/** A visit's life on the phone: the same table of states and moves that the server reads. Pure. */
import table from "../../visits/life.json";

export type State = "planned" | "under_way" | "closed" | "missed" | "cancelled" | "moved";
export type FixState = "fresh" | "stale" | "inaccurate" | "absent";

export interface Position {
  lat: number;
  lng: number;
  accuracy_m: number | null;
  /** By the phone's own clock, uncorrected. */
  fix_at_ms: number;
  is_mock: boolean | null;
  source: string;
}

interface Need {
  any: string[];
  error: string;
  who?: string[];
}
interface Move {
  name: string;
  from: (string | null)[];
  to: string;
  who: string[];
  needs: Need[];
}

const MOVES = new Map((table.moves as Move[]).map((m) => [m.name, m]));
export const RESULTS: { name: string; is_held: boolean }[] = table.results;
export const LIMITS = table.limits;

export type Outcome = { ok: true; to: State } | { ok: false; error: string };

/** Whether a move may be made, and where it leads; `given` names the facts that came with it. */
export function tryMove(state: State | null, move: string, role: string, given: ReadonlySet<string>): Outcome {
  const found = MOVES.get(move);
  if (!found) return { ok: false, error: "unknown_move" };
  if (!found.who.includes(role)) return { ok: false, error: "role_forbids" };
  if (!found.from.includes(state)) return { ok: false, error: "illegal_move" };
  const missing = found.needs.find((n) => (!n.who || n.who.includes(role)) && !n.any.some((f) => given.has(f)));
  return missing ? { ok: false, error: missing.error } : { ok: true, to: found.to as State };
}

/** Where a move leads from a state, whatever it needs; null when the table has no such step. */
export function leadsTo(state: State | null, move: string): State | null {
  const found = MOVES.get(move);
  return found?.from.includes(state) ? (found.to as State) : null;
}

/** What a position is worth as evidence at the moment the rep pressed (the phone's own clock). */
export function fixState(position: Position | null, deviceAtMs: number): FixState {
  if (!position) return "absent";
  const age = deviceAtMs - position.fix_at_ms;
  if (age > LIMITS.fix_age_s * 1000 || age < -LIMITS.fix_ahead_s * 1000) return "stale";
  return position.accuracy_m === null || position.accuracy_m > LIMITS.accuracy_m ? "inaccurate" : "fresh";
}

/** Whether a result means that somebody was met. */
export function isHeld(result: string | null): boolean {
  return RESULTS.some((r) => r.name === result && r.is_held);
}

/** The facts a check-in brings, in the table's words. */
export function checkInFacts(
  position: Position | null, deviceAtMs: number, noGpsReason: string | null, comment: string, hasPhoto: boolean,
): Set<string> {
  const facts = new Set<string>();
  if (fixState(position, deviceAtMs) === "fresh") facts.add("fresh_position");
  if (noGpsReason && (comment.trim() || hasPhoto)) facts.add("no_gps_explained");
  return facts;
}

/** The facts a closing brings. */
export function closeFacts(result: string | null, comment: string): Set<string> {
  const facts = new Set<string>();
  if (RESULTS.some((r) => r.name === result)) facts.add("result");
  if (isHeld(result)) facts.add("held");
  if (comment.trim()) facts.add("comment");
  return facts;
}
