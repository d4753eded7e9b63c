// A territory's area on the map: rings are drawn into it or cut out of it, cells are added and taken away
// one by one; the other territories lie paler beneath, named. The area itself is the server's.
import { useEffect, useRef, useState } from "react";
import { Marker, type GeoJSONSource, type Map as GlMap, type MapMouseEvent } from "maplibre-gl";
import { AreaDraw, crosses } from "$/public/external/fieldcrm/components/area_tools/area_draw.ts";
import { isByKey } from "$/public/external/fieldcrm/components/behaviour/focus_kept.ts";
import { MapControls } from "$/public/external/fieldcrm/components/region_map/cell_map.tsx";
import { followPage, regionMap, token } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

type Shape = [number, number][][][];
type Mode = "" | "draw" | "cut" | "cells";
type Props = {
  own: Shape; others: { name: string; shape: Shape }[]; bounds: number[]; aim: [number, number][]; canUndo: boolean;
  words: Record<string, Record<string, string>>; lang: string;
  onRing: (ring: [number, number][], isCut: boolean) => void; onCell: (lat: number, lng: number) => void;
  onLook: (lat: number, lng: number) => void; onUndo: () => void; onClear: () => void;
};
const MODES: Mode[] = ["draw", "cut", "cells"];

const many = (shapes: Shape[]): GeoJSON.FeatureCollection => ({
  type: "FeatureCollection",
  features: shapes.filter((s) => s.length).map((coordinates) => ({ type: "Feature", properties: {}, geometry: { type: "MultiPolygon", coordinates } })),
});

function dress(map: GlMap) {
  const names = map.getStyle().layers.find((each) => each.type === "symbol")?.id; // stay readable above
  const [accent, pale] = [token("--accent"), token("--text-muted")];
  for (const id of ["others", "own", "aim"]) if (!map.getSource(id)) map.addSource(id, { type: "geojson", data: many([]) });
  if (map.getLayer("own")) return;
  map.addLayer({ id: "others", type: "fill", source: "others", paint: { "fill-color": pale, "fill-opacity": 0.14 } }, names);
  map.addLayer({ id: "others-edge", type: "line", source: "others", paint: { "line-color": pale, "line-width": 1.2, "line-dasharray": [3, 2] } }, names);
  map.addLayer({ id: "own", type: "fill", source: "own", paint: { "fill-color": accent, "fill-opacity": 0.26 } }, names);
  map.addLayer({ id: "own-edge", type: "line", source: "own", paint: { "line-color": accent, "line-width": 2.2 } }, names);
  map.addLayer({ id: "aim", type: "line", source: "aim", paint: { "line-color": token("--text"), "line-width": 2 } });
}

/** The middle of the largest part, where a name stands. */
function middle(shape: Shape): [number, number] {
  const ring = shape.reduce((a, b) => (b[0].length > a[0].length ? b : a))[0];
  const [xs, ys] = [ring.map((p) => p[0]), ring.map((p) => p[1])];
  return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}

export function TerritoryDraw(props: Props) {
  const { own, others, bounds, aim, canUndo, words, lang } = props;
  const t = (key: string) => words[`territory.${key}`]?.[lang] ?? "";
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<GlMap | null>(null);
  const drawing = useRef<AreaDraw | null>(null);
  const last = useRef(props);
  last.current = props;
  const [mode, setMode] = useState<Mode>("");
  const now = useRef(mode);
  now.current = mode;
  const [styled, setStyled] = useState(0);
  const [bad, setBad] = useState(false);

  useEffect(() => {
    const made = regionMap(box.current!, 10);
    map.current = made;
    const canvas = made.getCanvas();
    canvas.setAttribute("aria-label", t("map"));
    made.on("style.load", () => { dress(made); setStyled((n) => n + 1); });
    made.on("error", () => undefined);
    made.on("click", (event: MapMouseEvent) => { if (now.current === "cells") last.current.onCell(event.lngLat.lat, event.lngLat.lng); });
    const look = () => {
      if (document.activeElement !== canvas || !isByKey() || drawing.current?.mode) return;
      const at = made.getCenter();
      last.current.onLook(at.lat, at.lng);
    };
    const enter = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || drawing.current?.mode) return;
      event.preventDefault();
      const at = made.getCenter();
      last.current.onCell(at.lat, at.lng);
    };
    const leave = () => last.current.onLook(999, 0); // nowhere: no cell is shown
    made.on("moveend", look);
    canvas.addEventListener("focus", look);
    canvas.addEventListener("blur", leave);
    canvas.addEventListener("keydown", enter);
    const end = () => { drawing.current?.leave(); setMode(""); };
    drawing.current = new AreaDraw(made, (_, n) => t("corner").replace("{n}", String(n)), {
      changed: () => undefined, left: end,
      done: (shape) => {
        const ring = shape.kind === "polygon" ? shape.ring : [];
        const isBad = crosses(ring);
        setBad(isBad);
        if (!isBad) last.current.onRing(ring, now.current === "cut");
        end();
      },
    });
    const unfollow = followPage(made);
    return () => { unfollow(); drawing.current?.close(); drawing.current = null; map.current = null; made.remove(); };
  }, []);

  const fit = () => {
    if (!map.current || last.current.bounds.length !== 4) return;
    const [south, west, north, east] = last.current.bounds;
    map.current.fitBounds([[west, south], [east, north]], { padding: 28, maxZoom: 14, animate: false });
  };
  const where = bounds.join(",");
  useEffect(() => { fit(); }, [where]);
  const put = (id: string, shapes: Shape[]) => (map.current?.getSource(id) as GeoJSONSource | undefined)?.setData(many(shapes));
  useEffect(() => { put("own", [own]); }, [own, styled]);
  useEffect(() => { put("aim", aim.length ? [[[[...aim, aim[0]]]] as unknown as Shape] : []); }, [aim, styled]);
  useEffect(() => {
    put("others", others.map((o) => o.shape));
    const marks = others.filter((o) => o.shape.length).map(({ name, shape }) => {
      const element = document.createElement("div");
      element.className = "te-name";
      element.textContent = name;
      element.setAttribute("aria-hidden", "true");
      return map.current ? new Marker({ element }).setLngLat(middle(shape)).addTo(map.current) : null;
    });
    return () => marks.forEach((mark) => mark?.remove());
  }, [others, styled]);

  const choose = (wanted: Mode) => {
    const next = now.current === wanted ? "" : wanted;
    setBad(false);
    drawing.current?.leave();
    if (next === "draw" || next === "cut") drawing.current?.begin("polygon");
    setMode(next);
    if (next && isByKey()) map.current?.getCanvas().focus(); // the arrows move it, Enter sets a corner or a cell
  };
  const hint = mode === "cells" ? "hint.cells" : mode ? "hint.draw" : "hint.none";
  const still = (is: boolean, act: () => void) => ({ "aria-disabled": is || undefined, onClick: () => { if (!is) act(); } });
  return (
    <>
      <div className="row te-t" role="group" aria-label={t("tools")}>
        {MODES.map((each) => <button key={each} type="button" className={`btn sm ${mode === each ? "soft" : ""}`} aria-pressed={mode === each} onClick={() => choose(each)}>{t(each)}</button>)}
        <span className="sp" />
        <button type="button" className="btn ghost sm" {...still(!canUndo, props.onUndo)}>{t("undo")}</button>
        <button type="button" className="btn ghost sm" {...still(!own.length, props.onClear)}>{t("clear")}</button>
      </div>
      <div className="te-map" data-state={styled ? "ready" : "loading"} data-parts={own.length} data-others={others.length} data-mode={mode} data-aim={JSON.stringify(aim)}>
        <div ref={box} className={`gl ${mode === "cells" ? "te-pick" : ""}`} />
        <MapControls map={map} fit={fit} t={t} />
      </div>
      <p className="muted t1 te-h">{t(hint)}</p>
      {bad && <p className="note err" role="alert">{t("crosses")}</p>}
    </>
  );
}
