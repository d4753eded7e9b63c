/** The map: the day's stops and line, the rep's own position, what is next below. */
import { useEffect, useRef, useState } from "preact/hooks";
import { distance, t, time } from "../i18n";
import { Icon } from "../icons";
import type { RepMap, Stop } from "../map";
import { MapBox } from "../mapbox";
import { Btn, LinkBtn, minutesParts, Num, Tabs, Truth } from "../parts";
import { here, permission, watchPosition } from "../positions";
import { go, href } from "../router";
import { arrivalAt, clientOf, placeNameOf, plans, pointOf, today, visitsOf } from "../store";
import { navigateTo } from "./navigate";

export function MapScreen() {
  const map = useRef<RepMap | null>(null);
  const [picked, setPicked] = useState<string | null>(null);
  useEffect(() => {
    if (permission.value === "granted") watchPosition();
  }, []);
  const all = visitsOf(today.value).filter((v) => v.state !== "moved" && v.state !== "cancelled");
  const next = all.find((v) => v.state === "under_way") ?? all.find((v) => v.state === "planned");
  const shown = all.find((v) => v.id === picked) ?? next;
  const numbered = all.map((v, i) => [v, i + 1] as const);
  const stops = numbered.flatMap(([v, n]): Stop[] => {
    const at = pointOf(v);
    if (!at) return [];
    const isOpen = v.state === "planned" || v.state === "under_way";
    const look = v === (shown ?? next) && isOpen ? "next" : isOpen ? "todo" : v.state === "closed" ? v.verdict : "unjudged";
    return [{ id: v.id, ...at, label: isOpen ? String(v.position || n) : "", look }];
  });
  const line = (plans.value.get(today.value)?.line ?? []) as [number, number][];
  return (
    <>
      <main class="mapbox" tabIndex={0}>
        <h1 class="vh">{t("phone.tab.map")}</h1>
        <MapBox marks={{ stops, line }} me={here.value} onPick={setPicked} onMap={(m) => { map.current = m; }} />
        <Truth float />
        <div class="fabs">
          <button class="fab" type="button" aria-label={t("phone.map.all")} onClick={() => map.current?.showAll()}><Icon name="layers" /></button>
          <button class="fab" type="button" aria-label={t("phone.map.me")} onClick={() => { watchPosition(); map.current?.centreOnMe(); }}><Icon name="aim" /></button>
        </div>
      </main>
      {shown && (
        <section class="sheet next" aria-label={t("phone.next.label")}>
          <a class="row" style="gap:12px" href={href("visit", shown.id)}>
            <b class="ord big">{shown.position || "+"}</b>
            <div class="grow"><h2 class="ell big-name">{clientOf(shown)?.name ?? "…"}</h2><p class="sub ell">{[placeNameOf(shown), shown.travel_m ? distance(shown.travel_m) : ""].filter(Boolean).join(" · ")}</p></div>
            {shown.state === "planned" && <Travel seconds={shown.travel_s} at={arrivalAt(shown)} />}
          </a>
          <div class="btns" style="margin-top:12px">
            {shown.state === "planned" ? (
              <>
                <Btn class="big c1" icon="route" onClick={() => navigateTo(shown)}>{t("phone.next.navigate")}</Btn>
                <LinkBtn class="big p c2" icon="pin" to={href("check-in", shown.id)}>{t("phone.next.check_in")}</LinkBtn>
              </>
            ) : <Btn class={`big ${shown.state === "under_way" ? "p" : "q"}`} onClick={() => go("visit", shown.id)}>{t(shown.state === "under_way" ? "phone.next.go_on" : "phone.visit.open")}</Btn>}
          </div>
        </section>
      )}
      <Tabs />
    </>
  );
}

function Travel({ seconds, at }: { seconds: number | null; at: number | null }) {
  if (seconds === null) return at ? <div class="num" style="text-align:right"><b>{time(at)}</b></div> : null;
  const [value, unit] = minutesParts(seconds);
  return <div style="text-align:right"><Num value={value} unit={unit} label={at ? t("phone.next.at", { time: time(at) }) : ""} /></div>;
}
