// The selected rep's day as lines below the markers: the plan's way, the way before a proposal, the track.
import type { Map as GlMap } from "maplibre-gl";

export type LatLng = [number, number];
export type Passed = [number, number, number]; // lat, lng, epoch ms
export type Lines = { plan: LatLng[]; before: LatLng[]; track: Passed[][] };
export type LinesShown = { plan: boolean; track: boolean };

const GAP_MS = 5 * 60_000; // no line across a longer silence
const LANE_M = 9; // passes along one street lie no farther apart
const AGAIN_M = 60; // coming back after less way is a bend, not a second pass
const LINES = ["before", "plan", "track"] as const;
const LAYERS: Record<string, string[]> = { before: ["f-before"], plan: ["f-plan-halo", "f-plan"], track: ["f-track-halo", "f-track"] };

/** The product's tokens, as the map's styles want colours. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A street passed twice is drawn once: pieces of a line that lie where it has been before are left out. */
export function withoutRepeats(line: LatLng[]): LatLng[][] {
  if (line.length < 2) return [];
  const shrink = Math.cos((line[0][0] * Math.PI) / 180);
  const passed = new Map<string, number>(); // cell -> way made when it was passed first
  const pieces: LatLng[][] = [];
  let piece: LatLng[] = [], way = 0;
  const cellsAt = ([lat, lng]: LatLng) => {
    const row = Math.round((lat * 111_195) / LANE_M), column = Math.round((lng * 111_195 * shrink) / LANE_M);
    return [0, -1, 1].flatMap((dy) => [0, -1, 1].map((dx) => `${row + dy},${column + dx}`));
  };
  let last = line[0];
  for (const at of every(line, LANE_M / 111_195, shrink)) {
    way += Math.hypot(at[0] - last[0], (at[1] - last[1]) * shrink) * 111_195;
    const cells = cellsAt([(at[0] + last[0]) / 2, (at[1] + last[1]) / 2]);
    const isRepeat = cells.some((cell) => way - (passed.get(cell) ?? way) > AGAIN_M);
    if (!passed.has(cells[0])) passed.set(cells[0], way);
    if (isRepeat && piece.length > 1) pieces.push(piece);
    if (isRepeat) piece = [];
    else if (piece.length) piece.push(at);
    else piece = [last, at];
    last = at;
  }
  if (piece.length > 1) pieces.push(piece);
  return pieces;
}

/** A line's points with others between them, none farther apart than `step` degrees of latitude. */
function* every(line: LatLng[], step: number, shrink: number): Generator<LatLng> {
  for (let n = 1; n < line.length; n++) {
    const [from, to] = [line[n - 1], line[n]];
    const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], (to[1] - from[1]) * shrink) / step));
    for (let k = 1; k <= steps; k++) yield [from[0] + ((to[0] - from[0]) * k) / steps, from[1] + ((to[1] - from[1]) * k) / steps];
  }
}

function shape(lines: LatLng[][]): GeoJSON.Feature {
  const coordinates = lines.map((line) => line.map(([lat, lng]) => [lng, lat]));
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates } };
}

export function addLines(map: GlMap) {
  const names = map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
  const cap = (name: string) => ({ "line-cap": name, "line-join": "round" }) as const;
  for (const name of LINES) {
    if (!map.getSource(`f-${name}`)) map.addSource(`f-${name}`, { type: "geojson", data: shape([]) });
  }
  const add = (id: string, of: string, paint: Record<string, unknown>, ends = "round") => {
    if (map.getLayer(id)) map.removeLayer(id);
    const layout = { ...cap(ends), visibility: "none" };
    map.addLayer({ id, type: "line", source: `f-${of}`, layout, paint } as never, names);
  };
  const halo = { "line-color": token("--map-halo"), "line-width": 7, "line-opacity": 0.9 };
  add("f-before", "before", { "line-color": token("--ghost-line"), "line-width": 2, "line-dasharray": [1, 2], "line-offset": 5 }, "butt");
  add("f-plan-halo", "plan", halo);
  add("f-track-halo", "track", halo);
  add("f-plan", "plan", { "line-color": token("--plan-line"), "line-width": 3, "line-dasharray": [2.33, 1.67] }, "butt");
  add("f-track", "track", { "line-color": token("--track-line"), "line-width": 3.5 });
}

/** The recorded track goes on with what the socket has told since, unless there was a gap. */
function withTail(track: Passed[][], tail: Passed[]): LatLng[][] {
  const last = track.at(-1)?.at(-1);
  const newer = tail.filter((p) => !last || p[2] > last[2]);
  const goesOn = last && newer.length > 0 && newer[0][2] - last[2] <= GAP_MS;
  const lines = track.map((line) => line.map((p): LatLng => [p[0], p[1]]));
  if (goesOn) lines[lines.length - 1].push(...newer.map((p): LatLng => [p[0], p[1]]));
  return lines;
}

export function setTrack(map: GlMap, lines: Lines, shown: LinesShown, tail: Passed[]) {
  put(map, "track", shown.track ? withTail(lines.track, tail) : []);
}

export function setLines(map: GlMap, lines: Lines, shown: LinesShown, tail: Passed[]) {
  put(map, "plan", shown.plan ? withoutRepeats(lines.plan) : []);
  put(map, "before", shown.plan ? withoutRepeats(lines.before) : []);
  setTrack(map, lines, shown, tail);
}

/** A line that has nothing to draw is hidden: each change of source costs the map a pass over all its pixels. */
function put(map: GlMap, name: string, data: LatLng[][]) {
  const visibility = data.length ? "visible" : "none";
  for (const id of LAYERS[name]) if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", visibility);
  (map.getSource(`f-${name}`) as { setData?: (d: GeoJSON.Feature) => void } | undefined)?.setData?.(shape(data));
}
