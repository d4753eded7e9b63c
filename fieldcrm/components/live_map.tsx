// The live map: MapLibre below, markers drawn as SVG above it, positions from the gateway's own
// socket (docs/protocol.md). State tells who is who; the socket tells where, several times a second.
import { useEffect, useRef, useState } from "react";
import { addProtocol, Map as GlMap, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { Protocol } from "pmtiles";
import { ageText, Icon, productNow } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { DeskLink, type Where } from "$/public/external/fieldcrm/components/live_map/desk_link.ts";

type Words = Record<string, Record<string, string>>;
type LatLng = [number, number];
export type Rep = {
  id: string; name: string; short: string; state: string; since_ms: number;
  lat: number | null; lng: number | null; course: number | null; fix_ms: number;
};
export type Stop = { id: string; label: string; title: string; kind: string; lat: number; lng: number };
type Passed = [number, number, number]; // lat, lng, epoch ms
type Lines = { plan: LatLng[]; before: LatLng[]; track: Passed[][] };
type Props = {
  reps: Rep[]; selected: string; stops: Stop[]; lines: Lines; fit: string; spot: { lat: number; lng: number; key: string } | null;
  gateway: string; words: Words; lang: string; zone: string; follow: boolean;
  onSelect: (repId: string) => void; onFollow: (is: boolean) => void;
  onNotices: (notices: string) => void; onLink: (state: string) => void;
};

const SVG = "http://www.w3.org/2000/svg";
const GLIDE_MS = 700; // a marker reaches its newest place within this
const JUMP_M = 400; // farther than this it does not glide
const ASK_AGAIN_MS = 3000; // the list is asked to follow a change of state, not more often
const GAP_MS = 5 * 60_000; // no line across a longer silence
const START: LatLng = [60.1699, 24.9384];

let isReady = false;
function prepare() {
  if (isReady) return;
  isReady = true;
  setWorkerUrl(workerUrl);
  addProtocol("pmtiles", new Protocol().tile);
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function styleUrl(): string {
  const theme = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
  return `/region/style-${theme}.json?lang=${document.documentElement.lang || "en"}`;
}

function node(name: string, attributes: Record<string, string | number>, parent?: Element): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, String(attributes[key]));
  parent?.appendChild(made);
  return made;
}

/** The product's time of day in the company's zone. */
function clockTime(lang: string, zone: string): string {
  const form = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
  return form.format(new Date(productNow()));
}

function metres(a: LatLng, b: LatLng): number {
  const dLat = (b[0] - a[0]) * 111_195;
  const dLng = (b[1] - a[1]) * 111_195 * Math.cos((a[0] * Math.PI) / 180);
  return Math.hypot(dLat, dLng);
}

/** A street driven twice is drawn once: the second pass over a piece starts a new line after it. */
export function withoutRepeats(line: LatLng[]): LatLng[][] {
  const seen = new Set<string>();
  const pieces: LatLng[][] = [];
  let piece: LatLng[] = [];
  for (let n = 1; n < line.length; n++) {
    const ends = [line[n - 1], line[n]].map((p) => `${p[0].toFixed(5)},${p[1].toFixed(5)}`);
    const key = ends.sort().join(" ");
    if (seen.has(key)) {
      if (piece.length > 1) pieces.push(piece);
      piece = [];
      continue;
    }
    seen.add(key);
    if (!piece.length) piece.push(line[n - 1]);
    piece.push(line[n]);
  }
  if (piece.length > 1) pieces.push(piece);
  return pieces;
}

function shape(lines: LatLng[][]): GeoJSON.Feature {
  const coordinates = lines.map((line) => line.map(([lat, lng]) => [lng, lat]));
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates } };
}

// ── markers ────────────────────────────────────────────────────────────────────────────────────
function drawState(state: string, into: SVGElement) {
  const edge = "mk-edge";
  if (state === "moving") node("path", { d: "M0-12 9.6 10Q0 4.6-9.6 10Z", class: `s-moving ${edge} turn` }, into);
  else if (state === "in_visit") node("rect", { x: -9, y: -9, width: 18, height: 18, rx: 4, class: `s-in-visit ${edge}` }, into);
  else if (state === "idle") node("circle", { r: 9.5, class: `s-idle ${edge}` }, into);
  else if (state === "silent") {
    node("circle", { r: 13, class: "pulse" }, into);
    node("circle", { r: 10, class: `s-silent ${edge}` }, into);
    node("path", { d: "M-4.6 4.6 4.6-4.6", class: "cut", "stroke-width": 2.6 }, into);
  } else if (state === "paused") {
    node("circle", { r: 11, class: "mk-panel" }, into);
    node("path", { d: "M-5-5.5h3.4v11h-3.4ZM1.6-5.5H5v11H1.6Z", class: "s-paused" }, into);
  } else {
    node("circle", { r: 8, fill: "none", stroke: "var(--map-halo)", "stroke-width": 7 }, into);
    node("circle", { r: 8, class: "s-off", "stroke-width": 3 }, into);
  }
}

type Marker = {
  id: string; group: SVGElement; body: SVGElement; tag: SVGElement; tagBox: SVGElement; tagText: SVGElement;
  drawn: string; text: string; width: number;
  from: LatLng; to: LatLng; at: LatLng; since: number; until: number; course: number; state: string;
};

const ruler = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
function textWidth(text: string): number {
  if (!ruler) return text.length * 6;
  ruler.font = "500 11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
  return Math.ceil(ruler.measureText(text).width);
}

type Box = [number, number, number, number];
const overlap = (a: Box, b: Box) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** The reps' and stops' layer: keeps SVG nodes for what is there and moves them with the map. */
class Markers {
  readonly svg: SVGElement;
  private readonly stopLayer: SVGElement;
  private readonly cellLayer: SVGElement;
  private readonly repLayer: SVGElement;
  private readonly spotLayer: SVGElement;
  private reps = new Map<string, Rep>();
  private markers = new Map<string, Marker>();
  private live = new Map<string, Where>();
  private heard = new Map<string, number>();
  private toldAt = 0;
  private told: Rep[] = [];
  private stops: Stop[] = [];
  private stopNodes: SVGElement[] = [];
  private cells: { lat: number; lng: number; count: number; node: SVGElement }[] = [];
  private spot: { lat: number; lng: number } | null = null;
  private selected = "";
  private frame = 0;
  private placed = 0;
  hasNames = true;
  words: Words = {};
  lang = "en";

  constructor(private map: GlMap, private select: (id: string) => void) {
    this.svg = node("svg", { class: "mk-all", "aria-hidden": "true" });
    map.getContainer().appendChild(this.svg);
    this.stopLayer = node("g", {}, this.svg);
    this.cellLayer = node("g", {}, this.svg);
    this.repLayer = node("g", {}, this.svg);
    this.spotLayer = node("g", {}, this.svg);
    map.on("move", () => this.draw());
  }

  setReps(reps: Rep[], selected: string) {
    if (reps !== this.told) this.toldAt = performance.now();
    this.told = reps;
    this.reps = new Map(reps.map((rep) => [rep.id, rep]));
    this.selected = selected;
    for (const rep of reps) if (rep.lat !== null && rep.lng !== null) this.place(rep.id);
    for (const id of [...this.markers.keys()]) if (!this.reps.has(id)) this.drop(id);
    this.draw(true);
  }

  /** New places from the socket. */
  move(places: Where[]) {
    for (const where of places) {
      const before = this.live.get(where.id);
      if (before && before.fixMs > where.fixMs) continue; // a marker never goes back in time
      this.live.set(where.id, where);
      this.heard.set(where.id, performance.now());
      if (this.reps.has(where.id)) this.place(where.id);
    }
    this.draw();
  }

  setCells(cells: { lat: number; lng: number; count: number }[]) {
    this.cellLayer.replaceChildren();
    this.cells = cells.map((cell) => {
      const group = node("g", { class: "mk-cell" }, this.cellLayer);
      node("circle", { r: 12 + Math.min(14, Math.sqrt(cell.count) * 2) }, group);
      node("text", { y: 4 }, group).textContent = String(cell.count);
      return { ...cell, node: group };
    });
    this.draw();
  }

  setStops(stops: Stop[]) {
    this.stops = stops;
    this.stopLayer.replaceChildren();
    this.stopNodes = stops.map((stop) => {
      const group = node("g", { class: `stop ${stop.kind}`, "data-visit": stop.id }, this.stopLayer);
      node("title", {}, group).textContent = stop.title;
      const half = Math.max(10, 4 + stop.label.length * 3.6);
      if (half > 12) node("rect", { x: -half, y: -10, width: 2 * half, height: 20, rx: 10 }, group);
      else node("circle", { r: 10 }, group);
      node("text", { y: 4 }, group).textContent = stop.label;
      return group;
    });
    this.draw();
  }

  setSpot(spot: { lat: number; lng: number } | null) {
    this.spot = spot;
    this.spotLayer.replaceChildren();
    if (spot) node("path", { d: "M0 0C-7-8-9-12-9-16a9 9 0 0 1 18 0c0 4-2 8-9 16Z", class: "mk-spot" }, this.spotLayer);
    this.draw();
  }

  everywhere(): LatLng[] {
    return [...this.markers.values()].map((marker) => marker.to);
  }

  placeOf(id: string): LatLng | null {
    return this.markers.get(id)?.to ?? null;
  }

  private place(id: string) {
    const rep = this.reps.get(id)!;
    const seen = this.live.get(id);
    const isLive = seen && seen.fixMs >= Math.floor(rep.fix_ms / 1000) * 1000; // frames tell whole seconds
    const to: LatLng = isLive ? [seen.lat, seen.lng] : [rep.lat!, rep.lng!];
    const course = (isLive ? seen.course : rep.course) ?? this.markers.get(id)?.course ?? 0;
    const isNewer = (this.heard.get(id) ?? 0) > this.toldAt; // whoever spoke last knows the state
    const state = isNewer && seen?.state ? seen.state : rep.state;
    const now = performance.now();
    let marker = this.markers.get(id);
    if (!marker) {
      marker = this.make(id, to);
      this.markers.set(id, marker);
    } else if (to[0] !== marker.to[0] || to[1] !== marker.to[1]) {
      const far = metres(marker.at, to) > JUMP_M || document.visibilityState !== "visible";
      marker.from = far ? to : marker.at;
      marker.since = now;
      marker.until = far ? now : now + GLIDE_MS;
    }
    Object.assign(marker, { to, course, state });
    marker.group.setAttribute("data-lat", to[0].toFixed(6));
    marker.group.setAttribute("data-lng", to[1].toFixed(6));
    marker.group.setAttribute("data-fix-ms", String(isLive ? seen.fixMs : rep.fix_ms));
  }

  private make(id: string, at: LatLng): Marker {
    const group = node("g", { class: "mk", "data-rep": id, "data-drop-rep": id }, this.repLayer);
    node("circle", { r: 16, fill: "transparent" }, group);
    const body = node("g", {}, group);
    const tag = node("g", { class: "mk-tag" }, group);
    const tagBox = node("rect", { height: 20, rx: 5, y: -10 }, tag);
    const tagText = node("text", { x: 7, y: 4 }, tag);
    group.addEventListener("click", (event) => { event.stopPropagation(); this.select(id); });
    return { id, group, body, tag, tagBox, tagText, drawn: "", text: "", width: 0, from: at, to: at, at,
      since: 0, until: 0, course: 0, state: "" };
  }

  private drop(id: string) {
    this.markers.get(id)?.group.remove();
    this.markers.delete(id);
  }

  private says(marker: Marker): string {
    const rep = this.reps.get(marker.id)!;
    const now = productNow();
    if (marker.state === "silent") return `${rep.short} · ${ageText((now - rep.fix_ms) / 1000, this.lang)}`;
    const lastsS = rep.since_ms ? (now - rep.since_ms) / 1000 : 0;
    const lasts = lastsS >= 60 ? ageText(lastsS, this.lang) : "";
    if (marker.state === "idle" && lasts) return `${rep.short} · ${this.words["map.idle"]?.[this.lang] ?? ""} ${lasts}`;
    if (marker.state === "in_visit" && lasts) return `${rep.short} · ${lasts}`;
    return rep.short;
  }

  private dress(marker: Marker) {
    const isSelected = marker.id === this.selected;
    const wanted = `${marker.state}|${isSelected}`;
    if (marker.drawn !== wanted) {
      marker.body.replaceChildren();
      if (isSelected) node("circle", { r: 21, class: "mk-halo" }, marker.body);
      drawState(marker.state, marker.body);
      marker.drawn = wanted;
      marker.group.setAttribute("data-state", marker.state);
      marker.tag.setAttribute("class", `mk-tag ${marker.state === "silent" ? "bad" : ""} ${isSelected ? "sel" : ""}`);
      if (isSelected) this.repLayer.appendChild(marker.group);
    }
    const text = this.says(marker);
    if (text !== marker.text) {
      marker.text = text;
      marker.tagText.textContent = text;
      marker.width = textWidth(text) + 14;
      marker.tagBox.setAttribute("width", String(marker.width));
    }
    marker.body.querySelector(".turn")?.setAttribute("transform", `rotate(${marker.course - this.map.getBearing()})`);
  }

  draw(hasNews = false) {
    if (hasNews) this.placed = 0;
    if (!this.frame) this.frame = requestAnimationFrame((now) => this.step(now));
  }

  private step(now: number) {
    this.frame = 0;
    let isGliding = false;
    for (const marker of this.markers.values()) {
      const share = marker.until > now ? 1 - (marker.until - now) / Math.max(1, marker.until - marker.since) : 1;
      if (share < 1) isGliding = true;
      marker.at = [marker.from[0] + (marker.to[0] - marker.from[0]) * share, marker.from[1] + (marker.to[1] - marker.from[1]) * share];
      if (share >= 1) marker.from = marker.at = marker.to;
      this.put(marker.group, marker.at);
      this.dress(marker);
    }
    this.stops.forEach((stop, n) => this.put(this.stopNodes[n], [stop.lat, stop.lng]));
    this.cells.forEach((cell) => this.put(cell.node, [cell.lat, cell.lng]));
    if (this.spot) this.put(this.spotLayer, [this.spot.lat, this.spot.lng]);
    if (now - this.placed > 250) { this.placeTags(); this.placed = now; }
    if (isGliding) this.draw();
  }

  private put(element: SVGElement, [lat, lng]: LatLng) {
    const at = this.map.project([lng, lat]);
    element.setAttribute("transform", `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`);
  }

  /** Give each name a free side; one without a free side is left out, the selected never. */
  private placeTags() {
    const order = [...this.markers.values()].sort((a, b) => this.rank(a) - this.rank(b));
    const at = (place: LatLng) => this.map.project([place[1], place[0]]);
    const taken: Box[] = order.map((m) => { const p = at(m.at); return [p.x - 11, p.y - 11, p.x + 11, p.y + 11]; });
    for (const stop of this.stops) { const p = at([stop.lat, stop.lng]); taken.push([p.x - 10, p.y - 10, p.x + 10, p.y + 10]); }
    order.forEach((marker, own) => {
      const p = at(marker.at);
      const off = marker.id === this.selected ? 26 : 16;
      const w = marker.width;
      const sides: LatLng[] = [[off, 0], [-off - w, 0], [-w / 2, -off - 10], [-w / 2, off + 10]];
      const boxes = sides.map(([x, y]): Box => [p.x + x - 2, p.y + y - 12, p.x + x + w + 2, p.y + y + 12]);
      const free = boxes.findIndex((box) => !taken.some((other, n) => n !== own && overlap(box, other)));
      const side = free >= 0 ? free : marker.id === this.selected || marker.state === "silent" ? 0 : -1;
      const isShown = side >= 0 && (this.hasNames || marker.id === this.selected);
      marker.tag.setAttribute("visibility", isShown ? "visible" : "hidden");
      if (!isShown) return;
      taken.push(boxes[side]);
      marker.tag.setAttribute("transform", `translate(${sides[side][0]} ${sides[side][1]})`);
    });
  }

  private rank(marker: Marker): number {
    return marker.id === this.selected ? 0 : marker.state === "silent" ? 1 : marker.state === "off_shift" ? 3 : 2;
  }
}

// ── lines ──────────────────────────────────────────────────────────────────────────────────────
const LINES = ["before", "plan", "track"] as const;

function addLines(map: GlMap) {
  const names = map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
  const cap = (name: string) => ({ "line-cap": name, "line-join": "round" }) as const;
  for (const name of LINES) {
    if (!map.getSource(`f-${name}`)) map.addSource(`f-${name}`, { type: "geojson", data: shape([]) });
  }
  const add = (id: string, of: string, paint: Record<string, unknown>, ends = "round") => {
    if (map.getLayer(id)) map.removeLayer(id);
    map.addLayer({ id, type: "line", source: `f-${of}`, layout: cap(ends), paint } as never, names);
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

function setLines(map: GlMap, lines: Lines, shown: Shown, tail: Passed[]) {
  const put = (name: string, data: LatLng[][]) =>
    (map.getSource(`f-${name}`) as { setData?: (d: GeoJSON.Feature) => void } | undefined)?.setData?.(shape(data));
  put("plan", shown.plan ? withoutRepeats(lines.plan) : []);
  put("before", shown.plan ? withoutRepeats(lines.before) : []);
  put("track", shown.track ? withTail(lines.track, tail) : []);
}

type Shown = { plan: boolean; track: boolean; names: boolean };

// ── the component ──────────────────────────────────────────────────────────────────────────────
export function LiveMap(props: Props) {
  const { words, lang } = props;
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<GlMap | null>(null);
  const markers = useRef<Markers | null>(null);
  const link = useRef<DeskLink | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [shown, setShown] = useState<Shown>({ plan: true, track: true, names: true });
  const shownNow = useRef(shown);
  shownNow.current = shown;
  const [state, setState] = useState("connecting");
  const [lostAt, setLostAt] = useState("");
  const [hasBase, setHasBase] = useState(true);
  const hasFitted = useRef(false);
  const tail = useRef<Passed[]>([]);
  const askedAt = useRef(0);
  const t = (key: string) => words[key][lang];

  // the map itself, once
  useEffect(() => {
    prepare();
    const made = new GlMap({
      container: box.current!, style: styleUrl(), center: [START[1], START[0]], zoom: 13, attributionControl: false,
      dragRotate: false, pitchWithRotate: false, maxPitch: 0, fadeDuration: 0,
    });
    made.touchZoomRotate.disableRotation();
    made.keyboard.disable(); // arrows belong to the lists; the map has buttons
    map.current = made;
    const layer = new Markers(made, (id) => latest.current.onSelect(id));
    markers.current = layer;
    made.on("style.load", () => {
      addLines(made);
      setLines(made, latest.current.lines, shownNow.current, tail.current);
    });
    made.on("error", (event) => {
      const text = String((event as { error?: Error }).error?.message ?? "");
      if (/style-|pmtiles|404/.test(text)) setHasBase(false);
    });
    made.on("dragstart", () => latest.current.follow && latest.current.onFollow(false));
    made.on("moveend", () => link.current?.view(made));
    const again = () => { setHasBase(true); made.setStyle(styleUrl(), { diff: false }); };
    window.addEventListener("fieldcrm:theme", again);
    const sizes = new ResizeObserver(() => made.resize());
    sizes.observe(box.current!);
    fetch("/region/region.json").then((r) => (r.ok ? r.json() : null)).then((region) => {
      const b = region?.bbox as number[] | undefined; // south, west, north, east
      if (b && !hasFitted.current && !latest.current.reps.some((rep) => rep.lat !== null)) {
        made.fitBounds([[b[1], b[0]], [b[3], b[2]]], { animate: false });
      }
    }).catch(() => undefined);
    return () => {
      window.removeEventListener("fieldcrm:theme", again);
      sizes.disconnect();
      made.remove();
    };
  }, []);

  // the socket, per gateway address
  useEffect(() => {
    if (!props.gateway) return;
    const made = new DeskLink(props.gateway, {
      places: (places) => {
        for (const where of places) {
          window.fieldcrmLive?.fixAt.set(where.id, where.fixMs);
        }
        markers.current?.move(places);
        const { follow, selected } = latest.current;
        const states = new Map(latest.current.reps.map((rep) => [rep.id, rep.state]));
        const isNews = places.some((where) => where.state && states.has(where.id) && states.get(where.id) !== where.state);
        if (isNews && performance.now() - askedAt.current > ASK_AGAIN_MS) {
          askedAt.current = performance.now();
          latest.current.onNotices('[{"t":"state"}]');
        }
        const own = places.find((where) => where.id === selected);
        if (own && own.state !== "off_shift") {
          tail.current.push([own.lat, own.lng, own.fixMs]);
          tail.current.splice(0, tail.current.length - 600);
          if (map.current) setLines(map.current, latest.current.lines, shownNow.current, tail.current);
        }
        const at = follow && markers.current?.placeOf(selected);
        if (at) map.current?.easeTo({ center: [at[1], at[0]], duration: 600 });
      },
      cells: (cells) => markers.current?.setCells(cells),
      time: (ms, speed) => {
        window.fieldcrmClock = { ms, speed: speed ?? window.fieldcrmClock?.speed ?? 1, at: performance.now() };
      },
      notices: (list) => latest.current.onNotices(JSON.stringify(list)),
      state: (now) => {
        setState(now);
        if (now === "offline") {
          setLostAt((at) => at || clockTime(latest.current.lang, latest.current.zone));
        } else if (now === "live") setLostAt("");
        latest.current.onLink(now);
      },
    });
    link.current = made;
    if (map.current) made.view(map.current);
    return () => made.close();
  }, [props.gateway]);

  useEffect(() => {
    const layer = markers.current!;
    layer.words = words;
    layer.lang = lang;
    layer.setReps(props.reps, props.selected);
    if (!hasFitted.current && props.reps.some((rep) => rep.lat !== null)) {
      hasFitted.current = true;
      fitTeam(false);
    }
  }, [props.reps, props.selected, lang]);

  // ages on name tags go on while nothing else happens
  useEffect(() => {
    const timer = setInterval(() => markers.current?.draw(true), 5000);
    return () => clearInterval(timer);
  }, []);

  useEffect(() => markers.current!.setStops(props.stops), [props.stops]);
  useEffect(() => {
    if (map.current) setLines(map.current, props.lines, shown, tail.current);
    if (markers.current) { markers.current.hasNames = shown.names; markers.current.draw(true); }
  }, [props.lines, shown]);

  useEffect(() => { tail.current = []; }, [props.selected]);

  // when another rep is chosen, the map shows his day, unless it does so already
  useEffect(() => {
    const at = markers.current?.placeOf(props.selected);
    if (!props.fit || !map.current) return;
    map.current.resize(); // the panel at the right has just taken its part
    const points: LatLng[] = [...props.stops.map((s): LatLng => [s.lat, s.lng]), ...(at ? [at] : [])];
    if (points.length > 1) fitTo(points, true);
    else if (at) map.current.easeTo({ center: [at[1], at[0]] });
  }, [props.fit]);

  useEffect(() => {
    markers.current?.setSpot(props.spot);
    if (props.spot) map.current?.easeTo({ center: [props.spot.lng, props.spot.lat], zoom: Math.max(15, map.current.getZoom()) });
  }, [props.spot?.key]);

  useEffect(() => {
    const at = props.follow && markers.current?.placeOf(props.selected);
    if (at) map.current?.easeTo({ center: [at[1], at[0]], zoom: Math.max(15, map.current.getZoom()) });
  }, [props.follow, props.selected]);

  function fitTo(points: LatLng[], animate: boolean) {
    const lats = points.map((p) => p[0]);
    const lngs = points.map((p) => p[1]);
    map.current?.fitBounds(
      [[Math.min(...lngs), Math.min(...lats)], [Math.max(...lngs), Math.max(...lats)]],
      { padding: { top: 64, left: 64, right: 64, bottom: 96 }, maxZoom: 16, animate, duration: 600 },
    );
  }
  function fitTeam(animate: boolean) {
    const points = markers.current?.everywhere() ?? [];
    if (points.length) fitTo(points, animate);
  }
  const toggle = (name: keyof Shown) => () => setShown((was) => ({ ...was, [name]: !was[name] }));

  return (
    <>
      <div ref={box} className="gl" data-link={state} />
      <div className="ctl float" role="group" aria-label={t("map.controls")}>
        <button type="button" aria-label={t("map.zoom_in")} title={t("map.zoom_in")} onClick={() => map.current?.zoomIn()}><Icon name="plus" /></button>
        <button type="button" aria-label={t("map.zoom_out")} title={t("map.zoom_out")} onClick={() => map.current?.zoomOut()}><Icon name="minus" /></button>
        <button type="button" aria-label={t("map.fit")} title={t("map.fit")} onClick={() => { props.onFollow(false); fitTeam(true); }}><Icon name="locate-fixed" /></button>
        <button type="button" aria-label={t("map.follow")} title={t("map.follow")} aria-pressed={props.follow} disabled={!props.selected}
          onClick={() => props.onFollow(!props.follow)}><Icon name="navigation" /></button>
        <button type="button" aria-label={t("map.layers")} title={t("map.layers")} {...{ popoverTarget: "map-layers" }}><Icon name="layers" /></button>
      </div>
      <div id="map-layers" className="float menu m-layers" {...{ popover: "auto" }}>
        {(["plan", "track", "names"] as const).map((name) => (
          <label key={name} className="mi"><input type="checkbox" checked={shown[name]} onChange={toggle(name)} />{t(`map.layer.${name}`)}</label>
        ))}
      </div>
      {props.selected && (
        <div className="float legend" aria-hidden="true">
          {(["done", "now", "planned", "moved"] as const).map((kind) => (
            <span key={kind}><svg className="g s"><use href={`/icons.svg#g-v-${kind}`} /></svg>{t(`map.legend.${kind}`)}</span>
          ))}
          <span><svg width="18" height="6"><path className="r-track" d="M1 3h16" /></svg>{t("map.legend.track")}</span>
          <span><svg width="20" height="6"><path className="r-plan" d="M0 3h20" style={{ strokeDasharray: "5 3" }} /></svg>{t("map.legend.plan")}</span>
          {props.lines.before.length > 0 && <span><svg width="18" height="6"><path className="r-ghost" d="M0 3h18" /></svg>{t("map.legend.before")}</span>}
        </div>
      )}
      {state === "offline" && (
        <div className="note warn map-n" role="status">
          <Icon name="wifi-off" size="s" />
          <span><b>{t("map.offline").replace("{at}", lostAt)}</b> {t("map.offline_why")}</span>
          <button type="button" className="btn sm" onClick={() => link.current?.retry()}>{t("map.retry")}</button>
        </div>
      )}
      {!hasBase && state !== "offline" && <div className="note info map-n" role="status"><Icon name="info" size="s" /><span>{t("map.no_base")}</span></div>}
      <a className="attr" href="https://www.openstreetmap.org/copyright" target="_blank" rel="noreferrer">© OpenStreetMap contributors</a>
    </>
  );
}
