// Drawing and changing one area above the map: corners, sides and a circle's rim as SVG that follows the
// map; keys do what the pointer does. It knows nothing of saving: it tells what the shape is now.
import type { Map as GlMap } from "maplibre-gl";

export type LatLng = [number, number];
export type Shape = { kind: "polygon"; ring: LatLng[] } | { kind: "circle"; centre: LatLng; radius: number };
export type Mode = "polygon" | "circle" | "edit" | null;
type Point = { x: number; y: number };
type Handle = { at: LatLng; kind: "corner" | "middle" | "centre" | "rim"; n: number };

const SVG = "http://www.w3.org/2000/svg";
const M_PER_DEGREE = 111_195;
const CLICK_PX = 5; // a pointer that moved farther has dragged the map
const KEY_PX = 8;
const CORNERS_MOST = 200;
const RADIUS_LEAST = 30;
const STEPS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function metres(a: LatLng, b: LatLng): number {
  const dx = (b[1] - a[1]) * Math.cos((((a[0] + b[0]) / 2) * Math.PI) / 180);
  return Math.hypot(b[0] - a[0], dx) * M_PER_DEGREE;
}

/** A circle's rim as points, for maps that only know lines. */
export function rim(centre: LatLng, radius: number, steps = 72): LatLng[] {
  const high = radius / M_PER_DEGREE, wide = high / Math.max(0.01, Math.cos((centre[0] * Math.PI) / 180));
  return Array.from({ length: steps }, (_, n) => {
    const turn = (n / steps) * 2 * Math.PI;
    return [centre[0] + high * Math.sin(turn), centre[1] + wide * Math.cos(turn)] as LatLng;
  });
}

export const outline = (shape: Shape): LatLng[] => (shape.kind === "circle" ? rim(shape.centre, shape.radius) : shape.ring);

/** Square metres. */
export function size(shape: Shape): number {
  if (shape.kind === "circle") return Math.PI * shape.radius ** 2;
  const squeeze = Math.cos((shape.ring[0][0] * Math.PI) / 180), last = shape.ring.length - 1;
  const sum = shape.ring.reduce((total, [lat, lng], n) => {
    const [lat0, lng0] = shape.ring[n ? n - 1 : last];
    return total + (lng0 * lat - lng * lat0) * squeeze;
  }, 0);
  return (Math.abs(sum) / 2) * M_PER_DEGREE ** 2;
}

/** Whether two sides of a ring cross: such a shape can't be kept. */
export function crosses(ring: LatLng[]): boolean {
  const turn = (o: LatLng, a: LatLng, b: LatLng) => (a[1] - o[1]) * (b[0] - o[0]) - (a[0] - o[0]) * (b[1] - o[1]);
  const count = ring.length, next = (n: number) => ring[(n + 1) % count];
  for (let n = 0; n < count; n++) {
    for (let m = n + 2; m < count; m++) {
      if (n === 0 && m === count - 1) continue;
      const [a, b, c, d] = [ring[n], next(n), ring[m], next(m)];
      if (turn(a, b, c) > 0 !== turn(a, b, d) > 0 && turn(c, d, a) > 0 !== turn(c, d, b) > 0) return true;
    }
  }
  return false;
}

function node(name: string, attributes: Record<string, string | number>, parent: Element): SVGElement {
  const made = document.createElementNS(SVG, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  parent.appendChild(made);
  return made;
}

export class AreaDraw {
  mode: Mode = null;
  shape: Shape | null = null;
  private readonly box: HTMLElement;
  private readonly over: SVGElement;
  private drawn: LatLng[] = []; // corners so far, or a circle's centre
  private pointer: LatLng | null = null;
  private pressed: Point | null = null;
  private dragged: Handle | null = null;
  private wasDouble = false;

  /** `changed` hears of each change, `done` when a first drawing is closed, `left` when it is given up. */
  constructor(readonly map: GlMap, readonly label: (kind: Handle["kind"], n: number) => string,
    readonly on: { changed: (shape: Shape | null) => void; done: (shape: Shape) => void; left: () => void }) {
    this.box = map.getContainer();
    this.over = node("svg", { class: "ad-over" }, this.box);
    map.on("move", this.paint);
    this.box.addEventListener("pointerdown", this.down, true);
    this.box.addEventListener("pointermove", this.moved);
    this.box.addEventListener("click", this.click, true);
    this.box.addEventListener("dblclick", this.double, true);
    window.addEventListener("pointerup", this.up);
    window.addEventListener("keydown", this.key, true);
  }

  close() {
    this.leave();
    this.map.off("move", this.paint);
    this.box.removeEventListener("pointerdown", this.down, true);
    this.box.removeEventListener("pointermove", this.moved);
    this.box.removeEventListener("click", this.click, true);
    this.box.removeEventListener("dblclick", this.double, true);
    window.removeEventListener("pointerup", this.up);
    window.removeEventListener("keydown", this.key, true);
    this.over.remove();
  }

  begin(mode: "polygon" | "circle") {
    this.leave();
    this.enter(mode);
  }

  edit(shape: Shape) {
    this.leave();
    this.shape = shape;
    this.enter("edit");
  }

  /** Put the drawing away; nothing is told. */
  leave() {
    this.mode = this.shape = this.pointer = this.dragged = null;
    this.drawn = [];
    this.box.classList.remove("ad-on", "ad-new");
    this.map.doubleClickZoom.enable();
    this.paint();
  }

  private enter(mode: Mode) {
    this.mode = mode;
    this.box.classList.add("ad-on");
    this.box.classList.toggle("ad-new", mode !== "edit");
    this.map.doubleClickZoom.disable();
    this.paint();
  }

  // ── pointer ──

  private place(event: MouseEvent): LatLng {
    const at = this.box.getBoundingClientRect();
    const { lat, lng } = this.map.unproject([event.clientX - at.left, event.clientY - at.top]);
    return [lat, lng];
  }

  private isOwn = (event: Event) => (event.target as Element).closest?.(".gl, .maplibregl-map") === this.box;

  private down = (event: PointerEvent) => {
    if (!this.mode || !this.isOwn(event)) return;
    this.pressed = { x: event.clientX, y: event.clientY };
    const mark = (event.target as Element).closest?.("[data-handle-kind]") as SVGElement | null;
    if (!mark || this.mode !== "edit") return;
    event.stopPropagation();
    this.take(mark.dataset.handleKind as Handle["kind"], Number(mark.dataset.n));
    this.map.dragPan.disable();
  };

  private take(kind: Handle["kind"], n: number) {
    const handle = this.handles().find((one) => one.kind === kind && one.n === n);
    if (!handle || !this.shape) return;
    this.dragged = handle;
    if (kind === "middle" && this.shape.kind === "polygon" && this.shape.ring.length < CORNERS_MOST) {
      const ring = [...this.shape.ring.slice(0, n + 1), handle.at, ...this.shape.ring.slice(n + 1)];
      this.shape = { kind: "polygon", ring };
      this.dragged = { ...handle, kind: "corner", n: n + 1 };
    }
  }

  private moved = (event: PointerEvent) => {
    if (!this.mode) return;
    const at = this.place(event);
    if (this.dragged) this.drag(at);
    else if (this.mode !== "edit") { this.pointer = at; this.paint(); }
  };

  private up = () => {
    if (!this.dragged) return;
    this.dragged = null;
    this.map.dragPan.enable();
  };

  private drag(to: LatLng) {
    const { shape, dragged } = this;
    if (!shape || !dragged) return;
    if (shape.kind === "circle") {
      const radius = dragged.kind === "rim" ? Math.max(RADIUS_LEAST, metres(shape.centre, to)) : shape.radius;
      this.change({ kind: "circle", centre: dragged.kind === "centre" ? to : shape.centre, radius });
    } else if (dragged.kind === "corner") {
      this.change({ kind: "polygon", ring: shape.ring.map((p, n) => (n === dragged.n ? to : p)) });
    }
  }

  private change(shape: Shape) {
    this.shape = shape;
    this.paint();
    this.on.changed(shape);
  }

  private click = (event: MouseEvent) => {
    if (!this.mode || !this.isOwn(event)) return;
    event.stopPropagation(); // while an area is drawn nobody is chosen
    const far = this.pressed ? Math.hypot(event.clientX - this.pressed.x, event.clientY - this.pressed.y) : 0;
    if (this.mode === "edit" || far > CLICK_PX || this.wasDouble) return;
    const first = (event.target as Element).closest?.("[data-first]");
    if (first && this.drawn.length > 2) return this.finish();
    this.add(this.place(event));
  };

  private double = (event: MouseEvent) => {
    if (!this.mode || !this.isOwn(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const mark = (event.target as Element).closest?.("[data-handle-kind=corner]") as SVGElement | null;
    if (this.mode === "edit" && mark) return this.drop(Number(mark.dataset.n));
    if (this.mode === "polygon") {
      this.drawn.pop(); // the second click of the two
      this.finish();
    }
  };

  private add(at: LatLng) {
    if (this.mode === "circle" && this.drawn.length) {
      this.drawn.push(at);
      return this.finish();
    }
    if (this.drawn.length < CORNERS_MOST) this.drawn.push(at);
    this.paint();
  }

  private finish() {
    const [centre, edge] = this.drawn;
    const shape: Shape | null = this.mode === "circle" && edge
      ? { kind: "circle", centre, radius: Math.max(RADIUS_LEAST, metres(centre, edge)) }
      : this.mode === "polygon" && this.drawn.length > 2 ? { kind: "polygon", ring: this.drawn } : null;
    if (!shape) return this.paint();
    this.edit(shape);
    this.on.done(shape);
  }

  private drop(n: number) {
    if (this.shape?.kind !== "polygon" || this.shape.ring.length < 4) return;
    this.change({ kind: "polygon", ring: this.shape.ring.filter((_, m) => m !== n) });
  }

  // ── keys ──

  private key = (event: KeyboardEvent) => {
    if (!this.mode || /^(INPUT|SELECT|TEXTAREA)$/.test((event.target as Element).tagName ?? "")) return;
    const mark = (document.activeElement as Element | null)?.closest?.("[data-handle-kind]") as SVGElement | null;
    const used = event.key === "Escape" ? this.on.left
      : this.mode !== "edit" && event.key === "Enter" ? () => this.keyEnter()
      : this.mode !== "edit" && event.key === "Backspace" ? () => { this.drawn.pop(); this.paint(); }
      : mark && event.key === "Delete" ? () => this.drop(Number(mark.dataset.n))
      : mark && STEPS[event.key] ? () => this.nudge(mark, STEPS[event.key]) : null;
    if (!used) return;
    event.preventDefault();
    event.stopPropagation();
    used();
  };

  /** Without a pointer the middle of the map is where a corner goes. */
  private keyEnter() {
    if (this.drawn.length > 2 && this.mode === "polygon") return this.finish();
    const { lat, lng } = this.map.getCenter();
    this.add(this.pointer ?? [lat, lng]);
  }

  private nudge(mark: SVGElement, [dx, dy]: [number, number]) {
    const kind = mark.dataset.handleKind as Handle["kind"], n = Number(mark.dataset.n);
    this.take(kind, n);
    if (!this.dragged) return;
    const { kind: taken, n: now } = this.dragged, at = this.map.project([this.dragged.at[1], this.dragged.at[0]]);
    const { lat, lng } = this.map.unproject([at.x + dx * KEY_PX, at.y + dy * KEY_PX]);
    this.drag([lat, lng]);
    this.dragged = null;
    (this.over.querySelector(`[data-handle-kind=${taken}][data-n="${now}"]`) as SVGElement | null)?.focus();
  }

  // ── painting ──

  private handles(): Handle[] {
    const { shape } = this;
    if (!shape) return [];
    if (shape.kind === "circle") {
      const edge = rim(shape.centre, shape.radius, 4)[0];
      return [{ at: shape.centre, kind: "centre", n: 0 }, { at: edge, kind: "rim", n: 0 }];
    }
    const { ring } = shape, last = ring.length;
    const middles = ring.map((p, n): Handle => {
      const q = ring[(n + 1) % last];
      return { at: [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2], kind: "middle", n };
    });
    return [...middles, ...ring.map((at, n): Handle => ({ at, kind: "corner", n }))];
  }

  private px = (at: LatLng): Point => this.map.project([at[1], at[0]]);
  private path = (line: LatLng[], end = "") => line.length ? `M${line.map((p) => { const { x, y } = this.px(p); return `${x.toFixed(1)} ${y.toFixed(1)}`; }).join("L")}${end}` : "";

  private paint = () => {
    const focused = this.over.contains(document.activeElement) ? (document.activeElement as SVGElement).dataset : null;
    this.over.replaceChildren();
    if (!this.mode) return;
    if (this.mode === "edit") this.paintShape();
    else this.paintSketch();
    if (focused) (this.over.querySelector(`[data-handle-kind=${focused.handleKind}][data-n="${focused.n}"]`) as SVGElement | null)?.focus();
  };

  private paintShape() {
    const shape = this.shape!;
    const isBad = shape.kind === "polygon" && crosses(shape.ring);
    node("path", { class: `ad-shape ${isBad ? "bad" : ""}`, d: this.path(outline(shape), "Z") }, this.over);
    for (const { at, kind, n } of this.handles()) {
      const { x, y } = this.px(at);
      const mark = node("g", { class: `ad-h ${kind}`, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, tabindex: 0,
        role: "button", "aria-label": this.label(kind, n + 1), "data-handle-kind": kind, "data-n": n }, this.over);
      node("circle", { r: 14, class: "ad-hit" }, mark);
      node("circle", { r: kind === "middle" ? 4 : 6.5 }, mark);
    }
  }

  private paintSketch() {
    const { drawn, pointer } = this;
    if (this.mode === "circle" && drawn.length) {
      const radius = pointer ? metres(drawn[0], pointer) : 0;
      if (radius > 1) node("path", { class: "ad-shape", d: this.path(rim(drawn[0], radius), "Z") }, this.over);
    } else {
      const line = pointer && drawn.length ? [...drawn, pointer] : drawn;
      node("path", { class: "ad-shape sketch", d: this.path(line, drawn.length > 1 ? "Z" : "") }, this.over);
    }
    drawn.forEach((at, n) => {
      const { x, y } = this.px(at);
      const mark = node("g", { class: "ad-h corner", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, ...(n ? {} : { "data-first": "true" }) }, this.over);
      node("circle", { r: n ? 0 : 14, class: "ad-hit" }, mark);
      node("circle", { r: n ? 5 : 7 }, mark);
    });
  }
}
