/** Visits by day and by state: a phone holds thousands, and a press of the rep changes one. Pure. */
import type { Visit } from "./docs";
import { Laid } from "./laid";

interface Index {
  days: Map<string, Visit[]>;
  underWay: Visit[];
}

/** Found once for the rows that came from the server; what lies over them is looked at each time. */
const indexes = new WeakMap<ReadonlyMap<string, Visit>, Index>();

function indexOf(rows: ReadonlyMap<string, Visit>): Index {
  let index = indexes.get(rows);
  if (!index) indexes.set(rows, (index = made(rows)));
  return index;
}

function made(rows: ReadonlyMap<string, Visit>): Index {
  const index: Index = { days: new Map(), underWay: [] };
  for (const v of rows.values()) {
    const day = index.days.get(v.day);
    if (day) day.push(v);
    else index.days.set(v.day, [v]);
    if (v.state === "under_way") index.underWay.push(v);
  }
  return index;
}

/** A day's visits, in no order. */
export function visitsOn(visits: Laid<Visit>, day: string): Visit[] {
  const below = indexOf(visits.under).days.get(day) ?? [];
  return [...below.filter((v) => !visits.over.has(v.id)), ...[...visits.over.values()].filter((v) => v.day === day)];
}

/** The visit the rep is in; null between visits. */
export function visitUnderWay(visits: Laid<Visit>): Visit | null {
  for (const v of visits.over.values()) if (v.state === "under_way") return v;
  return indexOf(visits.under).underWay.find((v) => !visits.over.has(v.id)) ?? null;
}
