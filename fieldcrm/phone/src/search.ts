/** Finding clients on the phone: names in any script or without marks, any part of a number. Pure. */
import type { Client } from "./docs";

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
}

export function index(clients: Iterable<Client>): Indexed[] {
  return [...clients].map((client) => ({
    client,
    text: fold([client.name, client.address, client.city, client.specialty, ...client.workplaces.map((w) => w.name), ...client.people.map((p) => p.name)].filter(Boolean).join(" ")),
    phone: digits(`${client.phone_e164 ?? ""} `) + "/" + digits(client.phone ?? ""),
  }));
}

/** Clients that have every word of the query, those whose name begins with it first. */
export function find(all: Indexed[], query: string, limit = 50): Client[] {
  const isNumber = /^[\d\s()+./-]+$/.test(query.trim()) && digits(query).length >= 2;
  if (isNumber) {
    const forms = looseNumber(query);
    return all.filter((i) => forms.some((f) => i.phone.includes(f)) || i.text.includes(query.trim())).slice(0, limit).map((i) => i.client);
  }
  const words = fold(query).split(/\s+/).filter(Boolean);
  const hits = all.filter((i) => words.every((w) => i.text.includes(w)));
  const rank = (i: Indexed) => (words[0] && (i.text.startsWith(words[0]) || i.text.slice(0, i.client.name.length + 2).includes(` ${words[0]}`)) ? 0 : 1);
  return hits.map((i) => [rank(i), i] as const).sort((a, b) => a[0] - b[0] || a[1].client.name.localeCompare(b[1].client.name)).slice(0, limit).map(([, i]) => i.client);
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
