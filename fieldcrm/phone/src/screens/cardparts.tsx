/** Parts of a client's card that a first look at it can do without: its map, its shelf, its own fields, other places. */
import type { Client } from "../docs";
import { has, number, shortDay, t } from "../i18n";
import { Icon, type IconName } from "../icons";
import { LinkBtn, specialtyWord } from "../parts";
import { href } from "../router";
import { isOpen } from "../sent";
import { clients, corrections, entries, products, profile, visits } from "../store";
import { shelfOf } from "../shelf";
import type { ShelfFigure } from "../wire.gen";
import { mainPlace } from "../workplaces";
import { CardMap } from "./cardmap";
import { Consents } from "./consents";
import { OwnFields } from "./ownfields";

export function CardParts({ client }: { client: Client }) {
  return <><CardMap client={client} /><Shelf client={client} /><OwnFields client={client} /><Consents client={client} /></>;
}

/** Where else to find them, who works there, and the way to a correction. */
export function CardEnd({ client }: { client: Client }) {
  return (
    <>
      <Others title={t("phone.client.workplaces")} icon="home" rows={client.workplaces} />
      <Others title={t("phone.client.people")} icon="clients" rows={client.people} />
      <Correction client={client} />
    </>
  );
}

/** What somebody does at a place is free text of the client base, as specialties are. */
function roleWord(text: string): string {
  const kind = `phone.kind.${text.toLowerCase()}`;
  return has(kind) ? t(kind) : specialtyWord(text);
}

function Others({ title, icon, rows }: { title: string; icon: IconName; rows: Client["workplaces"] }) {
  if (rows.length === 0) return null;
  return (
    <>
      <h2 class="sec">{title}</h2>
      <section class="card"><div class="list">
        {rows.map((w) => (
          <a href={href("client", w.id)}><Icon name={icon} /><div class="t"><p>{w.name}</p><p>{[w.role && roleWord(w.role), w.hours].filter(Boolean).join(" · ")}</p></div><Icon name="next" class="s" /></a>
        ))}
      </div></section>
    </>
  );
}

/** The way to a correction, and what was asked for and is not on the card yet. */
function Correction({ client }: { client: Client }) {
  const mine = corrections.value.filter((c) => c.client_id === client.id).sort((a, b) => b.asked_at_ms - a.asked_at_ms)[0];
  const isWaiting = entries.value.some((e) => e.kind === "client.correct" && e.subject_id === client.id && isOpen(e));
  const state = isWaiting ? "open" : mine?.status;
  return (
    <>
      {state && (
        <a class={`note ${state === "declined" ? "warn" : state === "accepted" ? "ok" : ""}`} style="margin-top:12px" href={href("correct", client.id)}>
          <Icon name={state === "declined" ? "cross" : state === "accepted" ? "tick" : "hour"} />
          <span>{t(`phone.correct.is_${state}`)}{state === "declined" && mine?.reason && <><br /><b>{mine.reason}</b></>}</span>
        </a>
      )}
      <div class="btns" style="margin-top:10px"><LinkBtn class="link" icon="pen" to={href("correct", client.id)}>{t("phone.correct.title")}</LinkBtn></div>
    </>
  );
}

/** The client's own shelf; of a person without one, that of the place where he works. */
function shelfFor(client: Client): Client {
  if (client.shelf?.length || client.workplaces.length === 0) return client;
  return clients.value.get(mainPlace(client)!.id) ?? client;
}

function Shelf({ client }: { client: Client }) {
  const place = shelfFor(client);
  const found = new Map(shelfOf(place, visits.value.values(), profile.value?.name ?? "").map((f) => [f.product_id, f]));
  const rows = products.value.flatMap((p) => (found.has(p.id) ? [{ name: p.name, seen: found.get(p.id)! }] : []));
  if (rows.length === 0 && client.kind !== "pharmacy") return null;
  const missing = rows.filter((r) => !r.seen.is_there);
  return (
    <>
      <h2 class="sec">{t("phone.shelf.title")} {place !== client && <span class="r ell">{place.name}</span>}</h2>
      <section class="card" id="shelf"><div class="list">
        {rows.length === 0 && <div><Icon name="bag" /><div class="t"><p class="muted">{t("phone.shelf.none")}</p></div></div>}
        {[...missing, ...rows.filter((r) => r.seen.is_there)].map((r) => <ShelfRow {...r} />)}
      </div></section>
    </>
  );
}

function ShelfRow({ name, seen }: { name: string; seen: ShelfFigure }) {
  return (
    <div><Icon name={seen.is_there ? "tick" : "warn"} class={seen.is_there ? "c-acc" : "c-doubt"} />
      <div class="t"><p>{name}</p><p>{[shortDay(seen.day), seen.rep_name].filter(Boolean).join(" · ")}</p></div>
      {seen.is_there ? <b class="nw">{seen.price === null ? t("phone.shelf.there") : number(seen.price, 2)}</b> : <span class="tag warn">{t("phone.shelf.out")}</span>}
    </div>
  );
}
