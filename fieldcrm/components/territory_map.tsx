// Territories on the map: H3 cells coloured by territory, each territory numbered, so that no colour
// has to be told from another. Cells can be chosen where a border is to move.
import { useEffect } from "react";
import { Marker, type GeoJSONSource, type Map as GlMap } from "maplibre-gl";
import { MapControls, ringOf, Tip, useCellMap } from "$/public/external/fieldcrm/components/region_map/cell_map.tsx";
import { token } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

type Area = { id: string; number: number; tone: number; minutes: number; rim: number[] };
type Props = {
  areas: Area[]; bounds: number[]; chosen: string[]; canChoose: boolean;
  words: Record<string, Record<string, string>>; lang: string; onChoose: (cell: string) => void;
};
const TONES = 10;

function shape(areas: Area[]): GeoJSON.FeatureCollection {
  return {
    type: "FeatureCollection",
    features: areas.map(({ id, number, tone, minutes, rim }) =>
      ({ type: "Feature", properties: { cell: id, number, tone, minutes }, geometry: { type: "Polygon", coordinates: [ringOf(rim)] } })),
  };
}

// the edges between two territories, once each: an edge that only one cell of a territory has
function borders(areas: Area[]): GeoJSON.FeatureCollection {
  const edges = new Map<string, { line: [number, number][]; numbers: number[] }>();
  for (const { number, rim } of areas) {
    const ring = ringOf(rim);
    for (let n = 1; n < ring.length; n++) {
      const ends = [ring[n - 1], ring[n]].map(([lng, lat]) => `${lng.toFixed(4)},${lat.toFixed(4)}`).sort();
      const edge = edges.get(ends.join(" ")) ?? { line: [ring[n - 1], ring[n]], numbers: [] };
      edge.numbers.push(number);
      edges.set(ends.join(" "), edge);
    }
  }
  const lines = [...edges.values()].filter(({ numbers }) => numbers.length < 2 || numbers[0] !== numbers[1]);
  return { type: "FeatureCollection", features: lines.map(({ line }) =>
    ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: line } })) };
}

function addLayers(map: GlMap, label: string | undefined) {
  const none: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
  map.addSource("areas", { type: "geojson", data: none });
  map.addSource("borders", { type: "geojson", data: none });
  const tones = Array.from({ length: TONES }, (_, n) => [n, token(`--wi-${n}`)]).flat();
  map.addLayer({ id: "areas", type: "fill", source: "areas", paint: {
    "fill-color": ["match", ["get", "tone"], ...tones, token("--accent")] as never,
    "fill-opacity": ["case", [">", ["get", "minutes"], 0], 0.58, 0.26], "fill-antialias": false,
  } }, label);
  map.addLayer({ id: "borders", type: "line", source: "borders", paint: { "line-color": token("--text"), "line-width": 1.6 } }, label);
  map.addLayer({ id: "chosen", type: "line", source: "areas", filter: ["in", ["get", "cell"], ["literal", []]],
    paint: { "line-color": token("--accent-strong"), "line-width": 4 } });
}

// where a territory's number stands: the cell with work nearest to the middle of its work
function places(areas: Area[]): { number: number; tone: number; at: [number, number] }[] {
  const by = new Map<number, Area[]>();
  for (const area of areas) by.set(area.number, [...(by.get(area.number) ?? []), area]);
  return [...by.values()].map((mine) => {
    const middles = mine.map((a) => ({ weight: a.minutes + 1, lat: a.rim.filter((_, n) => n % 2 === 0).reduce((x, y) => x + y, 0) / (a.rim.length / 2),
      lng: a.rim.filter((_, n) => n % 2 === 1).reduce((x, y) => x + y, 0) / (a.rim.length / 2) }));
    const whole = middles.reduce((x, m) => x + m.weight, 0);
    const lat = middles.reduce((x, m) => x + m.weight * m.lat, 0) / whole;
    const lng = middles.reduce((x, m) => x + m.weight * m.lng, 0) / whole;
    const near = middles.reduce((a, b) => ((b.lat - lat) ** 2 + (b.lng - lng) ** 2 / 4 < (a.lat - lat) ** 2 + (a.lng - lng) ** 2 / 4 ? b : a));
    return { number: mine[0].number, tone: mine[0].tone, at: [near.lng, near.lat] };
  });
}

export function TerritoryMap({ areas, bounds, chosen, canChoose, words, lang, onChoose }: Props) {
  const t = (key: string) => words[`whatif.map.${key}`]?.[lang] ?? "";
  const { box, map, styled, over, fit } = useCellMap({
    layer: "areas", zoom: 10, bounds, padding: 28, maxZoom: 15, label: t("map"), addLayers,
    onPick: canChoose ? onChoose : null,
  });
  const where = bounds.join(",");
  useEffect(() => { fit(); }, [where]);

  useEffect(() => {
    (map.current?.getSource("areas") as GeoJSONSource | undefined)?.setData(shape(areas));
    (map.current?.getSource("borders") as GeoJSONSource | undefined)?.setData(borders(areas));
    const marks = places(areas).map(({ number, tone, at }) => {
      const element = document.createElement("div");
      element.className = `wi-mark n${tone}`;
      element.textContent = String(number);
      return map.current ? new Marker({ element }).setLngLat(at).addTo(map.current) : null;
    });
    return () => marks.forEach((mark) => mark?.remove());
  }, [areas, styled]);
  useEffect(() => {
    if (map.current?.getLayer("chosen")) map.current.setFilter("chosen", ["in", ["get", "cell"], ["literal", chosen]]);
  }, [chosen, styled]);

  return (
    <div className="wi-map" data-state={styled ? "ready" : "loading"} data-cells={areas.length} data-chosen={chosen.length}>
      <div ref={box} className="gl" />
      <Tip at={over} text={over ? `${chosen.includes(String(over.cell.cell)) ? "✓ " : ""}${t("territory_no")} ${over.cell.number} · ${over.cell.minutes} ${t("min")}` : ""} />
      <MapControls map={map} fit={fit} t={t} />
    </div>
  );
}
