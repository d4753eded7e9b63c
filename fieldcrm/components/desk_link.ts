// The desk's own socket to the gateway: binary frames of places in, the viewport out, reconnecting
// with jittered backoff. The frames' layout is that of fieldcrm/tracking/frames.py (docs/protocol.md).

export type Where = {
  id: string; state: string; lat: number; lng: number; fixMs: number;
  course: number | null; speed: number | null; battery: number | null; accuracy: number | null;
};
export type Cell = { lat: number; lng: number; count: number };
export type Notice = Record<string, unknown>;

type Hears = {
  places: (places: Where[]) => void; cells: (cells: Cell[]) => void;
  notices: (list: Notice[]) => void; time: (nowMs: number, speed?: number) => void; state: (state: "connecting" | "live" | "offline") => void;
};
type View = {
  getBounds(): { getSouth(): number; getWest(): number; getNorth(): number; getEast(): number };
  getZoom(): number;
};

const STATES = ["", "moving", "in_visit", "idle", "silent", "paused", "off_shift"];
const SNAPSHOT = 1, DELTA = 2, CELLS = 3;
const NO_PLACE = -(2 ** 31);
const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 20_000;
const QUIET_MS = 30_000; // the gateway pings every 12 s: when even that is missing: the line is dead, whatever the socket says
const GATHER_MS = 300; // notices of one change come together
const SESSION_ENDED = [4401, 4403];

export function address(gateway: string): string {
  if (!gateway.startsWith(":")) return `${gateway.replace(/^http/, "ws").replace(/\/$/, "")}/ws/desk`;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.hostname}${gateway}/ws/desk`;
}

export function readFrame(buffer: ArrayBuffer, roster: string[]): { kind: number; number: number; places: Where[]; cells: Cell[] } {
  const view = new DataView(buffer);
  const kind = view.getUint8(1), count = view.getUint16(2, true), number = view.getUint32(4, true);
  const places: Where[] = [], cells: Cell[] = [];
  for (let n = 0, at = 16; n < count; n++, at += 24) {
    if (kind === CELLS) {
      cells.push({ lat: view.getInt32(at + 8, true) / 1e6, lng: view.getInt32(at + 12, true) / 1e6, count: view.getUint32(at + 16, true) });
      continue;
    }
    const id = roster[view.getUint16(at, true)];
    const lat = view.getInt32(at + 4, true);
    if (!id || lat === NO_PLACE) continue;
    const small = (offset: number, scale: number) => {
      const value = view.getUint16(at + offset, true);
      return value === 0xffff ? null : value / scale;
    };
    const battery = view.getUint8(at + 3);
    places.push({
      id, state: STATES[view.getUint8(at + 2)] ?? "", battery: battery === 0xff ? null : battery,
      lat: lat / 1e6, lng: view.getInt32(at + 8, true) / 1e6, fixMs: view.getUint32(at + 12, true) * 1000,
      course: small(16, 1), speed: small(18, 100), accuracy: small(20, 10),
    });
  }
  return { kind, number, places, cells };
}

export class DeskLink {
  private socket: WebSocket | null = null;
  private tries = 0;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval>;
  private roster: string[] = [];
  private gathered: Notice[] = [];
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private lastView = "";
  private heardAt = 0;
  private isClosed = false;
  private expected: number | null = null;

  constructor(private gateway: string, private hears: Hears) {
    this.open();
    this.watch = setInterval(() => this.checkQuiet(), 5000);
    window.addEventListener("online", this.retry);
  }

  retry = () => {
    if (this.isClosed || this.socket?.readyState === WebSocket.OPEN) return;
    clearTimeout(this.waiting);
    this.tries = 0;
    this.open();
  };

  view(map: View) {
    const b = map.getBounds();
    const bbox = [b.getSouth(), b.getWest(), b.getNorth(), b.getEast()].map((x) => Number(x.toFixed(5)));
    this.lastView = JSON.stringify({ t: "view", bbox, zoom: Number(map.getZoom().toFixed(2)) });
    this.sendView();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.waiting);
    clearTimeout(this.gathering);
    clearInterval(this.watch);
    window.removeEventListener("online", this.retry);
    this.socket?.close();
  }

  private sendView() {
    if (this.lastView && this.socket?.readyState === WebSocket.OPEN) this.socket.send(this.lastView);
  }

  private open() {
    this.socket?.close();
    const socket = new WebSocket(address(this.gateway));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.tries = 0;
      this.heardAt = Date.now();
      this.expected = null;
      this.hears.state("live");
      this.sendView();
    };
    socket.onmessage = (message) => this.hear(message.data);
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  private lost(code: number) {
    if (this.isClosed) return;
    this.hears.state("offline");
    if (SESSION_ENDED.includes(code)) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries++);
    this.waiting = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
  }

  private checkQuiet() {
    if (this.socket?.readyState !== WebSocket.OPEN || Date.now() - this.heardAt < QUIET_MS) return;
    this.socket.close(4000, "quiet");
  }

  private hear(data: string | ArrayBuffer) {
    this.heardAt = Date.now();
    if (typeof data === "string") return this.hearNotice(JSON.parse(data));
    const frame = readFrame(data, this.roster);
    if (this.expected !== null && frame.number !== this.expected) this.socket?.send('{"t":"resync"}');
    this.expected = (frame.number + 1) >>> 0;
    if (frame.kind === CELLS) return this.hears.cells(frame.cells);
    if (frame.kind === SNAPSHOT) this.hears.cells([]);
    if (frame.kind === SNAPSHOT || frame.kind === DELTA) this.hears.places(frame.places);
  }

  private hearNotice(notice: Notice) {
    if (notice.t === "roster") return this.setRoster(notice.reps as unknown[]);
    if (notice.t === "hello" || notice.t === "ping") return this.hears.time(Number(notice.now_ms), notice.clock_speed as number | undefined);
    this.gathered.push(notice);
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.hears.notices(this.gathered.splice(0));
    }, GATHER_MS);
  }

  private setRoster(reps: unknown[]) {
    this.roster = [];
    for (const rep of reps as { i: number; id: string }[]) this.roster[rep.i] = rep.id;
  }
}
