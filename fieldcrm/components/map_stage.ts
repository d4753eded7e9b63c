// Who is painted when: the map told where reps are repaints itself, or they are painted over it as it stands,
// once an animation frame; who has a marker and a name of his own is looked at a few times a second.
import type { Map as GlMap } from "maplibre-gl";
import { Fleet, GLIDE_MS } from "$/public/external/fieldcrm/components/live_map/fleet.ts";
import { MapMarks } from "$/public/external/fieldcrm/components/live_map/map_marks.ts";
import { RepLayer } from "$/public/external/fieldcrm/components/live_map/rep_layer.ts";

const ARRANGE_MS = 250;
const GLIDERS_MOST = 200; // more reps in view are set where they are: gliding paints them all the time
const SLOW_FRAME_MS = 24; // so does a map that is painted slowly

/** The map with its layers, kept outside React: it is told what to show and drawn when that is due. */
export class Stage {
  readonly fleet = new Fleet();
  readonly marks: MapMarks;
  readonly layer = new RepLayer(this.fleet);
  private arranging: ReturnType<typeof setTimeout> | undefined;
  private arrangedAt = 0;
  private frame = 0;
  private glideUntil = 0;
  private paintMs = 0; // of one repaint of the whole map, smoothed
  private paintFrom = 0;
  private hadLayered = false; // somebody in view was the layer's when it was painted last

  constructor(readonly map: GlMap, select: (id: string) => void, onDrawn: (frame: number) => void) {
    this.marks = new MapMarks(map, this.fleet, select);
    this.layer.onDrawn = onDrawn;
    map.on("style.load", () => {
      if (!map.getLayer(this.layer.id)) map.addLayer(this.layer);
    });
    map.on("move", () => { this.marks.place(); this.soon(); });
    map.on("moveend", () => this.soon());
    map.on("render", () => this.measure());
    map.on("click", (event) => {
      const id = this.marks.repAt(event.point.x, event.point.y);
      if (id) select(id);
    });
    map.on("mousemove", (event) => {
      if (map.isMoving()) return;
      const id = this.marks.repAt(event.point.x, event.point.y);
      map.getCanvas().style.cursor = id ? "pointer" : "";
      this.marks.hover(id);
      this.settle();
    });
    map.on("mouseout", () => { this.marks.hover(""); this.settle(); });
  }

  /** Somebody moved or changed: paint, and look again who is named. */
  news() {
    this.paint();
    this.soon();
  }

  /** Decide anew who has a marker and a name, at once. */
  arrange() {
    clearTimeout(this.arranging);
    this.arranging = undefined;
    this.arrangedAt = performance.now();
    const many = this.marks.inView > GLIDERS_MOST || this.paintMs > SLOW_FRAME_MS;
    this.layer.glideMs = this.marks.layerGlideMs = many ? 0 : GLIDE_MS;
    this.marks.arrange();
    this.map.getContainer().dataset.inView = String(this.marks.inView);
    this.settle();
  }

  close() {
    clearTimeout(this.arranging);
    cancelAnimationFrame(this.frame);
  }

  /** Give the layer what the marks decided. */
  private settle() {
    const { marks, layer } = this;
    if (layer.scale === marks.scale && sameSlots(layer.apart, marks.apart)) return;
    layer.apart = marks.apart;
    layer.scale = marks.scale;
    layer.touch();
    this.paint();
  }

  private soon() {
    if (this.arranging) return;
    const wait = Math.max(0, this.arrangedAt + ARRANGE_MS - performance.now());
    this.arranging = setTimeout(() => this.arrange(), wait);
  }

  private paint() {
    this.glideUntil = performance.now() + GLIDE_MS;
    this.whole();
    this.frame ||= requestAnimationFrame((now) => this.step(now));
  }

  /** The map with its reps, unless it stands still: then reps alone are painted with the next step. */
  private whole() {
    if (!this.isLayered() || this.layer.isStill()) return;
    this.paintFrom ||= performance.now();
    this.map.triggerRepaint();
  }

  /** Markers of their own glide without the map being painted; the layer's glide above the map or with it. */
  private step(now: number) {
    this.frame = 0;
    this.marks.place(now);
    const glides = this.isLayered() && this.layer.glideMs > 0;
    if (this.isLayered() && this.layer.isStill() && (glides || this.layer.isBehind())) {
      this.layer.repaint();
      this.painted();
    }
    if (glides) this.whole();
    const isMoving = glides || this.marks.apart.size > 0;
    if (!isMoving || now >= this.glideUntil) return;
    this.frame = requestAnimationFrame((next) => this.step(next));
  }

  /** Whether somebody in view is drawn by the map's layer, or was and has to go. */
  private isLayered(): boolean {
    return this.hadLayered || this.marks.inView > this.marks.apart.size;
  }

  private painted() {
    this.hadLayered = this.marks.inView > this.marks.apart.size;
  }

  private measure() {
    this.painted();
    if (!this.paintFrom) return;
    const took = performance.now() - this.paintFrom;
    this.paintMs += (took - this.paintMs) / (this.paintMs ? 10 : 1);
    this.paintFrom = 0;
  }
}

function sameSlots(a: Set<number>, b: Set<number>): boolean {
  if (a.size !== b.size) return false;
  for (const slot of a) if (!b.has(slot)) return false;
  return true;
}
