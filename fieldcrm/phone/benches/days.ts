/** A rep's days of the long run: shifts, planned visits at their hours, and what comes up in between. */
import { answers, correct, invited, ordered, replan, together } from "./asks";
import { Chance } from "./chance";
import { until, type Phone } from "./phone";
import type { Day } from "./told";
import { between, cancel, firstCopy, found, move, note, promise, reach, revised, shift, unplanned, visit, type Goal } from "./work";

const HOUR_MS = 3_600_000;
const OPENED_AT = 7.5;

interface Item {
  at_ms: number;
  goal: Goal;
}

/** All days, one after the other; what the app could not do at its hour is done as soon as it can. */
export async function workDays(p: Phone): Promise<void> {
  const chance = new Chance(p.told.seed);
  await firstCopy(p);
  let number = 0;
  for (const day of p.told.days!) {
    await until(day.begins_ms + OPENED_AT * HOUR_MS);
    if (chance.happens(0.5)) await p.reloadAfter(0); // the app was gone over night
    void p.syncOnce();
    for (const { at_ms, goal } of agendaOf(p, day, chance)) {
      p.stage = `${day.day} ${number}`;
      await until(at_ms);
      await reach(p, goal, chance, number++);
      await between(p, chance);
    }
    void p.syncOnce();
  }
  await p.calm();
}

function agendaOf(p: Phone, day: Day, chance: Chance): Item[] {
  const at = (hour: number, goal: Goal): Item => ({ at_ms: day.begins_ms + hour * HOUR_MS, goal });
  const some = (share: number, goal: Goal): Item[] => (chance.happens(share) ? [at(9 + chance.next() * 8.5, goal)] : []);
  const client = () => chance.pick(p.told.clients);
  const visits = day.visits.map((id, i) => at(9 + (8 * (i + chance.next())) / day.visits.length, visitOf(id, chance)));
  const shifts = p.told.keeps_shift ? [at(8 + chance.next() / 2, shift("start", day.day)), at(12.5, shift("pause", day.day)), at(18, shift("end", day.day))] : [];
  return [
    ...shifts, ...visits, ...some(0.6, ordered), ...some(0.15, replan), ...some(0.9, answers), ...some(0.6, answers), ...some(0.7, invited),
    ...some(0.5, invited), ...some(0.5, together(chance.pick(day.visits))), ...some(0.6, note(client())), ...some(0.3, correct(client())),
    ...some(0.3, unplanned(client())), ...some(0.15, found), ...some(0.4, promise),
  ].sort((a, b) => a.at_ms - b.at_ms);
}

/** Most visits are made, some told more of, a few put off or called off. */
function visitOf(id: string, chance: Chance): Goal {
  const what = chance.next();
  if (what < 0.06) return move(id);
  if (what < 0.12) return cancel(id);
  return what < 0.25 ? revised(id) : visit(id, chance.happens(0.6) ? 1 : 0);
}
