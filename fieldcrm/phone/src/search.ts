/** Finding clients on the phone: names in any script or without marks, any part of a number. Pure. */
import type { Client } from "./docs";
import { metresBetween } from "./geo";

const CYRILLIC: Record<string, string> = {
  а: "a", б: "b", в: "v", г: "g", д: "d", е: "e", ё: "e", ж: "zh", з: "z", и: "i", й: "i", к: "k", л: "l", м: "m",
  н: "n", о: "o", п: "p", р: "r", с: "s", т: "t", у: "u", ф: "f", х: "h", ц: "ts", ч: "ch", ш: "sh", щ: "sch",
  ъ: "", ы: "y", ь: "", э: "e", ю: "iu", я: "ia",
};

/** Lower case, without diacritics, Cyrillic written in Latin letters. */
export function fold(text: string): string {
  const plain = text.toLowerCase().normalize("NFD").replace(/[\u0300-\u0305\u0307-\u036f]/g, "").normalize("NFC");
  const latin = plain.replace(/[а-яё]/g, (c) => CYRILLIC[c] ?? c).replace(/й/g, "i");
  return latin.replace(/y(?=[aou])/g, "i").replace(/kh/g, "h").replace(/ø/g, "o").replace(/æ/g, "ae").replace(/ß/g, "ss");
}

export function digits(text: string): string {
  return text.replace(/\D/g, "");
}

/** A number as dialled at home and abroad: 8 (916)…, +7 916… and 916… find one card. */
function looseNumber(query: string): string[] {
  const plain = digits(query);
  const forms = [plain];
  if (plain.length >= 10 && /^[87]/.test(plain)) forms.push(plain.slice(1));
  if (plain.startsWith("00")) forms.push(plain.slice(2));
  else if (plain.length >= 6 && plain.startsWith("0")) forms.push(plain.slice(1));
  return forms;
}

export interface Indexed {
  client: Client;
  text: string;
  phone: string;
  /** Of the text; once somebody has mistyped one. */
  words?: string[];
}

/** Ready to be searched, in the order of names. */
export function index(clients: Iterable<Client>): Indexed[] {
  const { compare } = new Intl.Collator();
  return [...clients].sort((a, b) => compare(a.name, b.name)).map(indexed);
}

/** A card is made ready once: it is replaced, never changed. */
const ready = new WeakMap<Client, Indexed>();

function indexed(client: Client): Indexed {
  let found = ready.get(client);
  if (!found) ready.set(client, (found = made(client)));
  return found;
}

function made(client: Client): Indexed {
  const words = [client.name, client.address, client.city, client.specialty, ...client.workplaces.map((w) => w.name), ...client.people.map((p) => p.name)];
  return {
    client, text: fold(words.filter(Boolean).join(" ")), phone: digits(`${client.phone_e164 ?? ""} `) + "/" + digits(client.phone ?? ""),
  };
}

const AT_ONCE = 100;

/** Make all cards ready before anybody searches, a few at a time: a press of the rep comes in between. */
export async function makeReady(clients: Iterable<Client>): Promise<void> {
  let n = 0;
  for (const client of clients) {
    indexed(client);
    if (++n % AT_ONCE === 0) await new Promise((later) => setTimeout(later));
  }
}

/** Clients that have every word of the query, those whose name begins with it first; where nobody has, with a word mistyped. */
export function find(all: Indexed[], query: string, limit = 50): Client[] {
  const isNumber = /^[\d\s()+./-]+$/.test(query.trim()) && digits(query).length >= 2;
  if (isNumber) {
    const forms = looseNumber(query);
    return all.filter((i) => forms.some((f) => i.phone.includes(f)) || i.text.includes(query.trim())).slice(0, limit).map((i) => i.client);
  }
  const words = fold(query).split(/\s+/).filter(Boolean);
  const hits = withWords(all, words, limit, (i, word) => i.text.includes(word));
  return hits.length || !words.some((w) => w.length >= MISTYPED) ? hits : withWords(all, words, limit, hasNearly);
}

function withWords(all: Indexed[], words: string[], limit: number, has: (i: Indexed, word: string) => boolean): Client[] {
  const [first, rest]: [Client[], Client[]] = [[], []];
  for (const i of all) {
    if (!words.every((w) => has(i, w))) continue;
    if (beginsName(i, words[0] ?? "")) first.push(i.client);
    else if (rest.length < limit) rest.push(i.client);
    if (first.length === limit) break; // nobody looks further
  }
  return [...first, ...rest].slice(0, limit);
}

/** Letters from which on a word may have one wrong. */
const MISTYPED = 4;

function hasNearly(i: Indexed, word: string): boolean {
  if (i.text.includes(word)) return true;
  return word.length >= MISTYPED && (i.words ??= i.text.split(" ")).some((known) => isNearly(word, known));
}

/** Whether a word begins as typed but for one letter: another, one too many, one too few, or two in each other's place. */
function isNearly(typed: string, known: string): boolean {
  let n = 0;
  while (n < typed.length && typed[n] === known[n]) n++;
  const rest = typed.slice(n + 1);
  return known.startsWith(rest, n + 1) || known.startsWith(rest, n) || known.startsWith(typed.slice(n), n + 1)
    || (typed[n] === known[n + 1] && typed[n + 1] === known[n] && known.startsWith(typed.slice(n + 2), n + 2));
}

/** Whether a word of the name, which stands first, begins so. */
function beginsName(i: Indexed, word: string): boolean {
  if (i.text.startsWith(word)) return true;
  const at = i.text.indexOf(` ${word}`);
  return at >= 0 && at + 1 + word.length <= i.client.name.length + 2;
}

/** Where in a shown number the digits of a query lie, as [from, to) of the text; null if nowhere. */
export function phoneHit(shown: string, query: string): [number, number] | null {
  const places = [...shown].map((c, i) => [c, i] as const).filter(([c]) => /\d/.test(c));
  const plain = places.map(([c]) => c).join("");
  for (const form of looseNumber(query)) {
    const at = form ? plain.indexOf(form) : -1;
    if (at >= 0) return [places[at]![1], places[at + form.length - 1]![1] + 1];
  }
  return null;
}

const NEAR_M = 150;

/** Cards that may be the same as one being written, with what speaks for it: phone, name, near. At most two. */
export function similar(
  all: Iterable<Client>, name: string, phone: string, at: { lat: number; lng: number } | null,
): { client: Client; why: ("phone" | "name" | "near")[] }[] {
  const number = national(phone);
  const words = fold(name).split(/\s+/).filter((w) => w.length > 1).sort();
  const hits = [];
  for (const client of all) {
    const why: ("phone" | "name" | "near")[] = [];
    const known = [client.phone, client.phone_e164].map((p) => national(p ?? ""));
    if (number.length >= 7 && known.some((k) => k.length >= 7 && (k.endsWith(number) || number.endsWith(k)))) why.push("phone");
    if (words.length > 0 && sameWords(words, fold(client.name).split(/\s+/).sort())) why.push("name");
    if (why.length > 0 && at && client.lat !== null && client.lng !== null && metresBetween(at, { lat: client.lat, lng: client.lng }) < NEAR_M) why.push("near");
    if (why.length) hits.push({ client, why });
  }
  return hits.sort((a, b) => b.why.length - a.why.length).slice(0, 2);
}

/** The last nine digits without a trunk's zero: what a number has in common at home and abroad. */
function national(phone: string): string {
  return digits(phone).replace(/^0+/, "").slice(-9);
}

/** The same words, one of them perhaps a letter off; of a single word only a whole name will do. */
function sameWords(typed: string[], known: string[]): boolean {
  const left = known.filter((w) => w.length > 1);
  if (typed.length !== left.length) return false;
  return typed.every((word, i) => word === left[i] || (word.length > 4 && isOneOff(word, left[i]!)));
}

function isOneOff(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return a.slice(i + 1) === b.slice(i + 1) || a.slice(i + 1) === b.slice(i) || a.slice(i) === b.slice(i + 1);
}
