/** When a visit can be made: the doors' hours on its day, the time that was fixed; and whether it will be then. */
import type { Visit } from "./docs";
import { clock, missOf, opening, type Opening, type Span, spansOn } from "./hours";
import { t, time } from "./i18n";
import { arrivalAt, clients, now, today } from "./store";

const LATE_MS = 3 * 60_000;

type Where = Pick<Visit, "client_id" | "place_id" | "day">;

/** The hours of a visit's day: of the person at that place, else the client's own, else the place's; null where none is understood. */
export function hoursOf({ client_id, place_id, day }: Where): Span[] | null {
  const client = clients.value.get(client_id);
  const texts = [client?.workplaces.find((w) => w.id === place_id)?.hours, client?.opening_hours, place_id && clients.value.get(place_id)?.opening_hours];
  for (const text of texts) {
    const spans = spansOn(text, new Date(`${day}T12:00:00Z`).getUTCDay());
    if (spans) return spans;
  }
  return null;
}

/** Those of them in which a moment lies, or the next after it. */
export function hoursThen(visit: Where, ms: number): Span[] | null {
  const spans = hoursOf(visit);
  const then = spans?.find(([, to]) => to > minuteOf(ms));
  return then ? [then] : spans;
}

/** "09:00–13:00, 14:00–17:00"; empty where nothing is known or the day is open throughout. */
export function hoursText(spans: Span[] | null): string {
  if (!spans || spans.some(([from, to]) => to - from >= 1440)) return "";
  return spans.map(([from, to]) => `${clock(from)}–${clock(to)}`).join(", ");
}

/** The same in a sentence. */
export function openText(spans: Span[]): string {
  return spans.length ? t("phone.window.open", { hours: hoursText(spans) || "24/7" }) : t("phone.window.shut");
}

/** What is wrong with the time at which a planned visit is expected, in words; empty where nothing is. */
export function missText(visit: Visit): string {
  const at = arrivalAt(visit);
  if (at === null || visit.state !== "planned") return "";
  const fixed = visit.is_locked ? visit.planned_at_ms : null;
  if (fixed !== null) return at - fixed < LATE_MS ? "" : t("phone.window.late", { time: time(fixed), expected: time(at) });
  const spans = hoursOf(visit);
  const miss = spans && missOf(spans, minuteOf(at), visit.planned_minutes);
  return miss ? t(`phone.window.${miss.why}`, { time: "at" in miss ? miss.at : "", expected: time(at) }) : "";
}

function minuteOf(ms: number): number {
  const [h, m] = time(ms).split(":").map(Number);
  return h! * 60 + m!;
}

/** Whether the doors are open now. */
export function openNow(visit: Where): Opening {
  return opening(hoursOf({ ...visit, day: today.value }), minuteOf(now()));
}
