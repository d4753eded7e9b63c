/** The arrival page's map: the client's place, and the rep while he comes. Loaded once there is something to show. */
import { addProtocol, LngLatBounds, Map as GlMap, Marker, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import { PMTiles, Protocol } from "pmtiles";

declare const __MAP_WORKER__: string;
declare const __MAP_CSS__: string;

type Point = [number, number]; // lng, lat
const TILES = "/region/basemap.pmtiles";
const GLIDE_MS = 1500;
const ARROW = '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="7" r="4.500"/><path d="M4 21c0-5 3.500-8 8-8s8 3 8 8Z"/></svg>';
const PIN = '<svg viewBox="0 0 34 40" aria-hidden="true"><path d="M17 2C9 2 3 8 3 15.500 3 25 17 38 17 38s14-13 14-22.500C31 8 25 2 17 2Z"/><circle cx="17" cy="15.500" r="5"/></svg>';

async function styleOf(): Promise<StyleSpecification> {
  const { theme } = document.documentElement.dataset;
  const answer = await fetch(`/region/style-${theme === "dark" ? "dark" : "light"}.json?language=${document.documentElement.lang}`, { credentials: "omit" });
  if (!answer.ok) throw new Error(`no style: ${answer.status}`);
  const style = (await answer.json()) as StyleSpecification;
  for (const source of Object.values(style.sources))
    if ("url" in source && typeof source.url === "string" && source.url.startsWith("pmtiles:"))
      source.url = `pmtiles://${new URL(TILES, location.href).href}`;
  return style;
}

function marked(name: string, drawing: string): HTMLElement {
  const element = document.createElement("div");
  element.className = name;
  element.innerHTML = drawing;
  return element;
}

export class ArrivalMap {
  private map: GlMap | null = null;
  private rep: Marker | null = null;
  private from: Point | null = null;
  private to: Point | null = null;
  private beganMs = 0;
  private frame = 0;
  private isClosed = false;

  constructor(readonly box: HTMLElement, readonly home: Point) {
    setWorkerUrl(new URL(__MAP_WORKER__, location.href).href);
    const protocol = new Protocol();
    protocol.add(new PMTiles(new URL(TILES, location.href).href));
    addProtocol("pmtiles", protocol.tile);
    const css = document.createElement("link");
    Object.assign(css, { rel: "stylesheet", href: __MAP_CSS__ });
    document.head.append(css);
    void styleOf().then((style) => this.begin(style), () => box.classList.add("none"));
  }

  private begin(style: StyleSpecification): void {
    if (this.isClosed) return;
    this.map = new GlMap({ container: this.box, style, center: this.home, zoom: 15, attributionControl: false, dragRotate: false, pitchWithRotate: false, fadeDuration: 0 });
    this.map.touchZoomRotate.disableRotation();
    const credit = Object.assign(document.createElement("a"), { className: "attr", href: "https://www.openstreetmap.org/copyright", textContent: "© OpenStreetMap" });
    credit.rel = "noreferrer";
    this.box.append(credit);
    new Marker({ element: marked("home", PIN), anchor: "bottom" }).setLngLat(this.home).addTo(this.map);
    this.map.on("load", () => { this.box.dataset["ready"] = "1"; });
    if (this.to) this.place(this.to);
  }

  /** Where the rep is now; null: nobody may know. */
  show(at: Point | null): void {
    if (!at) {
      cancelAnimationFrame(this.frame);
      this.rep?.remove();
      this.rep = this.to = null;
      return;
    }
    const was = this.to;
    this.to = at;
    if (!this.map) return;
    if (!this.rep || !was) return this.place(at);
    const shown = this.rep.getLngLat();
    this.from = [shown.lng, shown.lat];
    this.beganMs = performance.now();
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(this.glide);
    if (!this.map.getBounds().contains(at)) this.fit(true);
  }

  private place(at: Point): void {
    this.rep ??= new Marker({ element: marked("mark", ARROW) }).setLngLat(at).addTo(this.map!);
    this.rep.setLngLat(at);
    this.fit(false);
  }

  private glide = (now: number): void => {
    if (!this.rep || !this.from || !this.to) return;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const share = isStill ? 1 : Math.min(1, (now - this.beganMs) / GLIDE_MS);
    this.rep.setLngLat([this.from[0] + (this.to[0] - this.from[0]) * share, this.from[1] + (this.to[1] - this.from[1]) * share]);
    if (share < 1) this.frame = requestAnimationFrame(this.glide);
  };

  private fit(animate: boolean): void {
    const bounds = new LngLatBounds(this.home, this.home).extend(this.to!);
    const isWide = innerWidth >= 700;
    const padding = { top: 60, right: 50, bottom: isWide ? 60 : 50, left: isWide ? 430 : 50 };
    this.map!.fitBounds(bounds, { padding, maxZoom: 16, animate, duration: 800 });
  }

  /** Day and night. */
  dress(): void {
    void styleOf().then((style) => this.map?.setStyle(style), () => undefined);
  }

  close(): void {
    this.isClosed = true;
    cancelAnimationFrame(this.frame);
    this.map?.remove();
    this.map = null;
  }
}
