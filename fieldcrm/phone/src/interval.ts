/** Which positions are worth keeping: often on the way, seldom where one stands, to spare the battery. Pure. */
import { metresBetween, type Place } from "./geo";

/** Standing still, one each half a minute says that the phone is alive. */
const STILL_S = 30;
/** On the way one each five seconds, if it is elsewhere. */
const MOVING_S = 5;
const MOVED_M = 15;

export type Timed = Place & { at: number };

export function isNews(last: Timed | null, fix: Timed): boolean {
  if (!last) return true;
  const seconds = (fix.at - last.at) / 1000;
  if (seconds >= STILL_S) return true;
  return seconds >= MOVING_S && metresBetween(fix, last) >= MOVED_M;
}
