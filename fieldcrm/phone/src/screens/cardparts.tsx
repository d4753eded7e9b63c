/** Parts of a client's card that a first look at it can do without: its shelf, its own fields. */
import type { Client } from "../docs";
import { number, shortDay, t } from "../i18n";
import { Icon } from "../icons";
import { clients, products, profile, visits } from "../store";
import { shelfOf } from "../shelf";
import type { ShelfFigure } from "../wire.gen";
import { OwnFields } from "./ownfields";

export function CardParts({ client }: { client: Client }) {
  return <><Shelf client={client} /><OwnFields client={client} /></>;
}

/** The client's own shelf; of a person without one, that of the place where he works. */
function shelfFor(client: Client): Client {
  if (client.shelf?.length || client.workplaces.length === 0) return client;
  const main = client.workplaces.find((w) => w.is_main) ?? client.workplaces[0]!;
  return clients.value.get(main.id) ?? client;
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
