/** The region's map kept whole on the phone, so that it is there without a network. */
import { signal } from "@preact/signals";

export const REGION_CACHE = "fieldcrm-region";
const TILES = "/region/basemap.pmtiles";
const STYLES = ["/region/style-light.json", "/region/style-dark.json"];

/** Bytes of the kept map; null when there is none. */
export const mapSize = signal<number | null>(null);

/** Fetch the map once, whole; the service worker then answers its byte ranges. */
export async function saveMap(): Promise<boolean> {
  try {
    const cache = await caches.open(REGION_CACHE);
    for (const style of STYLES) await cache.add(new Request(style, { cache: "reload" }));
    const answer = await fetch(TILES, { cache: "no-store", headers: { "X-Whole": "1" } });
    if (answer.status !== 200) return false;
    const blob = await answer.blob();
    await cache.put(TILES, new Response(blob, { headers: { "Content-Type": "application/vnd.pmtiles", "Content-Length": String(blob.size) } }));
    mapSize.value = blob.size;
    return true;
  } catch {
    return false;
  }
}

/** Make room: the map is fetched again when somebody asks for it. */
export async function dropMap(): Promise<void> {
  await caches.delete(REGION_CACHE);
  mapSize.value = null;
}

export async function readMapSize(): Promise<void> {
  const kept = await (await caches.open(REGION_CACHE)).match(TILES);
  mapSize.value = kept ? Number(kept.headers.get("Content-Length")) : null;
}
