// Coverage on the map: the server's cells of the window in view, shaded by the measure chosen. Cells
// get finer as the map comes nearer; shades begin where they do for the whole period.
import { useEffect, useMemo, useRef, useState } from "react";
import type { GeoJSONSource, Map as GlMap } from "maplibre-gl";
import { Icon } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { MapControls, ringOf, Tip, useCellMap } from "$/public/external/fieldcrm/components/region_map/cell_map.tsx";
import { token } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

type Shown = { resolution: number; steps: number[]; cells: [string, number, number[]][] };
type Props = {
  url: string; measure: string; bounds: number[]; picked: string; words: Record<string, Record<string, string>>; lang: string;
  onPick: (cell: string) => void; onLook: (resolution: number) => void;
};

const WAIT_MS = 120; // after the map came to rest
const EDGE = 0.15; // of the window, asked for beyond it

function shape({ cells, steps }: Shown): GeoJSON.FeatureCollection {
  return {
    type: "FeatureCollection",
    features: cells.map(([cell, value, rim]) => {
      const shade = steps.filter((step) => value >= step).length;
      return { type: "Feature", properties: { cell, value, shade }, geometry: { type: "Polygon", coordinates: [ringOf(rim)] } };
    }),
  };
}

function addCells(map: GlMap, label: string | undefined) {
  map.addSource("cells", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  const shades = [1, 2, 3, 4].map((n) => token(`--hex-${n}`));
  map.addLayer({ id: "cells", type: "fill", source: "cells", paint: {
    "fill-color": ["match", ["get", "shade"], 0, shades[0], 1, shades[1], 2, shades[2], shades[3]], "fill-opacity": 0.72, "fill-antialias": false,
  } }, label);
  map.addLayer({ id: "rims", type: "line", source: "cells", paint: { "line-color": shades[2], "line-width": 0.7, "line-opacity": 0.55 } }, label);
  map.addLayer({ id: "picked", type: "line", source: "cells", filter: ["==", ["get", "cell"], ""],
    paint: { "line-color": token("--accent"), "line-width": 3.5 } });
}

export function CoverageMap({ url, measure, bounds, picked, words, lang, onPick, onLook }: Props) {
  const t = (key: string) => words[`coverage.${key}`]?.[lang] ?? "";
  const number = useMemo(() => new Intl.NumberFormat(lang, { maximumFractionDigits: 1 }), [lang]);
  const whole = useMemo(() => new Intl.NumberFormat(lang, { maximumFractionDigits: 0 }), [lang]);
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const look = useRef<() => void>(() => undefined);
  const { box, map, styled, over, fit } = useCellMap({
    layer: "cells", zoom: 11, bounds, padding: 36, maxZoom: 13, label: t("map"), addLayers: addCells,
    onMove: () => look.current(), onPick,
  });

  const isTime = measure === "presence" || measure === "silence";
  const told = (value: number) => {
    if (measure === "out_of_stock") return `${whole.format(value)} %`;
    if (!isTime) return whole.format(value);
    return value < 120 ? `${whole.format(value)} ${t("unit.min")}` : `${number.format(value / 60)} ${t("unit.h")}`;
  };

  const where = bounds.length === 4;
  useEffect(() => { fit(); }, [where]);

  // the cells of the window, asked for once the map rests
  useEffect(() => {
    let gone = new AbortController();
    let timer = 0;
    const ask = () => {
      if (!url || !map.current) return;
      gone.abort();
      gone = new AbortController();
      const b = map.current.getBounds();
      const [high, wide] = [(b.getNorth() - b.getSouth()) * EDGE, (b.getEast() - b.getWest()) * EDGE];
      const clip = (value: number, most: number) => Math.max(-most, Math.min(most, value)).toFixed(5);
      const window = `&south=${clip(b.getSouth() - high, 90)}&west=${clip(b.getWest() - wide, 180)}&north=${clip(b.getNorth() + high, 90)}&east=${clip(b.getEast() + wide, 180)}&zoom=${map.current.getZoom().toFixed(2)}`;
      fetch(url + window, { signal: gone.signal })
        .then((r) => { if (!r.ok) throw new Error(String(r.status)); return r.json(); })
        .then((found: Shown) => { setProblem(false); setShown(found); })
        .catch((error) => { if (error.name !== "AbortError") setProblem(true); });
    };
    look.current = () => { clearTimeout(timer); timer = setTimeout(ask, WAIT_MS) as unknown as number; };
    ask();
    return () => { clearTimeout(timer); gone.abort(); };
  }, [url, attempt]);

  useEffect(() => {
    if (shown) (map.current?.getSource("cells") as GeoJSONSource | undefined)?.setData(shape(shown));
  }, [shown, styled]);
  useEffect(() => {
    if (map.current?.getLayer("picked")) map.current.setFilter("picked", ["==", ["get", "cell"], picked]);
  }, [picked, styled]);
  useEffect(() => { if (shown) onLook(shown.resolution); }, [shown?.resolution]);

  const steps = shown?.steps ?? [];
  const ranges = shown && shown.cells.length ? [...steps.map((step) => `< ${told(step)}`), steps.length ? `≥ ${told(steps[steps.length - 1])}` : ""] : [];
  return (
    <div className="cvm" data-state={problem ? "failed" : shown ? "ready" : "loading"} data-cells={shown?.cells.length ?? 0} data-resolution={shown?.resolution ?? 0}>
      <div ref={box} className="gl" />
      <Tip at={over} text={over ? told(Number(over.cell.value)) : ""} />
      <MapControls map={map} fit={fit} t={t} />
      {shown && shown.cells.length > 0 && <div className="float cvm-legend">
        <b className="t1">{t(measure)}</b>
        {ranges.filter(Boolean).map((text, n) => <span key={n} className="t1 num"><i style={{ background: `var(--hex-${n + 1})` }} />{text}</span>)}
        {!steps.length && <span className="t1 num"><i style={{ background: "var(--hex-1)" }} />{told(shown.cells[0][1])}</span>}
      </div>}
      {problem && <div className="note err map-n" role="alert"><Icon name="info" size="s" /><span>{t("failed")}</span>
        <button type="button" className="btn sm" onClick={() => setAttempt(attempt + 1)}>{t("retry")}</button></div>}
      {!problem && shown && shown.cells.length === 0 && <div className="note info map-n" role="status"><Icon name="info" size="s" /><span>{t("nothing")}</span></div>}
    </div>
  );
}
