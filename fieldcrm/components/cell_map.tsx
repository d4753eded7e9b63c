// What maps of H3 cells share: cells drawn under the basemap's names, one of them under the pointer, and
// buttons to come nearer, go away and see all of it. What the pointer does the keys do: the arrows move the map
// under a cross in its middle, whose cell is told, and Enter chooses it.
import { useEffect, useRef, useState, type RefObject } from "react";
import type { Map as GlMap, MapLayerMouseEvent } from "maplibre-gl";
import { Icon } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { isByKey } from "$/public/external/fieldcrm/components/behaviour/focus_kept.ts";
import { followPage, regionMap } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

export type Cell = Record<string, string | number>; // a feature's properties, `cell` among them
type Wanted = {
  layer: string; // the cells' own
  zoom: number; bounds: number[]; padding: number; maxZoom: number; label: string;
  addLayers: (map: GlMap, below: string | undefined) => void; // once for each look of the basemap
  onMove?: () => void; // the map came to rest
  onPick: ((cell: string) => void) | null; // none: cells can't be chosen
};

export function ringOf(rim: number[]): [number, number][] {
  const ring: [number, number][] = [];
  for (let n = 0; n < rim.length; n += 2) ring.push([rim[n + 1], rim[n]]);
  ring.push(ring[0]);
  return ring;
}

type Over = { x: number; y: number; cell: Cell };

/** The cell in the middle of a map that has the focus: told at each rest, chosen by Enter. */
function byKeys(made: GlMap, layer: string, tell: (over: Over | null) => void, pick: (cell: string) => void) {
  const canvas = made.getCanvas();
  const middle = (): Over | null => {
    const [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const found = made.getLayer(layer) && made.queryRenderedFeatures([x, y], { layers: [layer] })[0]?.properties;
    return found ? { x, y, cell: found as Cell } : null;
  };
  const look = () => { if (document.activeElement === canvas && isByKey()) tell(middle()); };
  const leave = () => tell(null);
  const press = (event: KeyboardEvent) => {
    const found = event.key === "Enter" && middle();
    if (!found) return;
    event.preventDefault();
    pick(String(found.cell.cell));
  };
  made.on("idle", look);
  canvas.addEventListener("focus", look);
  canvas.addEventListener("blur", leave);
  canvas.addEventListener("keydown", press);
  return () => { for (const [name, act] of [["focus", look], ["blur", leave], ["keydown", press]] as const) canvas.removeEventListener(name, act as EventListener); };
}

/** `styled` counts the looks it had: what was drawn is to be drawn again. */
export function useCellMap(wanted: Wanted) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<GlMap | null>(null);
  const last = useRef(wanted);
  last.current = wanted;
  const [styled, setStyled] = useState(0);
  const [over, setOver] = useState<Over | null>(null);

  useEffect(() => {
    const { layer, zoom, label } = wanted;
    const made = regionMap(box.current!, zoom);
    map.current = made;
    made.getCanvas().setAttribute("aria-label", label);
    made.on("style.load", () => {
      const names = made.getStyle().layers.find((each) => each.type === "symbol")?.id; // stay readable above
      if (!made.getLayer(layer)) last.current.addLayers(made, names);
      setStyled((n) => n + 1);
    });
    made.on("moveend", () => last.current.onMove?.());
    made.on("movestart", () => setOver(null));
    made.on("error", () => undefined);
    made.on("click", layer, (event: MapLayerMouseEvent) =>
      last.current.onPick?.(String(event.features?.[0]?.properties.cell ?? "")));
    made.on("mousemove", layer, (event: MapLayerMouseEvent) => {
      made.getCanvas().style.cursor = last.current.onPick ? "pointer" : "";
      const found = event.features?.[0]?.properties;
      if (found) setOver({ x: event.point.x, y: event.point.y, cell: found as Cell });
    });
    made.on("mouseleave", layer, () => { made.getCanvas().style.cursor = ""; setOver(null); });
    const unkey = byKeys(made, layer, setOver, (cell) => last.current.onPick?.(cell));
    const unfollow = followPage(made);
    return () => { unkey(); unfollow(); map.current = null; made.remove(); };
  }, []);

  const fit = () => {
    const { bounds, padding, maxZoom } = last.current;
    if (!map.current || bounds.length !== 4) return;
    const [south, west, north, east] = bounds;
    map.current.fitBounds([[west, south], [east, north]], { padding, maxZoom, animate: false });
  };
  return { box, map, styled, over, fit };
}

export function Tip({ at, text }: { at: { x: number; y: number } | null; text: string }) {
  return <div role="status">{at && <div className="float cvm-tip num" style={{ left: at.x + 12, top: at.y + 12 }}>{text}</div>}</div>;
}

/** `t` knows controls, zoom_in, zoom_out and fit. */
export function MapControls({ map, fit, t }: { map: RefObject<GlMap | null>; fit: () => void; t: (key: string) => string }) {
  const buttons: [string, string, () => void][] = [
    ["zoom_in", "plus", () => map.current?.zoomIn()], ["zoom_out", "minus", () => map.current?.zoomOut()],
    ["fit", "locate-fixed", fit],
  ];
  return (
    <>
      <div className="ctl float cvm-ctl" role="group" aria-label={t("controls")}>
        {buttons.map(([key, icon, act]) =>
          <button key={key} type="button" aria-label={t(key)} title={t(key)} onClick={act}><Icon name={icon} /></button>)}
      </div>
      <svg className="cvm-aim" viewBox="-12 -12 24 24" aria-hidden="true">
        <path d="M-10 0h7M3 0h7M0-10v7M0 3v7" stroke="var(--map-halo)" strokeWidth="5" />
        <path d="M-10 0h7M3 0h7M0-10v7M0 3v7" stroke="var(--text)" strokeWidth="2" />
      </svg>
      <a className="attr" href="https://www.openstreetmap.org/copyright" target="_blank" rel="noreferrer">© OpenStreetMap contributors</a>
    </>
  );
}
