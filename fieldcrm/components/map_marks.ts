// What is drawn as SVG above the map: the few reps that want a marker of their own, names that find a
// free place, numbered stops that make room for each other, counts by cell, and a place pointed at.
import type { Map as GlMap } from "maplibre-gl";
import { ageText, productNow } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { type Cell, type Fleet, GLIDE_MS, latOf, lngOf, mercatorX, mercatorY, OFF_SHIFT, SILENT, STATES } from "$/public/external/fieldcrm/components/live_map/fleet.ts";
import { Crowd, placeName, type Point, STOP } from "$/public/external/fieldcrm/components/live_map/map_names.ts";
import { scaleFor } from "$/public/external/fieldcrm/components/live_map/rep_layer.ts";

export type Stop = { id: string; label: string; title: string; kind: string; lat: number; lng: number };
type Words = Record<string, Record<string, string>>;

const SVG = "http://www.w3.org/2000/svg";
export const DRESSED_MOST = 60; // so many reps in view have markers of their own; more are the layer's
const NAMES_MOST = 90;
const NAMED_AMONG = 1200; // among more than so many no name finds a free place
const WIDTHS_MOST = 4000;
const MARGIN_PX = 24; // a marker so far outside still shows
const PICK_PX = 15;
const STOP_PX = 24; // stops keep so far from each other

function node(name: string, attributes: Record<string, string | number>, parent?: Element): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, String(attributes[key]));
  parent?.appendChild(made);
  return made;
}

const ruler = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
function textWidth(text: string): number {
  if (!ruler) return text.length * 6;
  ruler.font = "500 11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
  return Math.ceil(ruler.measureText(text).width);
}

/** The map as it stands: Mercator to pixels without asking the map for each point. */
class View {
  readonly width: number;
  readonly height: number;
  readonly world: number;
  readonly x: number;
  readonly y: number;
  constructor(map: GlMap) {
    const middle = map.getCenter(), box = map.getContainer();
    [this.width, this.height] = [box.clientWidth, box.clientHeight];
    this.world = 512 * 2 ** map.getZoom();
    [this.x, this.y] = [mercatorX(middle.lng), mercatorY(middle.lat)];
  }
  px(x: number, y: number): Point {
    return [(x - this.x) * this.world + this.width / 2, (y - this.y) * this.world + this.height / 2];
  }
  of(lat: number, lng: number): Point {
    return this.px(mercatorX(lng), mercatorY(lat));
  }
}

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

/** A rep's node: a body where he has a marker of his own, and his name where it finds a place. */
type Mark = {
  slot: number; group: SVGElement; hit: SVGElement; body: SVGElement; tag: SVGElement; tagBox: SVGElement; tagText: SVGElement;
  drawn: string; text: string; isDressed: boolean;
  at: Point; // where it was when its name was given its side, Mercator
};

export class MapMarks {
  selected = "";
  hasNames = true;
  words: Words = {};
  lang = "en";
  layerGlideMs = 0; // how long reps glide that the layer draws; markers of their own always do
  scale = 1;
  inView = 0;
  /** Who has a marker of his own; the layer leaves them out. */
  apart = new Set<number>();

  private readonly svg: SVGElement;
  private readonly stopLayer: SVGElement;
  private readonly cellLayer: SVGElement;
  private readonly repLayer: SVGElement;
  private readonly spotLayer: SVGElement;
  private marks = new Map<number, Mark>();
  private widths = new Map<string, number>(); // of texts, px
  private stops: { stop: Stop; group: SVGElement; leader: SVGElement; half: number; at: Point }[] = [];
  private cells: { cell: Cell; node: SVGElement }[] = [];
  private spot: { lat: number; lng: number } | null = null;
  private hovered = -1;
  private chosen = -1; // the selected rep's slot

  constructor(private map: GlMap, private fleet: Fleet, private select: (id: string) => void) {
    this.svg = node("svg", { class: "mk-all", "aria-hidden": "true" });
    map.getContainer().appendChild(this.svg);
    this.stopLayer = node("g", {}, this.svg);
    this.cellLayer = node("g", {}, this.svg);
    this.repLayer = node("g", {}, this.svg);
    this.spotLayer = node("g", {}, this.svg);
  }

  // ── who is where on the screen ──

  /** The rep under a point of the map's own box, "" where there is none. */
  repAt(x: number, y: number): string {
    const view = new View(this.map), { fleet } = this;
    const atX = view.x + (x - view.width / 2) / view.world, atY = view.y + (y - view.height / 2) / view.world;
    let nearest = -1, least = (PICK_PX / view.world) ** 2;
    for (let slot = 0; slot < fleet.count; slot++) {
      const far = (fleet.x[slot] - atX) ** 2 + (fleet.y[slot] - atY) ** 2;
      if (far < least && this.isSeen(slot)) [nearest, least] = [slot, far];
    }
    return nearest < 0 ? "" : fleet.ids[nearest];
  }

  hover(id: string) {
    const slot = id ? this.fleet.slot(id) : -1;
    if (slot === this.hovered) return;
    this.hovered = slot;
    this.arrange();
  }

  placeOf(id: string): { lat: number; lng: number } | null {
    const slot = this.fleet.slot(id);
    if (slot < 0 || !this.fleet.isPlaced[slot]) return null;
    return { lat: latOf(this.fleet.y[slot]), lng: lngOf(this.fleet.x[slot]) };
  }

  everywhere(): Point[] {
    const { fleet } = this, found: Point[] = [];
    for (let slot = 0; slot < fleet.count; slot++) {
      if (fleet.isPlaced[slot] && fleet.isShown[slot]) found.push([latOf(fleet.y[slot]), lngOf(fleet.x[slot])]);
    }
    return found;
  }

  private isSeen(slot: number): boolean {
    const { fleet } = this;
    return !!fleet.isPlaced[slot] && (slot === this.chosen || (!!fleet.isShown[slot] && !fleet.isCounted));
  }

  // ── what there is to draw ──

  setCells(cells: Cell[]) {
    this.cellLayer.replaceChildren();
    const number = new Intl.NumberFormat(this.lang);
    this.cells = cells.map((cell) => {
      const group = node("g", { class: "mk-cell" }, this.cellLayer);
      const radius = 13 + Math.min(15, Math.log2(cell.count) * 1.6);
      node("circle", { r: radius }, group);
      if (cell.silent) node("circle", { r: 5, cx: radius * 0.72, cy: -radius * 0.72, class: "mk-cell-s" }, group);
      node("text", { y: 4 }, group).textContent = number.format(cell.count);
      group.addEventListener("click", () => this.map.easeTo({ center: [cell.lng, cell.lat], zoom: this.map.getZoom() + 2 }));
      return { cell, node: group };
    });
    this.place();
  }

  setStops(stops: Stop[]) {
    this.stopLayer.replaceChildren();
    this.stops = stops.map((stop) => {
      const leader = node("line", { class: "stop-lead" }, this.stopLayer);
      return { stop, leader, group: this.stopLayer as SVGElement, half: Math.max(10, 4 + stop.label.length * 3.6), at: [0, 0] as Point };
    });
    for (const one of this.stops) {
      one.group = node("g", { class: `stop ${one.stop.kind}`, "data-visit": one.stop.id }, this.stopLayer);
      node("title", {}, one.group).textContent = one.stop.title;
      const { half } = one;
      if (half > 12) node("rect", { x: -half, y: -10, width: 2 * half, height: 20, rx: 10 }, one.group);
      else node("circle", { r: 10 }, one.group);
      node("text", { y: 4 }, one.group).textContent = one.stop.label;
    }
    this.arrange();
  }

  setSpot(spot: { lat: number; lng: number } | null) {
    this.spot = spot;
    this.spotLayer.replaceChildren();
    if (spot) node("path", { d: "M0 0C-7-8-9-12-9-16a9 9 0 0 1 18 0c0 4-2 8-9 16Z", class: "mk-spot" }, this.spotLayer);
    this.place();
  }

  // ── drawing ──

  /** Move everything with the map: each frame. */
  place(now = performance.now()) {
    const view = new View(this.map);
    for (const mark of this.marks.values()) {
      put(mark.group, view.px(...this.at(mark, now)));
      if (mark.isDressed) mark.body.querySelector(".turn")?.setAttribute("transform", `rotate(${this.fleet.course[mark.slot]})`);
    }
    this.placeStops(view);
    for (const { cell, node: group } of this.cells) put(group, view.of(cell.lat, cell.lng));
    if (this.spot) put(this.spotLayer, view.of(this.spot.lat, this.spot.lng));
  }

  /** A name whose rep jumps stays until it is given a side anew: it would lie on another meanwhile. */
  private at(mark: Mark, now: number): Point {
    const glideMs = mark.isDressed ? GLIDE_MS : this.layerGlideMs;
    return glideMs ? this.fleet.at(mark.slot, now, glideMs) : mark.at;
  }

  /** Decide who has a marker of his own and whose name finds a place: a few times a second. */
  arrange() {
    const view = new View(this.map);
    this.chosen = this.selected ? this.fleet.slot(this.selected) : -1;
    const near = this.near(view);
    const isFew = near.length <= DRESSED_MOST;
    this.inView = near.length;
    this.scale = isFew ? 1 : scaleFor(near.length, view.width, view.height);
    const first = near.filter((slot) => slot === this.chosen || slot === this.hovered);
    this.apart = new Set(isFew ? near : first);
    this.placeStops(view);
    const named = this.names(near.length > NAMED_AMONG ? first : near, view, isFew);
    for (const slot of [...this.marks.keys()]) if (!named.has(slot) && !this.apart.has(slot)) this.drop(slot);
    for (const slot of new Set([...this.apart, ...named.keys()])) this.dress(this.marks.get(slot) ?? this.make(slot), named.get(slot));
    this.place();
  }

  /** The slots of those in view. */
  private near(view: View): number[] {
    const { fleet } = this, found: number[] = [];
    const wide = (view.width / 2 + MARGIN_PX) / view.world, high = (view.height / 2 + MARGIN_PX) / view.world;
    for (let slot = 0; slot < fleet.count; slot++) {
      if (Math.abs(fleet.x[slot] - view.x) < wide && Math.abs(fleet.y[slot] - view.y) < high && this.isSeen(slot)) found.push(slot);
    }
    return found;
  }

  /** The selected first, then who is under the pointer, the silent, the rest, those off shift. */
  private rank(slot: number): number {
    if (slot === this.chosen) return 0;
    if (slot === this.hovered) return 1;
    return this.fleet.state[slot] === SILENT ? 2 : this.fleet.state[slot] === OFF_SHIFT ? 4 : 3;
  }

  /** Names that find a free side, with their offset; none lies on another. */
  private names(near: number[], view: View, isFew: boolean): Map<number, Point> {
    const { fleet } = this, found = new Map<number, Point>();
    const own = 3 + 8 * this.scale;
    const taken = new Crowd(view.width, view.height);
    const places = new Map(near.map((slot) => [slot, view.px(fleet.x[slot], fleet.y[slot])]));
    for (const [slot, [x, y]] of places) taken.add([x - own, y - own, x + own, y + own], slot);
    for (const { at: [x, y], half } of this.stops) taken.add([x - half, y - 10, x + half, y + 10], STOP);
    for (const slot of [...near].sort((a, b) => this.rank(a) - this.rank(b))) {
      const isFirst = slot === this.chosen || slot === this.hovered;
      if (!isFirst && (!this.hasNames || found.size >= NAMES_MOST)) break;
      const off = isFirst ? 26 : 5 + 11 * this.scale;
      const isOwed = isFirst || (isFew && fleet.state[slot] === SILENT);
      const side = placeName(taken, { slot, at: places.get(slot)!, off, width: this.width(this.says(slot)), isOwed });
      if (side) found.set(slot, side);
    }
    return found;
  }

  private width(text: string): number {
    let width = this.widths.get(text);
    if (width === undefined) {
      if (this.widths.size > WIDTHS_MOST) this.widths.clear();
      this.widths.set(text, (width = textWidth(text) + 14));
    }
    return width;
  }

  private says(slot: number): string {
    const { fleet } = this, now = productNow();
    const row = fleet.rows.get(fleet.ids[slot]), name = fleet.nameOf(slot), state = STATES[fleet.state[slot]];
    if (state === "silent") return `${name} · ${ageText((now - fleet.fixMs[slot]) / 1000, this.lang)}`;
    const lastsS = row?.since_ms && row.state === state ? (now - row.since_ms) / 1000 : 0;
    const lasts = lastsS >= 60 ? ageText(lastsS, this.lang) : "";
    if (state === "idle" && lasts) return `${name} · ${this.words["map.idle"]?.[this.lang] ?? ""} ${lasts}`;
    return state === "in_visit" && lasts ? `${name} · ${lasts}` : name;
  }

  private make(slot: number): Mark {
    const id = this.fleet.ids[slot];
    const group = node("g", { class: "mk", "data-rep": id, "data-drop-rep": id }, this.repLayer);
    const hit = node("circle", { r: 16, fill: "transparent" }, group);
    const body = node("g", {}, group);
    const tag = node("g", { class: "mk-tag" }, group);
    const tagBox = node("rect", { height: 20, rx: 5, y: -10 }, tag);
    const tagText = node("text", { x: 7, y: 4 }, tag);
    group.addEventListener("click", (event) => { event.stopPropagation(); this.select(id); });
    const mark = { slot, group, hit, body, tag, tagBox, tagText, drawn: "", text: "", isDressed: false, at: [0, 0] as Point };
    this.marks.set(slot, mark);
    return mark;
  }

  private drop(slot: number) {
    this.marks.get(slot)?.group.remove();
    this.marks.delete(slot);
  }

  private dress(mark: Mark, offset: Point | undefined) {
    const { fleet } = this, { slot } = mark;
    const isSelected = fleet.ids[slot] === this.selected, state = STATES[fleet.state[slot]];
    mark.isDressed = this.apart.has(slot);
    mark.at = [fleet.x[slot], fleet.y[slot]];
    const wanted = `${state}|${isSelected}|${mark.isDressed}`;
    if (mark.drawn !== wanted) {
      mark.body.replaceChildren();
      if (isSelected) node("circle", { r: 21, class: "mk-halo" }, mark.body);
      if (mark.isDressed) drawState(state, mark.body);
      mark.hit.setAttribute("r", mark.isDressed ? "16" : "0");
      mark.drawn = wanted;
      mark.group.setAttribute("data-state", state);
      mark.tag.setAttribute("class", `mk-tag ${state === "silent" ? "bad" : ""} ${isSelected ? "sel" : ""}`);
      if (isSelected) this.repLayer.appendChild(mark.group);
    }
    mark.group.setAttribute("data-lat", latOf(fleet.y[slot]).toFixed(6));
    mark.group.setAttribute("data-lng", lngOf(fleet.x[slot]).toFixed(6));
    mark.group.setAttribute("data-fix-ms", String(fleet.fixMs[slot]));
    this.name(mark, offset);
  }

  private name(mark: Mark, offset: Point | undefined) {
    mark.tag.setAttribute("visibility", offset ? "visible" : "hidden");
    if (!offset) return;
    const text = this.says(mark.slot);
    if (text !== mark.text) {
      mark.text = text;
      mark.tagText.textContent = text;
      mark.tagBox.setAttribute("width", String(this.width(text)));
    }
    mark.tag.setAttribute("transform", `translate(${offset[0].toFixed(1)} ${offset[1].toFixed(1)})`);
  }

  /** Stops that would lie on each other move apart; a line leads to where each really is. */
  private placeStops(view: View) {
    const home = this.stops.map(({ stop }) => view.of(stop.lat, stop.lng));
    const at = spread(home, this.stops.map(({ half }) => half));
    this.stops.forEach((one, n) => {
      one.at = at[n];
      put(one.group, at[n]);
      const far = Math.hypot(at[n][0] - home[n][0], at[n][1] - home[n][1]) > 4;
      one.leader.setAttribute("visibility", far ? "visible" : "hidden");
      if (!far) return;
      const ends = { x1: home[n][0], y1: home[n][1], x2: at[n][0], y2: at[n][1] };
      for (const [key, value] of Object.entries(ends)) one.leader.setAttribute(key, value.toFixed(1));
    });
  }
}

function put(element: SVGElement, [x, y]: Point) {
  element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
}

/** Push discs apart that overlap: each gives way by half, a few times; `half` are their half widths. */
export function spread(home: Point[], half: number[]): Point[] {
  const at = home.map(([x, y]): Point => [x, y]);
  for (let round = 0; round < 6; round++) {
    let hasMoved = false;
    for (let a = 0; a < at.length; a++) {
      for (let b = a + 1; b < at.length; b++) {
        const dx = at[b][0] - at[a][0], dy = at[b][1] - at[a][1];
        const lackX = half[a] + half[b] + 3 - Math.abs(dx), lackY = STOP_PX - Math.abs(dy);
        if (lackX <= 0 || lackY <= 0) continue;
        hasMoved = true;
        const axis = lackX < lackY ? 0 : 1, lack = (axis ? lackY : lackX) / 2;
        const way = (axis ? dy : dx) < 0 ? -1 : 1;
        at[a][axis] -= way * lack;
        at[b][axis] += way * lack;
      }
    }
    if (!hasMoved) break;
  }
  return at;
}
