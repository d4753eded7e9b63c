// A map on which a person says where a client is: a click, or the arrows and Enter at the cross in
// the middle. What is ours is drawn above the region's own basemap, so that tokens and themes hold.
import { useEffect, useRef, useState } from "react";
import type { Map as GlMap } from "maplibre-gl";
import { followPage, regionMap } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

type Start = { id?: string; lat?: number | null; lng?: number | null; zoom?: number };
type Props = {
  start: Start; lat: number; lng: number; placed: boolean; label: string;
  onPoint: (lat: number, lng: number) => void;
};

export function PinPick({ start, lat, lng, placed, label, onPoint }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<GlMap | null>(null);
  const tell = useRef(onPoint);
  tell.current = onPoint;
  const [, redraw] = useState(0);

  useEffect(() => {
    if (!box.current) return;
    const made = regionMap(box.current, 11);
    map.current = made;
    const canvas = made.getCanvas();
    canvas.setAttribute("aria-label", label);
    const again = () => redraw((n) => n + 1);
    for (const name of ["move", "resize", "load"] as const) made.on(name, again);
    made.on("error", () => undefined);
    made.on("click", (e) => tell.current(e.lngLat.lat, e.lngLat.lng));
    const enter = (e: KeyboardEvent) => {
      if (e.key !== "Enter") return;
      e.preventDefault();
      const at = made.getCenter();
      tell.current(at.lat, at.lng);
    };
    canvas.addEventListener("keydown", enter);
    const unfollow = followPage(made);
    return () => {
      unfollow();
      canvas.removeEventListener("keydown", enter);
      map.current = null;
      made.remove();
    };
  }, []);

  useEffect(() => {
    map.current?.getCanvas().setAttribute("aria-label", label);
  }, [label]);
  useEffect(() => {
    if (start.lat === null || start.lat === undefined || start.lng === null || start.lng === undefined) return;
    map.current?.jumpTo({ center: [start.lng, start.lat], zoom: start.zoom ?? 12 });
  }, [start.id]);

  const point = placed ? map.current?.project([lng, lat]) : undefined;
  return (
    <>
      <div ref={box} className="gl" />
      <svg className="over" aria-hidden="true">
        {point && (
          <g className="qu-pin" transform={`translate(${point.x} ${point.y})`}>
            <path d="M0 0c-2.6-4.6-11-11.6-11-19.4a11 11 0 0 1 22 0C11-11.6 2.6-4.6 0 0Z" fill="var(--accent)" stroke="var(--map-halo)" strokeWidth="2" />
            <circle r="4" cy="-19.4" fill="var(--on-accent)" />
          </g>
        )}
      </svg>
      <svg className="qu-cross" viewBox="-12 -12 24 24" aria-hidden="true">
        <path d="M-10 0h7M3 0h7M0-10v7M0 3v7" stroke="var(--text)" strokeWidth="2" fill="none" />
      </svg>
      <div className="attr">© OpenStreetMap</div>
    </>
  );
}
