/** Where a client is: his pin on the map that the phone keeps, or the way to set it right. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Client } from "../docs";
import { t } from "../i18n";
import { Icon } from "../icons";
import { MapBox } from "../mapbox";
import { atRest } from "../painted";
import { href } from "../router";
import { clients } from "../store";
import { mainPlace } from "../workplaces";

type Pinned = Client & { lat: number; lng: number };

const isPinned = (c: Client | undefined): c is Pinned => c !== undefined && c.lat !== null && c.lng !== null;

/** Whose pin is shown: the client's own; of a person without one, that of the place where he works. */
function pinOf(client: Client): Pinned | null {
  const main = mainPlace(client);
  return [client, main && clients.value.get(main.id)].find(isPinned) ?? null;
}

export function CardMap({ client }: { client: Client }) {
  const pin = pinOf(client);
  return (
    <>
      <h2 class="sec">{t("phone.cardmap.title")} {pin && pin !== client && <span class="r ell">{pin.name}</span>}</h2>
      {pin ? <section class="card cardmap" id="card-map"><WhenSeen pin={pin} /></section> : <NoPin client={client} />}
    </>
  );
}

/** The map's code and its tiles come when the card's text stands and its place is in sight. */
function WhenSeen({ pin }: { pin: Pinned }) {
  const box = useRef<HTMLDivElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver((all) => {
      if (!all.some((one) => one.isIntersecting)) return;
      watch.disconnect();
      void atRest().then(() => setSeen(true));
    });
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return <div class="map" ref={box}>{isSeen && <MapBox isStill goal={{ lat: pin.lat, lng: pin.lng, label: "" }} />}</div>;
}

function NoPin({ client }: { client: Client }) {
  return (
    <section class="card" id="card-map"><div class="list">
      <a href={href("correct", client.id)}><Icon name="pin" class="c-doubt" /><div class="t"><p>{t("phone.cardmap.none")}</p><p>{t("phone.cardmap.correct")}</p></div><Icon name="next" class="s" /></a>
    </div></section>
  );
}
