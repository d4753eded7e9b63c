// Everybody on the map as columns of numbers, by slot: where each rep is, does and looks. Filled straight
// from the gateway's binary frames (docs/protocol.md) and from what the page told; read by the layers.

export type Rep = {
  id: string; name: string; short: string; team_id: string; state: string; since_ms: number;
  lat: number | null; lng: number | null; course: number | null; fix_ms: number;
};
export type Cell = { lat: number; lng: number; count: number; silent: number };
export type Shown = { team: string; state: string; text: string };
/** What a frame brought: its number, whether somebody's state differs from what the page was told. */
export type Taken = { number: number; kind: number; cells: Cell[]; isNews: boolean };

export const STATES = ["", "moving", "in_visit", "idle", "silent", "paused", "off_shift"];
export const SILENT = 4, OFF_SHIFT = 6;
export const SNAPSHOT = 1, DELTA = 2, CELLS = 3, MOVES = 4;
export const GLIDE_MS = 700; // a marker reaches its newest place within this
const HEAD = 16, RECORD = 24, SECTION = 6, MOVE = 8, TILE = 65_536;
const NO_PLACE = -(2 ** 31);
const NO_COURSE = 0xffff;
const JUMP_M = 400; // farther than this it does not glide
const EARTH_M = 40_075_016.7;

export const mercatorX = (lng: number) => (lng + 180) / 360;
export const mercatorY = (lat: number) => {
  const sin = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
};
export const latOf = (y: number) => (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90;
export const lngOf = (x: number) => x * 360 - 180;

/** `Anna K.` of `Anna Korpela`. */
export function shortName(name: string): string {
  const [first = "", ...rest] = name.split(" ").filter(Boolean);
  return rest.length ? `${first} ${rest[rest.length - 1][0]}.` : first;
}

export class Fleet {
  count = 0; // slots in use, gaps among them
  ids: string[] = [];
  names: string[] = [];
  teams: string[] = [];
  x = new Float64Array(0); // newest place, Mercator, 0 to 1
  y = new Float64Array(0);
  fromX = new Float64Array(0); // where it glides from, since `since` (performance.now)
  fromY = new Float64Array(0);
  since = new Float64Array(0);
  fixMs = new Float64Array(0);
  heardAt = new Float64Array(0); // by the socket, performance.now
  state = new Uint8Array(0);
  course = new Uint16Array(0);
  isPlaced = new Uint8Array(0);
  isShown = new Uint8Array(0); // passes the filter, and is somebody's
  rows = new Map<string, Rep>(); // what the page told
  version = 0; // one more with every change
  isCounted = false; // reps come as counts by cell: none is shown singly

  private slots = new Map<string, number>();
  private slotOf: number[] = []; // by roster index
  private lost = new Set<number>(); // the gateway told last that it knows of no place
  private isMine = new Uint8Array(0); // in the roster
  private told = new Uint8Array(0); // state as the page knows it
  private toldAt = 0;
  private shown: Shown = { team: "", state: "", text: "" };

  slot(id: string): number {
    return this.slots.get(id) ?? -1;
  }

  fixOf(id: string): number | undefined {
    const slot = this.slot(id);
    return slot < 0 ? undefined : this.fixMs[slot];
  }

  /** Where a rep is drawn at a moment, [x, y]. */
  at(slot: number, now: number, glideMs: number): [number, number] {
    const share = glideMs ? Math.min(1, Math.max(0, (now - this.since[slot]) / glideMs)) : 1;
    return [
      this.fromX[slot] + (this.x[slot] - this.fromX[slot]) * share,
      this.fromY[slot] + (this.y[slot] - this.fromY[slot]) * share,
    ];
  }

  nameOf(slot: number): string {
    return this.rows.get(this.ids[slot])?.short ?? shortName(this.names[slot]);
  }

  /** Who is who, by the gateway. */
  setRoster(reps: { i: number; id: string; name: string; team_id: string | null }[]) {
    this.slotOf = [];
    this.isMine.fill(0);
    for (const rep of reps) {
      const slot = this.make(rep.id);
      this.slotOf[rep.i] = slot;
      this.isMine[slot] = 1;
      this.names[slot] = rep.name;
      this.teams[slot] = rep.team_id ?? "";
    }
    this.filter(this.shown);
  }

  /** What the page knows of reps; whoever spoke last of a rep is believed. */
  tell(reps: Rep[]) {
    this.rows = new Map(reps.map((rep) => [rep.id, rep]));
    this.toldAt = performance.now();
    for (const rep of reps) {
      const slot = this.make(rep.id);
      this.names[slot] = rep.name;
      this.teams[slot] = rep.team_id;
      const state = STATES.indexOf(rep.state);
      this.told[slot] = state;
      if (!this.heardAt[slot] || this.toldAt - this.heardAt[slot] > 2000 || !this.state[slot]) this.state[slot] = state;
      if (rep.lat === null && this.lost.has(slot)) this.unplace(slot);
      // frames tell whole seconds
      const isOlder = this.isPlaced[slot] && Math.floor(rep.fix_ms / 1000) * 1000 <= this.fixMs[slot];
      if (rep.lat === null || rep.lng === null || isOlder) continue;
      this.put(slot, rep.lat, rep.lng, rep.course ?? NO_COURSE, rep.fix_ms, this.toldAt);
    }
    this.filter(this.shown);
  }

  /** Show those only whom a team, a state and a part of the name let through. */
  filter(shown: Shown) {
    this.shown = shown;
    for (let slot = 0; slot < this.count; slot++) this.isShown[slot] = this.passes(slot) ? 1 : 0;
    this.version++;
  }

  private passes(slot: number): boolean {
    if (!this.isMine[slot] && !this.rows.has(this.ids[slot])) return false;
    const { team, state, text } = this.shown;
    return (!team || this.teams[slot] === team) && (!state || STATES[this.state[slot]] === state)
      && (!text || this.names[slot].toLocaleLowerCase().includes(text.toLocaleLowerCase()));
  }

  /** Take a frame of places or counts; a place never goes back in time. */
  take(buffer: ArrayBuffer): Taken {
    const view = new DataView(buffer);
    const kind = view.getUint8(1), count = view.getUint16(2, true), number = view.getUint32(4, true);
    if (kind === CELLS) {
      this.isCounted = true;
      this.version++;
      return { number, kind, cells: this.cells(view, count), isNews: false };
    }
    if (kind === MOVES) {
      this.moves(view);
      this.version++;
    }
    if (kind !== SNAPSHOT && kind !== DELTA) return { number, kind, cells: [], isNews: false };
    if (kind === SNAPSHOT) this.forget(view, count);
    const now = performance.now();
    let isNews = false;
    for (let n = 0, at = HEAD; n < count; n++, at += RECORD) {
      const slot = this.slotOf[view.getUint16(at, true)];
      if (slot === undefined) continue;
      const state = view.getUint8(at + 2);
      if (this.state[slot] !== state) {
        this.state[slot] = state;
        if (this.shown.state) this.isShown[slot] = this.passes(slot) ? 1 : 0;
      }
      this.heardAt[slot] = now;
      isNews ||= this.told[slot] !== 0 && this.told[slot] !== state;
      const lat = view.getInt32(at + 4, true), fixMs = view.getUint32(at + 12, true) * 1000;
      if (lat === NO_PLACE) this.lose(slot);
      if (lat === NO_PLACE || fixMs < Math.floor(this.fixMs[slot] / 1000) * 1000) continue;
      this.put(slot, lat / 1e6, view.getInt32(at + 8, true) / 1e6, view.getUint16(at + 16, true), fixMs, now);
    }
    this.version++;
    return { number, kind, cells: [], isNews };
  }

  /** Sections of moves within tiles of 65,536 steps of 1e-5 degrees; everything but the place is as it was. */
  private moves(view: DataView) {
    const headS = Math.floor(Number(view.getBigUint64(8, true)) / 1000), now = performance.now();
    for (let at = HEAD; at + SECTION <= view.byteLength; ) {
      const north = view.getUint16(at, true) * TILE + 0.5, east = view.getUint16(at + 2, true) * TILE + 0.5;
      const end = at + SECTION + view.getUint16(at + 4, true) * MOVE;
      for (at += SECTION; at < end; at += MOVE) {
        const slot = this.slotOf[view.getUint16(at, true)];
        const told = view.getUint16(at + 6, true), fixMs = (headS - (told >> 12)) * 1000;
        if (slot === undefined || fixMs < Math.floor(this.fixMs[slot] / 1000) * 1000) continue;
        const course = (told >> 6) & 63;
        this.heardAt[slot] = now;
        this.put(slot, (north + view.getUint16(at + 2, true)) / 1e5 - 90, (east + view.getUint16(at + 4, true)) / 1e5 - 180,
          course === 63 ? NO_COURSE : course * 6, fixMs, now);
      }
    }
  }

  /** A snapshot replaces all that was known: whoever is not in it is not known now. */
  private forget(view: DataView, count: number) {
    this.isCounted = false;
    const named = new Set<number>();
    for (let n = 0, at = HEAD; n < count; n++, at += RECORD) named.add(this.slotOf[view.getUint16(at, true)]);
    for (let slot = 0; slot < this.count; slot++) {
      if (!named.has(slot) && !this.rows.has(this.ids[slot])) this.isPlaced[slot] = 0;
    }
  }

  /** The gateway knows of no place, as after a rep's track was erased. While the page knows one, the
   * gateway may only have begun anew: the marker goes once the page says the same. */
  private lose(slot: number) {
    this.lost.add(slot);
    if (this.rows.get(this.ids[slot])?.lat == null) this.unplace(slot);
  }

  private unplace(slot: number) {
    this.isPlaced[slot] = 0;
    this.fixMs[slot] = 0;
  }

  private cells(view: DataView, count: number): Cell[] {
    return Array.from({ length: count }, (_, n) => {
      const at = HEAD + n * RECORD;
      return {
        lat: view.getInt32(at + 8, true) / 1e6, lng: view.getInt32(at + 12, true) / 1e6,
        count: view.getUint32(at + 16, true), silent: view.getUint16(at + 20, true),
      };
    });
  }

  private put(slot: number, lat: number, lng: number, course: number, fixMs: number, now: number) {
    const x = mercatorX(lng), y = mercatorY(lat);
    this.lost.delete(slot);
    if (course !== NO_COURSE) this.course[slot] = course;
    this.fixMs[slot] = fixMs;
    if (this.isPlaced[slot] && x === this.x[slot] && y === this.y[slot]) return;
    const [fromX, fromY] = this.at(slot, now, GLIDE_MS);
    const metres = Math.hypot(x - fromX, y - fromY) * EARTH_M * Math.cos((lat * Math.PI) / 180);
    const jumps = !this.isPlaced[slot] || metres > JUMP_M || document.visibilityState !== "visible";
    this.fromX[slot] = jumps ? x : fromX;
    this.fromY[slot] = jumps ? y : fromY;
    this.since[slot] = now;
    this.x[slot] = x;
    this.y[slot] = y;
    this.isPlaced[slot] = 1;
  }

  private make(id: string): number {
    const known = this.slots.get(id);
    if (known !== undefined) return known;
    const slot = this.count++;
    if (slot >= this.x.length) this.grow(Math.max(64, 2 * slot));
    this.slots.set(id, slot);
    this.ids[slot] = id;
    this.names[slot] = this.teams[slot] = "";
    return slot;
  }

  private grow(size: number) {
    const wider = <T extends { set(from: T): void }>(make: new (n: number) => T, old: T): T => {
      const made = new make(size);
      made.set(old);
      return made;
    };
    this.x = wider(Float64Array, this.x); this.y = wider(Float64Array, this.y);
    this.fromX = wider(Float64Array, this.fromX); this.fromY = wider(Float64Array, this.fromY);
    this.since = wider(Float64Array, this.since); this.fixMs = wider(Float64Array, this.fixMs);
    this.heardAt = wider(Float64Array, this.heardAt); this.state = wider(Uint8Array, this.state);
    this.course = wider(Uint16Array, this.course); this.isPlaced = wider(Uint8Array, this.isPlaced);
    this.isShown = wider(Uint8Array, this.isShown); this.isMine = wider(Uint8Array, this.isMine);
    this.told = wider(Uint8Array, this.told);
  }
}
