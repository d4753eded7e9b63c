/** A place on a screen for the map; its code is fetched when the first one is shown. */
import { useEffect, useRef } from "preact/hooks";
import type { MapMarks, RepMap } from "./map";
import { language, t } from "./i18n";
import { isDark } from "./store";

const REST_MS = 2000;

export interface MapBoxProps {
  goal?: { lat: number; lng: number; label: string } | null;
  radius?: number;
  /** A picture: nothing of it answers to a finger, so that the page scrolls over it. */
  isStill?: boolean;
  me?: { lat: number; lng: number; accuracy_m: number | null; heading?: number | null } | null;
  isFresh?: boolean;
  marks?: MapMarks;
  onPick?: (id: string) => void;
  onMap?: (map: RepMap) => void;
}

let shown: RepMap | null = null;

/** The map on the screen draws nothing for now, so that it isn't in the way of a press; or goes on. */
export function restMap(isResting: boolean): void {
  shown?.rest(isResting);
}

export function MapBox(props: MapBoxProps) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<RepMap | null>(null);
  const dark = isDark.value;
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    let isGone = false;
    import("./map").then(
      ({ RepMap }) => {
        if (isGone || !box.current) return;
        shown = map.current = new RepMap(box.current, dark ? "dark" : "light", language.value, (id) => latest.current.onPick?.(id));
        map.current.show(latest.current);
        latest.current.onMap?.(map.current);
      },
      () => box.current?.classList.add("no-map"),
    );
    return () => {
      isGone = true;
      const old = map.current;
      map.current = null;
      old?.rest(true);
      setTimeout(() => old?.remove(), REST_MS); // giving its memory back takes long: well after the next screen stands
    };
  }, [dark]);
  useEffect(() => map.current?.show(props));
  return (
    <>
      <div key={dark ? "dark" : "light"} class="map" ref={box} role="group" aria-label={t("phone.map.label")} />
      <p class="map-none small muted">{t("phone.map.not_here")}</p>
      <span class="attr">© OpenStreetMap contributors</span>
    </>
  );
}
