// One map in three ways, by ?mode=: empty, the desk's own component, or a plain GeoJSON source; panned by
// the mouse's own events, its frames, long tasks and paints counted. The bench reads `measured`.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { type Map as GlMap } from "maplibre-gl";
import { LiveMap } from "$/public/external/fieldcrm/components/live_map.tsx";
import { Fleet, latOf, lngOf } from "$/public/external/fieldcrm/components/live_map/fleet.ts";
import { regionMap } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

const asked = new URLSearchParams(location.search);
const mode = asked.get("mode"), port = asked.get("port");
const centre = asked.get("centre")!.split(",").map(Number) as [number, number]; // lng, lat
const zoom = Number(asked.get("zoom"));
const FAR_PX = 90, TURN_MS = 3000;
const measured = { paints: [] as number[][], longest: 0, frames: [] as number[], inView: 0, ready: false, moving: 0, blank: 0, taken: 0, drawn: 0 };
Object.assign(window, { measured, measure, pan, panned, rest });
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) measured.longest = Math.max(measured.longest, task.duration);
}).observe({ type: "longtask", buffered: true });

const box = document.getElementById("map")!;
const underWay = new Map<number, [number, number]>(); // frame number -> epoch ms at which it was sent, and came
const epochMs = () => performance.timeOrigin + performance.now();

/** The shares of the picture that have the colour of moving reps and none: whether they and the map are drawn. */
function look() {
  const gl = document.querySelector<HTMLCanvasElement>(".maplibregl-canvas")!.getContext("webgl2")!;
  const [wide, high] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
  const pixels = new Uint8Array(4 * wide * high);
  gl.readPixels(0, 0, wide, high, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--moving").trim().slice(1);
  const [r, g, b] = [0, 2, 4].map((at) => parseInt(colour.slice(at, at + 2), 16));
  let same = 0, none = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    if (Math.abs(pixels[at] - r) + Math.abs(pixels[at + 1] - g) + Math.abs(pixels[at + 2] - b) < 24) same++;
    if (!pixels[at + 3]) none++;
  }
  Object.assign(measured, { moving: same / (wide * high), blank: none / (wide * high) });
}

/** A frame that was drawn just now is on the screen when the next one begins: how long each took to come,
 * waited to be drawn, and then to be shown; and how many of the browser's frames began meanwhile. */
function drawn(frame: number) {
  measured.drawn++;
  if (measured.moving < 0) look();
  const drawnMs = epochMs(), numbers = [...underWay.keys()].filter((number) => number <= frame);
  requestAnimationFrame((began) => {
    const shownMs = epochMs();
    for (const number of numbers) {
      const [sentMs, cameMs] = underWay.get(number) ?? [shownMs, shownMs];
      if (!underWay.delete(number)) continue;
      const came = cameMs - performance.timeOrigin, frames = 1 + measured.frames.filter((at) => at > came && at < began).length;
      measured.paints.push([cameMs - sentMs, drawnMs - cameMs, shownMs - drawnMs, frames]);
    }
  });
}

class Watched extends WebSocket {
  constructor(address: string) {
    super(address);
    this.addEventListener("message", ({ data }) => {
      if (!(data instanceof ArrayBuffer)) return;
      const head = new DataView(data);
      measured.taken++;
      underWay.set(head.getUint32(4, true), [Number(head.getBigUint64(8, true)), epochMs()]);
    });
  }
}
window.WebSocket = Watched;

/** A map that stays where the mouse lets it go. */
function heavy(map: GlMap): GlMap {
  map.dragPan.enable({ maxSpeed: 0 });
  return map;
}

function plainMap(): GlMap {
  return heavy(regionMap(box, zoom, { center: centre, maxPitch: 0 }));
}

function empty() {
  plainMap().once("idle", () => { measured.ready = true; });
}

function geojson() {
  const map = plainMap(), fleet = new Fleet();
  const reps = (): GeoJSON.FeatureCollection => ({
    type: "FeatureCollection",
    features: Array.from({ length: fleet.count }, (_, n) => ({
      type: "Feature", properties: { state: fleet.state[n] }, geometry: { type: "Point", coordinates: [lngOf(fleet.x[n]), latOf(fleet.y[n])] },
    })),
  });
  map.once("load", () => {
    map.addSource("reps", { type: "geojson", data: reps() });
    map.addLayer({ id: "reps", type: "circle", source: "reps", paint: { "circle-radius": 5, "circle-color": "#0f766e", "circle-stroke-width": 1, "circle-stroke-color": "#fff" } });
    const socket = new WebSocket(`ws://localhost:${port}/ws/desk`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send('{"t":"view","bbox":[0,0,1,1],"zoom":12}');
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") fleet.take(data);
      else if (JSON.parse(data).t === "roster") fleet.setRoster(JSON.parse(data).reps);
    };
    setInterval(() => (map.getSource("reps") as { setData?: (d: unknown) => void }).setData?.(reps()), 1000);
    setTimeout(() => { measured.ready = true; }, 3000);
  });
}

function ours() {
  const nothing = () => undefined;
  const words = new Proxy({}, { get: (_, key) => ({ en: String(key) }) });
  const props = {
    reps: [], selected: "", stops: [], lines: { plan: [], before: [], track: [] }, fit: "", shown: undefined, isToday: true,
    spot: { lat: centre[1], lng: centre[0], key: "start", zoom }, gateway: `:${port}`, words, lang: "en", zone: "UTC", follow: false,
    onSelect: nothing, onFollow: nothing, onNotices: nothing, onLink: nothing, onDrawn: drawn,
  };
  const root = createRoot(box);
  const show = (changed: object) => root.render(createElement(LiveMap, { ...props, spot: null, ...changed } as never));
  Object.assign(window, { show });
  show({ spot: props.spot });
  const timer = setInterval(() => {
    measured.inView = Number(document.querySelector<HTMLElement>(".gl")?.dataset.inView ?? 0);
    if (!measured.inView) return;
    clearInterval(timer);
    heavy(window.fieldcrmMap);
    show({}); // the pin has brought the view, and is no rep
    setTimeout(() => { measured.ready = true; }, 2000);
  }, 200);
}

/** Drag the map along an eight for so long and let it go where it was. */
async function pan(ms: number): Promise<void> {
  const canvas = document.querySelector(".maplibregl-canvas-container")!;
  const [x, y] = [box.clientWidth / 2, box.clientHeight / 2];
  const event = (name: string, angle: number) => new MouseEvent(name, {
    clientX: x + FAR_PX * Math.sin(angle), clientY: y + FAR_PX * Math.sin(2 * angle), button: 0, buttons: name === "mouseup" ? 0 : 1, bubbles: true, cancelable: true,
  });
  canvas.dispatchEvent(event("mousedown", 0));
  await frames(ms, (passed) => document.dispatchEvent(event("mousemove", (passed / TURN_MS) * 2 * Math.PI)));
  document.dispatchEvent(event("mousemove", 0));
  for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame); // the map has seen it
  canvas.dispatchEvent(event("mouseup", 0));
}

/** Leave the map where it is for so long. */
async function rest(ms: number): Promise<void> {
  await frames(ms, () => undefined);
}

/** Count animation frames for so long, doing something in each. */
async function frames(ms: number, each: (passed: number) => void): Promise<void> {
  const began = performance.now();
  await new Promise<void>((done) => {
    const step = (now: number) => {
      measured.frames.push(now);
      each(now - began);
      if (now - began < ms || measured.frames.length < 3) requestAnimationFrame(step);
      else done();
    };
    requestAnimationFrame(step);
  });
}

/** Drag the map and keep nothing of it. */
async function panned(ms: number) {
  await pan(ms);
  Object.assign(measured, { paints: [], frames: [] });
}

/** Frames a second while panned or at rest, and what else was counted meanwhile. */
async function measure(ms: number, going: (ms: number) => Promise<void> = pan) {
  Object.assign(measured, { longest: 0, paints: [], frames: [] });
  await going(ms);
  const seen = measured.frames;
  const gaps = seen.slice(1).map((at, n) => at - seen[n]).sort((a, b) => a - b);
  return {
    fps: (1000 * (seen.length - 1)) / (seen[seen.length - 1] - seen[0]), frame_ms: gaps[Math.floor(gaps.length / 2)],
    worst_frame_ms: gaps[gaps.length - 1], gaps, longest: measured.longest, paints: measured.paints,
    in_view: Number(document.querySelector<HTMLElement>(".gl")?.dataset.inView ?? 0),
  };
}

({ empty, geojson, ours })[mode as "empty"]();
