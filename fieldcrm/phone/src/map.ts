/** The map itself (MapLibre): loaded only when a screen shows one. */
import { addProtocol, GeoJSONSource, LngLatBounds, Map as GlMap, Marker, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import { PMTiles, Protocol } from "pmtiles";
import { metresBetween } from "./geo";
import type { MapBoxProps } from "./mapbox";

declare const __MAP_WORKER__: string;
declare const __MAP_CSS__: string;

const TILES = "/region/basemap.pmtiles";
const MOUSE = ["mousemove", "mouseup"] as const;
const EARTH_M_PER_DEGREE = 111_195;

export interface Stop {
  id: string;
  lat: number;
  lng: number;
  label: string;
  look: "next" | "todo" | "confirmed" | "doubtful" | "contradicted" | "unjudged";
}

export interface MapMarks {
  stops: Stop[];
  /** [[lat, lng], ...] along the roads. */
  line: [number, number][];
}

let isReady = false;

function prepare(): void {
  if (isReady) return;
  isReady = true;
  setWorkerUrl(new URL(__MAP_WORKER__, location.href).href);
  const protocol = new Protocol();
  protocol.add(new PMTiles(new URL(TILES, location.href).href));
  addProtocol("pmtiles", protocol.tile);
  const css = document.createElement("link");
  css.rel = "stylesheet";
  css.href = __MAP_CSS__;
  document.head.append(css);
}

/** The region's style with an absolute tile address, and colours of our own marks from the look. */
async function styleOf(theme: "light" | "dark", language: string): Promise<StyleSpecification> {
  const answer = await fetch(`/region/style-${theme}.json?language=${language}`);
  if (!answer.ok) throw new Error(`no style: ${answer.status}`);
  const style = (await answer.json()) as StyleSpecification;
  for (const source of Object.values(style.sources))
    if ("url" in source && typeof source.url === "string" && source.url.startsWith("pmtiles:"))
      source.url = `pmtiles://${new URL(TILES, location.href).href}`;
  return style;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export class RepMap {
  private map: GlMap | null = null;
  private markers: Marker[] = [];
  private me: Marker | null = null;
  private wanted: MapBoxProps = {};
  private isFitted = false;
  private fittedFor: { lat: number; lng: number } | null = null;
  private isGone = false;
  private shown = "";
  /** A map whose screen is left has no size; drawn for that, it would be in the way of the next screen. */
  private readonly sizes = new ResizeObserver(() => { if (this.box.isConnected) this.map?.resize(); });

  /**
   * A tap beside the map comes as moves of a mouse too, which the map would think about before the button
   * that was tapped hears of it.
   */
  private readonly beside = (event: Event) => {
    const { sourceCapabilities } = event as Event & { sourceCapabilities?: { firesTouchEvents: boolean } | null };
    if (sourceCapabilities?.firesTouchEvents && !this.box.contains(event.target as Node)) event.stopPropagation();
  };

  constructor(readonly box: HTMLElement, theme: "light" | "dark", language: string, readonly onPick: (id: string) => void) {
    prepare();
    void styleOf(theme, language).then((style) => this.begin(style), () => box.classList.add("no-map"));
  }

  private begin(style: StyleSpecification): void {
    if (this.isGone) return;
    const centre = this.centre();
    this.map = new GlMap({
      container: this.box, style, center: centre, zoom: 15, attributionControl: false, dragRotate: false,
      pitchWithRotate: false, fadeDuration: 0, interactive: !this.wanted.isStill, maxZoom: 19, localIdeographFontFamily: false, trackResize: false,
    });
    this.sizes.observe(this.box);
    for (const type of MOUSE) addEventListener(type, this.beside, true);
    this.map.touchZoomRotate.disableRotation();
    const canvas = this.map.getCanvas(); // the box around it has the name, in the rep's language
    for (const name of ["role", "aria-label"]) canvas.removeAttribute(name);
    canvas.setAttribute("tabindex", "-1");
    this.map.on("load", () => {
      this.addLayers();
      this.box.dataset.ready = "1";
      this.draw();
    });
  }

  private centre(): [number, number] {
    const { goal, me, marks } = this.wanted;
    const at = goal ?? me ?? marks?.stops[0];
    return at ? [at.lng, at.lat] : [24.9414, 60.1675];
  }

  private addLayers(): void {
    const map = this.map!;
    const empty = { type: "FeatureCollection" as const, features: [] };
    for (const id of ["line", "radius", "accuracy", "ray"]) map.addSource(id, { type: "geojson", data: empty });
    map.addLayer({ id: "radius-fill", type: "fill", source: "radius", paint: { "fill-color": colour("--plan-line"), "fill-opacity": 0.07 } });
    map.addLayer({ id: "radius-edge", type: "line", source: "radius", paint: { "line-color": colour("--plan-line"), "line-width": 2, "line-dasharray": [3, 2.5] } });
    map.addLayer({ id: "line-case", type: "line", source: "line", layout: { "line-cap": "round" }, paint: { "line-color": colour("--panel"), "line-width": 8, "line-opacity": 0.85 } });
    map.addLayer({ id: "line", type: "line", source: "line", layout: { "line-cap": "round" }, paint: { "line-color": colour("--plan-line"), "line-width": 4, "line-dasharray": [0.1, 2] } });
    map.addLayer({ id: "ray", type: "line", source: "ray", layout: { "line-cap": "round" }, paint: { "line-color": colour("--plan-line"), "line-width": 3, "line-dasharray": [0.1, 2] } });
    map.addLayer({ id: "accuracy", type: "fill", source: "accuracy", paint: { "fill-color": colour("--track-line"), "fill-opacity": 0.16, "fill-outline-color": colour("--track-line") } });
  }

  /** Show what the screen wants now. */
  show(wanted: MapBoxProps): void {
    this.wanted = wanted;
    if (this.box.dataset.ready) this.draw();
  }

  private draw(): void {
    const { goal, radius, me, marks } = this.wanted;
    const key = JSON.stringify([goal, radius, me, marks]);
    if (key === this.shown) return;
    this.shown = key;
    this.setLine("line", marks?.line ?? []);
    this.setLine("ray", goal && me ? [[goal.lat, goal.lng], [me.lat, me.lng]] : []);
    this.setCircle("radius", goal && radius ? { ...goal, r: radius } : null);
    this.setCircle("accuracy", me ? { ...me, r: Math.max(4, me.accuracy_m ?? 0) } : null);
    this.placeMarks();
    this.placeMe();
    this.fit();
  }

  private setLine(id: string, line: [number, number][]): void {
    const coordinates = line.map(([lat, lng]) => [lng, lat]);
    this.source(id).setData({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates } });
  }

  private setCircle(id: string, circle: { lat: number; lng: number; r: number } | null): void {
    const coordinates = circle ? [ring(circle)] : [];
    this.source(id).setData({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates } });
  }

  private source(id: string): GeoJSONSource {
    return this.map!.getSource(id) as GeoJSONSource;
  }

  private placeMarks(): void {
    for (const m of this.markers) m.remove();
    const { goal, marks } = this.wanted;
    const stops: Stop[] = goal ? [{ id: "", ...goal, look: "next" }] : (marks?.stops ?? []);
    this.markers = [...stops].reverse().map((s) => this.mark(s));
  }

  private mark(stop: Stop): Marker {
    const element = document.createElement(this.wanted.isStill ? "span" : "button");
    element.className = `mk ${stop.look}`;
    element.textContent = stop.label;
    if (element instanceof HTMLButtonElement) {
      element.type = "button";
      element.setAttribute("aria-label", stop.label || stop.look);
      element.addEventListener("click", () => this.onPick(stop.id));
    }
    return new Marker({ element, anchor: stop.look === "next" ? "bottom" : "center" }).setLngLat([stop.lng, stop.lat]).addTo(this.map!);
  }

  private placeMe(): void {
    const { me } = this.wanted;
    if (!me) {
      this.me?.remove();
      this.me = null;
      return;
    }
    if (!this.me) {
      const element = document.createElement("div");
      element.className = "mk-me";
      element.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4l6 14.500-6-3.500-6 3.500z"/></svg>';
      this.me = new Marker({ element }).setLngLat([me.lng, me.lat]).addTo(this.map!);
    }
    this.me.setLngLat([me.lng, me.lat]);
    (this.me.getElement().firstElementChild as SVGElement).style.transform = `rotate(${me.heading ?? 0}deg)`;
  }

  private fit(): void {
    const { goal, me, marks, radius } = this.wanted;
    const points: [number, number][] = [...(marks?.stops ?? []).map((s): [number, number] => [s.lng, s.lat])];
    if (goal && radius) points.push(...ring({ ...goal, r: radius * 1.15 }));
    if (me && (goal || points.length)) points.push([me.lng, me.lat]);
    if (points.length === 0 || (this.isFitted && !this.cameCloser())) return;
    this.isFitted = Boolean(me) || !goal;
    this.fittedFor = me ?? null;
    const bounds = points.reduce((b, p) => b.extend(p), new LngLatBounds(points[0]!, points[0]!));
    this.map!.fitBounds(bounds, { padding: { top: goal ? 30 : 90, bottom: 40, left: 36, right: 48 }, maxZoom: 17.5, animate: false });
  }

  /** On a check-in the map follows the rep who walks up to the place. */
  private cameCloser(): boolean {
    const { goal, me } = this.wanted;
    return Boolean(goal && me && (!this.fittedFor || metresBetween(me, this.fittedFor) > 60));
  }

  /** Bring the rep's own position to the middle. */
  centreOnMe(): void {
    const { me } = this.wanted;
    if (me && this.map) this.map.easeTo({ center: [me.lng, me.lat], zoom: Math.max(this.map.getZoom(), 15.5), duration: 300 });
  }

  /** Show the whole day again. */
  showAll(): void {
    this.isFitted = false;
    this.fit();
  }

  /** Draw nothing, whatever comes to be drawn; or draw again. */
  rest(isResting: boolean): void {
    const { map } = this;
    if (!map) return;
    map._render = isResting ? () => map : GlMap.prototype._render;
    if (!isResting) map.triggerRepaint();
  }

  remove(): void {
    this.isGone = true;
    this.sizes.disconnect();
    for (const type of MOUSE) removeEventListener(type, this.beside, true);
    this.map?.remove();
    this.map = null;
    delete this.box.dataset.ready;
  }
}

function ring({ lat, lng, r }: { lat: number; lng: number; r: number }): [number, number][] {
  const dLat = r / EARTH_M_PER_DEGREE;
  const dLng = dLat / Math.cos((lat * Math.PI) / 180);
  return Array.from({ length: 65 }, (_, i): [number, number] => {
    const a = (i / 64) * 2 * Math.PI;
    return [lng + dLng * Math.cos(a), lat + dLat * Math.sin(a)];
  });
}
