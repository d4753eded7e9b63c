/**
 * A day's visits put into another order by hand: places, travel and times. Pure.
 *
 * The server runs the same rule (`fieldcrm/visits/ordering.py`); `tests/visits/order_cases.json` binds both.
 */
import type { Visit } from "./docs";
import { metresBetween, type Place } from "./geo";
import type { ProfileDoc } from "./wire.gen";

const ROUNDABOUT = 1.35;
const SPEED_MPS: Record<string, number> = { foot: 1.3, bicycle: 4, car: 8 };
const MINUTE_MS = 60_000;

/** Where and when what is left of the day begins. */
export interface Begin {
  point: Place | null;
  free_ms: number | null;
  now_ms: number;
  is_today: boolean;
  last_position: number;
}

/** A visit at its new place; `late_ms`: so much after the time that the office has fixed. */
export interface Placed {
  id: string;
  position: number;
  planned_at_ms: number;
  travel_s: number | null;
  travel_m: number | null;
  pause_min: number;
  late_ms: number;
}

type Stop = Pick<Visit, "id" | "position" | "planned_at_ms" | "planned_minutes" | "travel_s" | "travel_m" | "pause_min" | "is_locked" | "lat" | "lng">;

/** The wanted ones in their new order; each of the others keeps its place. */
export function reordered(standing: string[], wanted: string[]): string[] {
  const moved = [...new Set(wanted)].filter((id) => standing.includes(id));
  let turn = 0;
  return standing.map((id) => (moved.includes(id) ? moved[turn++]! : id));
}

/** What becomes of the planned visits (in their present order) in another order. */
export function placed(stops: Stop[], order: string[], begin: Begin, mode: string): Placed[] {
  const byId = new Map(stops.map((s) => [s.id, s]));
  const before = new Map(stops.map((s, i) => [s.id, i > 0 ? stops[i - 1]!.id : null]));
  const numbers = places(stops, begin.last_position);
  const planned = stops.flatMap((s) => (s.planned_at_ms === null ? [] : [s.planned_at_ms]));
  const first = planned.length ? Math.min(...planned) : begin.now_ms;
  let free = begin.free_ms;
  let last: Stop | null = null;
  return order.map((id, i) => {
    const stop = byId.get(id)!;
    const isOld = before.get(id) === (last?.id ?? null);
    const [travel_s, travel_m] = isOld ? [stop.travel_s, stop.travel_m] : estimate(last ? pointOf(last) : begin.point, pointOf(stop), mode);
    const pause_min = stops[i]!.pause_min;
    let arrives = free === null ? first : free + pause_min * MINUTE_MS + (travel_s ?? 0) * 1000;
    if (begin.is_today) arrives = Math.max(arrives, begin.now_ms);
    const fixed = stop.is_locked ? stop.planned_at_ms : null;
    const start = Math.max(arrives, fixed ?? arrives);
    free = start + stop.planned_minutes * MINUTE_MS;
    last = stop;
    return { id, position: numbers[i]!, planned_at_ms: fixed ?? start, travel_s, travel_m, pause_min, late_ms: fixed === null ? 0 : Math.max(0, arrives - fixed) };
  });
}

/** The places that the planned visits have now; those without one come last. */
function places(stops: Stop[], after: number): number[] {
  const used = stops.map((s) => s.position).filter(Boolean).sort((a, b) => a - b);
  const last = Math.max(after, ...used);
  return stops.map((_, i) => used[i] ?? last + 1 + i - used.length);
}

function pointOf(s: Stop): Place | null {
  return s.lat === null || s.lng === null ? null : { lat: s.lat, lng: s.lng };
}

/** A leg that nobody has routed: the straight line, made longer, at the mode's usual speed. */
function estimate(a: Place | null, b: Place | null, mode: string): [number | null, number | null] {
  if (!a || !b) return [null, null];
  const metres = metresBetween(a, b) * ROUNDABOUT;
  return [Math.round(metres / (SPEED_MPS[mode] ?? 4)), Math.round(metres)];
}

/** A day's planned visits in their present order. */
export function planned(day: Iterable<Visit>): Visit[] {
  return [...day].filter((v) => v.state === "planned").sort((a, b) =>
    (a.position || 10_000) - (b.position || 10_000) || (a.planned_at_ms ?? Infinity) - (b.planned_at_ms ?? Infinity) || (a.id < b.id ? -1 : 1));
}

/** From the last visit made, or from home. */
export function beginOf(day: Visit[], home: Place | null, atMs: number, isToday: boolean): Begin {
  const made = day.filter((v) => v.checked_in_at_ms !== null);
  const leaves = (v: Visit) => v.closed_at_ms ?? Math.max(atMs, v.checked_in_at_ms! + v.planned_minutes * MINUTE_MS);
  const last = made.reduce<Visit | null>((a, b) => (a && (leaves(a) > leaves(b) || (leaves(a) === leaves(b) && a.id > b.id)) ? a : b), null);
  if (!last) return { point: home, free_ms: null, now_ms: atMs, is_today: isToday, last_position: 0 };
  return {
    point: pointOf(last), free_ms: leaves(last), now_ms: atMs, is_today: isToday, last_position: Math.max(...made.map((v) => v.position)),
  };
}

/** The whole day with its planned visits in another order, as it will stand. */
export function putInOrder(day: Visit[], wanted: string[], rep: ProfileDoc | undefined, atMs: number, isToday: boolean): Visit[] {
  const stops = planned(day);
  const standing = stops.map((v) => v.id);
  const order = reordered(standing, wanted);
  if (order.join() === standing.join()) return day;
  const live = day.filter((v) => v.state === "under_way" || v.state === "closed");
  const home = rep && rep.start_lat !== null && rep.start_lng !== null ? { lat: rep.start_lat, lng: rep.start_lng } : null;
  const to = new Map(placed(stops, order, beginOf(live, home, atMs, isToday), rep?.mode ?? "car").map((p) => [p.id, p]));
  return day.map((v) => {
    const put = to.get(v.id);
    if (!put) return v;
    const { late_ms, ...at } = put;
    return { ...v, ...at, expected_at_ms: at.planned_at_ms + late_ms };
  });
}
