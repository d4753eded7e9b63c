/** Who else is to be visited where a visit takes place: several doctors at one address. Pure. */
import { visitsOn } from "./diary";
import type { Client, Visit } from "./docs";
import { metresBetween } from "./geo";
import { addDays } from "./i18n";
import type { Laid } from "./laid";
import { mainPlace } from "./workplaces";

/** Pins this near each other are one house: a geocoder tells a house's entrances apart by more. */
const SAME_M = 25;
/** The same words for an address mean two houses, whatever the town is called, if their pins lie so far apart. */
const OTHER_M = 250;
const DAYS_AHEAD = 14;

/** planned: today. due: the cycle wants him and nothing is planned for it. later: planned on another day. */
export type Why = "planned" | "due" | "later" | "known";

export interface Neighbour {
  client: Client;
  /** Where at this address; null for a place itself, and for a person whom the base ties to none. */
  place_id: string | null;
  why: Why;
  /** Today's visit, or the one of a later day; null unless planned or later. */
  visit: Visit | null;
  /** Visits that the cycle still wants and no plan holds. */
  missing: number;
}

type At = Pick<Visit, "client_id" | "place_id">;
type Cards = ReadonlyMap<string, Client>;

/** The others at a visit's address: planned ones first, then those due, then those of a later day; who was seen today is left out. */
export function neighbours(visit: At, cards: Cards, visits: Laid<Visit>, today: string): Neighbour[] {
  const sites = sitesOf(visit, cards);
  const base = baseOf(visit, cards);
  if (!base) return [];
  const ahead = Array.from({ length: DAYS_AHEAD }, (_, n) => visitsOn(visits, addDays(today, n))).flat();
  const own = [...visits.over.values()];
  const found: Neighbour[] = [];
  for (const client of cards.values()) {
    if (client.id === visit.client_id) continue;
    const place = placeAt(client, sites, base, visit.place_id);
    if (place === undefined) continue;
    const told = { client, place_id: place, ...standing(client, ahead, own, today) };
    if (told.why !== "seen" && (told.why !== "known" || !isPlace(client))) found.push(told as Neighbour);
  }
  return found.sort(compare);
}

function isPlace(c: Client): boolean {
  return c.kind === "pharmacy" || c.kind === "organisation";
}

/** The card that says where the visit is: the place's, else the client's own, else where he mainly works. */
function baseOf(visit: At, cards: Cards): Client | undefined {
  const place = visit.place_id ? cards.get(visit.place_id) : undefined;
  const client = cards.get(visit.client_id);
  if (place || !client || client.address || client.lat !== null) return place ?? client;
  const main = mainPlace(client);
  return (main && cards.get(main.id)) ?? client;
}

/** Places of the visit's address: its own, and others in the same house. */
function sitesOf(visit: At, cards: Cards): Set<string> {
  const base = baseOf(visit, cards);
  const sites = new Set(visit.place_id ? [visit.place_id] : []);
  for (const c of cards.values()) if (base && isPlace(c) && isSameHouse(c, base)) sites.add(c.id);
  return sites;
}

/** Where at the address a client is found; undefined if he isn't. */
function placeAt(client: Client, sites: Set<string>, base: Client, wanted: string | null): string | null | undefined {
  if (isPlace(client)) return sites.has(client.id) ? null : undefined;
  const here = client.workplaces.filter((w) => sites.has(w.id));
  const place = here.find((w) => w.id === wanted) ?? here[0];
  return place ? place.id : isSameHouse(client, base) ? null : undefined;
}

function isSameHouse(a: Client, b: Client): boolean {
  if (a.id === b.id) return true;
  const metres = a.lat !== null && a.lng !== null && b.lat !== null && b.lng !== null
    ? metresBetween({ lat: a.lat, lng: a.lng }, { lat: b.lat, lng: b.lng }) : null;
  if (metres !== null && (metres <= SAME_M || metres > OTHER_M)) return metres <= SAME_M;
  return Boolean(a.address) && plain(a.address) === plain(b.address) && plain(a.city) === plain(b.city);
}

function plain(text: string | null): string {
  return (text ?? "").toLowerCase().replace(/[\s.,]+/g, " ").trim();
}

/** How the rep's own days stand with a client. */
function standing(client: Client, ahead: Visit[], own: Visit[], today: string): { why: Why | "seen"; visit: Visit | null; missing: number } {
  const mine = ahead.filter((v) => v.client_id === client.id);
  const missing = missingOf(client, own);
  const now = mine.find((v) => v.day === today && v.state === "planned");
  if (now) return { why: "planned", visit: now, missing };
  if (mine.some((v) => v.day === today && (v.state === "closed" || v.state === "under_way"))) return { why: "seen", visit: null, missing };
  const later = mine.filter((v) => v.day > today && v.state === "planned").sort((a, b) => a.day.localeCompare(b.day))[0] ?? null;
  return missing > 0 ? { why: "due", visit: null, missing } : { why: later ? "later" : "known", visit: later, missing };
}

/** The server's figures less the visits beside the plan that it hasn't heard of yet. */
function missingOf(client: Client, own: Visit[]): number {
  if (!client.cycle) return 0;
  const unheard = own.filter((v) => v.client_id === client.id && v.unsent && v.is_unplanned && v.state !== "cancelled").length;
  return Math.max(0, client.cycle.remaining - client.cycle.scheduled - unheard);
}

const RANK: Record<Why, number> = { planned: 0, due: 1, later: 2, known: 3 };

function compare(a: Neighbour, b: Neighbour): number {
  return RANK[a.why] - RANK[b.why] || (a.visit?.day ?? "").localeCompare(b.visit?.day ?? "") || position(a) - position(b)
    || b.missing - a.missing || (a.client.category ?? "Z").localeCompare(b.client.category ?? "Z") || a.client.name.localeCompare(b.client.name);
}

function position(n: Neighbour): number {
  return n.visit?.position || 1000;
}
