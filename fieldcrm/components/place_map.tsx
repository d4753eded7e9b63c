// Small still maps: where visits are wanting (H3 cells), the track around one visit, two pins of a
// correction, a client among those near. MapLibre
// draws the region's own basemap; what is ours is SVG above it, so that tokens and themes hold.
import { useEffect, useRef, useState } from "react";
import { LngLatBounds, type Map as GlMap } from "maplibre-gl";
import { followPage, regionMap } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

type LatLng = [number, number];
export type Hex = { cell: string; missing: number; step: number; title: string; centre: LatLng; rim: LatLng[] };
export type Around = {
  id: string; lat: number | null; lng: number | null; radius_m: number; radius_text: string; stay_text: string;
  track: LatLng[]; inside: LatLng[]; check_in: LatLng | null; check_out: LatLng | null;
};

/** A map whose overlay is drawn anew at each move; `fit` says where to look. */
export function useMap(fit: LatLng[], key: string, padding: number, maxZoom: number) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<GlMap | null>(null);
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!box.current) return;
    const made = regionMap(box.current, 12, { scrollZoom: false, keyboard: false });
    map.current = made;
    const canvas = made.getCanvas(); // the drawing above it has the name and says what is to be seen
    for (const name of ["role", "aria-label", "tabindex"]) canvas.removeAttribute(name);
    canvas.setAttribute("aria-hidden", "true");
    const again = () => redraw((n) => n + 1);
    made.on("move", again);
    made.on("resize", again);
    made.on("load", again);
    made.on("error", () => undefined);
    const unfollow = followPage(made);
    return () => { unfollow(); map.current = null; made.remove(); };
  }, []);
  useEffect(() => {
    if (!map.current || !fit.length) return;
    const bounds = new LngLatBounds();
    fit.forEach(([lat, lng]) => bounds.extend([lng, lat]));
    map.current.fitBounds(bounds, { padding, maxZoom, duration: 0 });
    redraw((n) => n + 1);
  }, [key]);
  const at = ([lat, lng]: LatLng): [number, number] => {
    const point = map.current?.project([lng, lat]);
    return point ? [Math.round(point.x * 10) / 10, Math.round(point.y * 10) / 10] : [-999, -999];
  };
  return { box, at, map };
}

const path = (points: [number, number][]) => points.length ? "M" + points.map(([x, y]) => `${x} ${y}`).join("L") : "";

export function GapMap({ hexes, label }: { hexes: Hex[]; label: string }) {
  const key = hexes.map((h) => h.cell).join();
  const { box, at } = useMap(hexes.filter((h) => h.step > 0).flatMap((h) => h.rim), key, 12, 15);
  return (
    <>
      <div ref={box} className="gl" />
      <svg className="over" role="img" aria-label={label}>
        {hexes.map((hex) => (
          <path key={hex.cell} className={`hx h${hex.step}`} d={path(hex.rim.map(at)) + "Z"}>
            <title>{hex.title}</title>
          </path>
        ))}
        {hexes.filter((hex) => hex.step >= 3).map((hex) => {
          const [x, y] = at(hex.centre);
          return <text key={hex.cell} className={`hxn h${hex.step}`} x={x} y={y + 4}>{hex.missing}</text>;
        })}
      </svg>
      <div className="attr">© OpenStreetMap</div>
    </>
  );
}

function Tag({ x, y, text }: { x: number; y: number; text: string }) {
  const wide = Math.round(text.length * 6.2 + 16);
  return (
    <g className="mk-tag" transform={`translate(${x} ${y})`}>
      <rect width={wide} height="20" rx="5" /><text x={wide / 2} y="14" textAnchor="middle">{text}</text>
    </g>
  );
}

export function VisitMap({ around, label }: { around: Around; label: string }) {
  const place: LatLng | null = around.lat === null || around.lng === null ? null : [around.lat, around.lng];
  const turn = around.radius_m / 111_195;
  const reach = (p: LatLng): LatLng[] => {
    const wide = turn / Math.max(Math.cos((p[0] * Math.PI) / 180), 0.01);
    return [[p[0] - turn * 1.2, p[1] - wide * 1.2], [p[0] + turn * 1.2, p[1] + wide * 1.2]];
  };
  const pressed = [around.check_in, around.check_out].filter((p): p is LatLng => p !== null);
  const { box, at } = useMap([...(place ? reach(place) : []), ...pressed, ...around.inside], around.id, 22, 17);
  const spot = place && at(place);
  const rim = place && at([place[0] + turn, place[1]]);
  const radius = spot && rim ? Math.abs(spot[1] - rim[1]) : 0;
  const track = path(around.track.map(at));
  const out = around.check_in && at(around.check_in);
  return (
    <>
      <div ref={box} className="gl" />
      <svg className="over" role="img" aria-label={label}>
        {spot && <circle cx={spot[0]} cy={spot[1]} r={radius} fill="var(--accent)" fillOpacity=".09" stroke="var(--accent)" strokeWidth="1.5" strokeDasharray="4 3" />}
        <path className="r-case" d={track} /><path className="r-track" d={track} />
        {around.inside.map((point, n) => { const [x, y] = at(point); return <circle key={n} cx={x} cy={y} r="2.6" fill="var(--track-line)" stroke="var(--map-halo)" />; })}
        {pressed.map((point, n) => { const [x, y] = at(point); return <path key={n} d={n === 0 && around.check_in ? "M-6 0 0-6 6 0 0 6Z" : "M-5-5h10v10h-10Z"} transform={`translate(${x} ${y})`} fill="var(--cat-a)" stroke="var(--map-halo)" strokeWidth="2" />; })}
        {spot && (
          <g transform={`translate(${spot[0]} ${spot[1]})`}>
            <path d="M0 0c-2-3.6-8.5-9-8.5-15a8.5 8.5 0 0 1 17 0C8.5-9 2-3.6 0 0Z" fill="var(--text)" stroke="var(--map-halo)" strokeWidth="1.5" />
            <circle r="3" cy="-15" fill="var(--panel)" />
          </g>
        )}
        {spot && around.radius_text && <Tag x={spot[0] - 24} y={Math.min(spot[1] + radius - 10, 140)} text={around.radius_text} />}
        {out && around.stay_text && <Tag x={Math.min(out[0] + 12, 290)} y={Math.min(Math.max(out[1] + 8, 4), 120)} text={around.stay_text} />}
      </svg>
      <div className="attr">© OpenStreetMap</div>
    </>
  );
}

export type Pins = { id: string; old: LatLng | null; now: LatLng | null; wanted: LatLng | null; seen: LatLng[] };

function Pin({ x, y, fill, text }: { x: number; y: number; fill: string; text: string }) {
  return (
    <g transform={`translate(${x} ${y})`}>
      <path d="M0 0c-2-3.6-8.5-9-8.5-15a8.5 8.5 0 0 1 17 0C8.5-9 2-3.6 0 0Z" fill={fill} stroke="var(--map-halo)" strokeWidth="1.5" />
      <text y="-11" textAnchor="middle" fontSize="10" fontWeight="700" fill="var(--panel)">{text}</text>
    </g>
  );
}

/** A place as a card has it (1) and as a rep wants it (2), with check-ins around. */
export function PinsMap({ pins, label }: { pins: Pins; label: string }) {
  const ends = [pins.old, pins.wanted].filter((p): p is LatLng => p !== null && p !== undefined);
  const near = (pins.seen ?? []).slice(0, 12);
  const { box, at } = useMap([...ends, ...near], pins.id ?? "", 36, 17);
  const [old, wanted] = [pins.old && at(pins.old), pins.wanted && at(pins.wanted)];
  return (
    <>
      <div ref={box} className="gl" />
      <svg className="over" role="img" aria-label={label}>
        {old && wanted && <path d={path([old, wanted])} fill="none" stroke="var(--accent)" strokeWidth="2" strokeDasharray="5 4" />}
        {near.map((point, n) => { const [x, y] = at(point); return <circle key={n} cx={x} cy={y} r="4.5" fill="var(--panel)" stroke="var(--text)" strokeWidth="2" />; })}
        {old && <Pin x={old[0]} y={old[1]} fill="var(--text-muted)" text="1" />}
        {wanted && <Pin x={wanted[0]} y={wanted[1]} fill="var(--accent)" text="2" />}
      </svg>
      <div className="attr">© OpenStreetMap</div>
    </>
  );
}

type Near = { id: string; name: string; letter: string; at: LatLng };
export type Spot = { id: string; at: LatLng; near: Near[] };

/** A client's own pin, and the clients near it by the letter of their category. */
export function ClientMap({ spot, label }: { spot: Spot; label: string }) {
  const near = spot.near ?? [];
  const { box, at } = useMap(spot.at ? [spot.at, ...near.map((n) => n.at)] : [], spot.id ?? "", 36, 16);
  const [x, y] = spot.at ? at(spot.at) : [-999, -999];
  return (
    <>
      <div ref={box} className="gl" />
      <svg className="over" role="img" aria-label={label}>
        {near.map((n) => {
          const [left, top] = at(n.at);
          return (
            <g key={n.id} transform={`translate(${left} ${top})`}>
              <title>{n.name}</title>
              <circle r="8" fill="var(--panel)" stroke="var(--text-muted)" strokeWidth="1.5" />
              <text y="3.5" textAnchor="middle" fontSize="10" fontWeight="700" fill="var(--text)">{n.letter}</text>
            </g>
          );
        })}
        {x > -900 && <Pin x={x} y={y} fill="var(--accent)" text="" />}
      </svg>
      <div className="attr">© OpenStreetMap</div>
    </>
  );
}
