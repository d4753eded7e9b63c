// The region's own basemap, as every map of the desk begins: workers and tiles set up once, a look for each
// theme and language, no turning.
import { addProtocol, Map as GlMap, setWorkerUrl, type MapOptions } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { Protocol } from "pmtiles";

const START: [number, number] = [24.9384, 60.1699]; // until somebody says where to look

let isReady = false;
function prepare() {
  if (isReady) return;
  isReady = true;
  setWorkerUrl(workerUrl);
  addProtocol("pmtiles", new Protocol().tile);
}

function styleUrl(): string {
  const theme = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
  return `/region/style-${theme}.json?lang=${document.documentElement.lang || "en"}`;
}

/** A design token's value now, for what is painted and not styled. */
export const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A map of the region in `container`. */
export function regionMap(container: HTMLElement, zoom: number, more: Partial<MapOptions> = {}): GlMap {
  prepare();
  return new GlMap({
    container, style: styleUrl(), center: START, zoom, attributionControl: false, dragRotate: false,
    pitchWithRotate: false, fadeDuration: 0, ...more,
  });
}

/** The map is drawn anew with the page's theme and language and fills its box; returns what ends that. */
export function followPage(map: GlMap, onRestyle = () => undefined as void, onResize = () => undefined as void): () => void {
  const again = () => { onRestyle(); map.setStyle(styleUrl(), { diff: false }); };
  window.addEventListener("fieldcrm:theme", again);
  const sizes = new ResizeObserver(() => { map.resize(); onResize(); });
  sizes.observe(map.getContainer());
  return () => { window.removeEventListener("fieldcrm:theme", again); sizes.disconnect(); };
}
