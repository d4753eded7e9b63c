/** Clients: finding one by name, place or number; also for an unplanned visit. */
import { computed, signal, useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { createVisit } from "../actions";
import { afterAction, storing } from "../app";
import type { Client } from "../docs";
import { metresBetween } from "../geo";
import { distance, number, t } from "../i18n";
import { Icon } from "../icons";
import { Ava, Btn, Chip, clientLine, LinkBtn, Tabs, Top, Truth } from "../parts";
import { here, permission, watchPosition } from "../positions";
import { fromHere, href, turn } from "../router";
import { digits, find, index, type Indexed, phoneHit } from "../search";
import { clients, db, hasAllClients, loadAllClients, today } from "../store";
import { mainPlace } from "../workplaces";

const query = signal("");
const kind = signal<"all" | "people" | "places" | "near">("all");

const all = computed(() => index(clients.value.values()));

/** As many as the tallest phone shows at once. */
const ROWS_AT_ONCE = 14;
const REST_MS = 120;

/** What stands on the screen follows each key; the rows below it come when the typing rests. */
function useRows(found: Client[]): Client[] {
  const [whole, setWhole] = useState<Client[]>([]);
  const isSame = whole.length === found.length && found.every((c, n) => c === whole[n]);
  useEffect(() => {
    const rest = setTimeout(() => setWhole(found), REST_MS);
    return () => clearTimeout(rest);
  }, [found]);
  return isSame ? whole : found.slice(0, ROWS_AT_ONCE);
}

const isPlace = (c: Client) => c.kind === "pharmacy" || c.kind === "organisation";

export function Clients({ forVisit = false }: { forVisit?: boolean }) {
  useEffect(() => {
    if (!hasAllClients.value) void loadAllClients();
    if (permission.value === "granted") watchPosition();
  }, []);
  const input = useRef<HTMLInputElement>(null);
  const chips: [typeof kind.value, string][] = [["all", "phone.clients.all"], ["people", "phone.clients.people"], ["places", "phone.clients.places"], ["near", "phone.clients.near"]];
  const title = t(forVisit ? "phone.newvisit.title" : "phone.tab.clients");
  return (
    <>
      {forVisit ? <Top title={title} sub={t("phone.newvisit.who")} /> : null}
      <Truth thin={forVisit} />
      <main tabIndex={0} class="results">
        {!forVisit && <h1 class="vh">{title}</h1>}
        <Results forVisit={forVisit} />
      </main>
      <footer class="dock">
        <div class="scrollx fits" style="margin:0 -12px 10px;padding:0 12px">{chips.map(([name, label]) => <Chip on={kind.value === name} onClick={() => { kind.value = name; if (name === "near") watchPosition(); }}>{t(label)}</Chip>)}</div>
        <div class="row"><label class="find grow"><Icon name="find" /><span class="vh">{t("phone.clients.search")}</span>
          <input ref={input} type="search" enterkeyhint="search" autocomplete="off" placeholder={t("phone.clients.search")} value={query} onInput={(e) => { query.value = e.currentTarget.value; }} />
          <Clear input={input} />
        </label></div>
      </footer>
      {!forVisit && <Tabs />}
    </>
  );
}

const isTyped = computed(() => query.value.trim() !== "");

function Clear({ input }: { input: { current: HTMLInputElement | null } }) {
  if (!isTyped.value) return null;
  return <button type="button" class="ib r" aria-label={t("phone.clients.clear")} onClick={() => { query.value = ""; input.current?.focus(); }}><Icon name="cross" /></button>;
}

/** All that a key changes. A row of a client that stands where it stood is the same one: nothing of it is drawn again. */
function Results({ forVisit }: { forVisit: boolean }) {
  const shown = useComputed(() => listed(all.value));
  const rows = useRows(shown.value);
  const [drawn] = useState(() => new Map<Client, JSX.Element>());
  const row = (c: Client) => {
    if (!drawn.has(c)) drawn.set(c, <ClientRow client={c} to={forVisit ? href("new-visit", c.id) : href("client", c.id)} />);
    return drawn.get(c)!;
  };
  const q = query.value.trim();
  return (
    <>
      <p class="sec" role="status">{q ? t("phone.clients.found", { n: shown.value.length, q }) : t("phone.clients.on_phone", { n: all.value.length })}<span class="r">{q ? t("phone.clients.of", { n: number(all.value.length) }) : ""}</span></p>
      {shown.value.length > 0 && <section class="card"><div class="list">{rows.map(row)}</div></section>}
      {q !== "" && <p class="small muted" style="padding:10px 4px 2px">{t(shown.value.length ? "phone.clients.searched" : "phone.clients.none")}</p>}
      <div class="btns" style="padding-top:10px"><LinkBtn class="q" icon="plus" to={/\d{4}/.test(q) || !q ? href("new-client") : href("new-client", q)}>{t("phone.newclient.title")}</LinkBtn></div>
    </>
  );
}

function listed(all: Indexed[]): Client[] {
  const wanted = kind.value;
  const some = wanted === "all" || wanted === "near" ? all : all.filter((i) => (wanted === "places") === isPlace(i.client));
  const q = query.value.trim();
  const found = q ? find(some, q) : some.map((i) => i.client);
  const at = here.value;
  if (kind.value === "near" && at) {
    const far = (c: Client) => (c.lat === null || c.lng === null ? Infinity : metresBetween(at, { lat: c.lat, lng: c.lng }));
    return [...found].sort((a, b) => far(a) - far(b)).slice(0, 50);
  }
  return q ? found : byCategory(found).slice(0, 60);
}

/** A before B before C, each in the order of names. */
function byCategory(found: Client[]): Client[] {
  const letters = new Map<string, Client[]>();
  for (const c of found) {
    const letter = c.category ?? "Z";
    const known = letters.get(letter);
    if (known) known.push(c);
    else letters.set(letter, [c]);
  }
  return [...letters.keys()].sort().flatMap((letter) => letters.get(letter)!);
}

function ClientRow({ client, to }: { client: Client; to: string }) {
  const at = here.value;
  const far = at && client.lat !== null && client.lng !== null ? distance(metresBetween(at, { lat: client.lat, lng: client.lng })) : "";
  const place = mainPlace(client)?.name ?? client.address ?? "";
  return (
    <a href={to}>
      <Ava client={client} small />
      <div class="t"><p class="ell">{client.name}</p><p class="ell">{[clientLine(client), place].filter(Boolean).join(" · ")}</p><PhoneHit phone={client.phone} /></div>
      <span class="small muted nw">{far}</span>
    </a>
  );
}

/** What is searched for, where it is a number; a name changes no number's look. */
const askedNumber = computed(() => (digits(query.value).length < 2 || !/^[\d\s()+./-]+$/.test(query.value.trim()) ? "" : query.value));

/** The number with the digits searched for marked. */
function PhoneHit({ phone }: { phone: string | null }) {
  const q = askedNumber.value;
  if (!phone || !q) return null;
  const hit = phoneHit(phone, q);
  if (!hit) return null;
  return <p class="ell number">{phone.slice(0, hit[0])}<mark>{phone.slice(hit[0], hit[1])}</mark>{phone.slice(hit[1])}</p>;
}

/** Last step of an unplanned visit: where, what for. */
export function NewVisit({ clientId }: { clientId: string }) {
  const client = clients.value.get(clientId);
  const [placeId, setPlace] = useState<string | null>((client && mainPlace(client)?.id) ?? null);
  const [objective, setObjective] = useState("");
  if (!client) return <Clients forVisit />;
  const make = async (thenCheckIn: boolean) => {
    const leave = fromHere();
    const id = await storing(() => createVisit(db, client, placeId, today.value, objective));
    if (!id) return;
    await afterAction(30);
    leave(() => (thenCheckIn ? turn("check-in", id) : turn("today")));
  };
  return (
    <>
      <Top title={t("phone.newvisit.title")} sub={client.name} />
      <Truth thin />
      <main tabIndex={0}>
        <section class="card"><div class="who"><Ava client={client} /><div class="grow"><p class="strong">{client.name}</p><p class="small muted">{clientLine(client)}</p></div></div></section>
        {client.workplaces.length > 0 && (
          <section class="card"><div class="fs"><div class="h"><h2>{t("phone.newvisit.where")}</h2></div>
            <div class="btns col">{client.workplaces.map((w) => <Chip class="start" on={placeId === w.id} onClick={() => setPlace(w.id)}>{w.name}</Chip>)}</div>
          </div></section>
        )}
        <section class="card"><div class="fs"><div class="h"><h2>{t("phone.visit.objective")}</h2></div>
          <textarea class="ta" style="min-height:72px" aria-label={t("phone.visit.objective")} value={objective} maxLength={500} onInput={(e) => setObjective(e.currentTarget.value)} />
        </div></section>
      </main>
      <footer class="dock">
        <p class="small muted row" style="margin-bottom:8px"><Icon name="onPhone" class="s" />{t("phone.newvisit.kept")}</p>
        <div class="btns"><Btn class="big q c1" onClick={() => void make(false)}>{t("phone.newvisit.later")}</Btn><Btn class="big p c2" icon="pin" onClick={() => void make(true)}>{t("phone.next.check_in")}</Btn></div>
      </footer>
    </>
  );
}

