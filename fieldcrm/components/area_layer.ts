// Areas that are kept, on the map: a faint fill and an edge below the names of streets, their names above.
import type { Map as GlMap } from "maplibre-gl";
import { type LatLng, outline, type Shape } from "$/public/external/fieldcrm/components/area_tools/area_draw.ts";

export type Drawn = { id: string; name: string; shape: Shape };
const SOURCE = "f-areas";
const NAME_FROM_PX = 46; // a smaller area has no room for its name

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export class AreaLayer {
  private areas: Drawn[] = [];
  private hidden = "";
  private chosen = "";
  private isShown = true;
  private readonly names: SVGElement;

  constructor(readonly map: GlMap) {
    this.names = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.names.setAttribute("class", "ad-names");
    this.names.setAttribute("aria-hidden", "true");
    map.getContainer().querySelector(".maplibregl-canvas-container")?.after(this.names);
    map.on("style.load", this.dress);
    map.on("move", this.place);
    this.dress();
  }

  close() {
    this.map.off("style.load", this.dress);
    this.map.off("move", this.place);
    this.names.remove();
  }

  /** What there is; `hidden` is the one that is being changed, drawn by its own handles. */
  show(areas: Drawn[], isShown: boolean, chosen: string, hidden: string) {
    Object.assign(this, { areas, isShown, chosen, hidden });
    this.fill();
  }

  private dress = () => {
    const { map } = this;
    try {
      if (map.getSource(SOURCE)) return;
      const before = map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
      const colour = token("--area");
      map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
      map.addLayer({ id: "f-areas-fill", type: "fill", source: SOURCE, paint: { "fill-color": colour, "fill-opacity": ["case", ["get", "chosen"], 0.2, 0.1] } } as never, before);
      map.addLayer({ id: "f-areas-edge", type: "line", source: SOURCE, paint: { "line-color": colour, "line-width": ["case", ["get", "chosen"], 2.5, 1.5], "line-dasharray": [4, 2] } } as never, before);
    } catch {
      return; // the style is still on its way: its event comes
    }
    this.fill();
  };

  private seen(): Drawn[] {
    return this.isShown ? this.areas.filter((area) => area.id !== this.hidden) : [];
  }

  private fill() {
    const features = this.seen().map(({ id, shape }) => {
      const ring = outline(shape).map(([lat, lng]) => [lng, lat]);
      return { type: "Feature", properties: { chosen: id === this.chosen }, geometry: { type: "Polygon", coordinates: [[...ring, ring[0]]] } };
    });
    (this.map.getSource(SOURCE) as { setData?: (data: unknown) => void } | undefined)?.setData?.({ type: "FeatureCollection", features });
    this.place();
  }

  private place = () => {
    this.names.replaceChildren();
    for (const { name, shape } of this.seen()) {
      const line = outline(shape).map(([lat, lng]: LatLng) => this.map.project([lng, lat]));
      const xs = line.map((p) => p.x), top = line.reduce((least, p) => (p.y < least.y ? p : least));
      if (Math.max(...xs) - Math.min(...xs) < NAME_FROM_PX) continue;
      const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      text.setAttribute("x", ((Math.max(...xs) + Math.min(...xs)) / 2).toFixed(1));
      text.setAttribute("y", (top.y - 6).toFixed(1));
      text.textContent = name;
      this.names.appendChild(text);
    }
  };
}
