// The desk's own socket to the gateway: binary frames of places in, the viewport out, reconnecting
// with jittered backoff. What the frames say is read by fleet.ts.

export type RosterRep = { i: number; id: string; name: string; team_id: string | null };
export type Notice = Record<string, unknown>;

type Hears = {
  /** A binary frame; returns its number. */
  frame: (buffer: ArrayBuffer) => number;
  roster: (reps: RosterRep[]) => void; notices: (list: Notice[]) => void;
  time: (nowMs: number, speed?: number) => void; state: (state: "connecting" | "live" | "offline") => void;
};
type View = {
  getBounds(): { getSouth(): number; getWest(): number; getNorth(): number; getEast(): number };
  getZoom(): number;
};

const NEAR_ZOOM = 10; // from here on a city fills the map, and every rep is drawn
const SINGLY_NEAR = 10_000, SINGLY_FAR = 500; // more than so many are one blot: counts by cell then
const SINGLY_FILTERED = 20_000; // counts know nothing of a filter: who filters gets everybody, and draws those who pass
const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 20_000;
const QUIET_MS = 30_000; // the gateway pings every 12 s: when even that is missing: the line is dead, whatever the socket says
const GATHER_MS = 300; // notices of one change come together
const SESSION_ENDED = [4401, 4403];

export function address(gateway: string): string {
  if (!gateway.startsWith(":")) return `${gateway.replace(/^http/, "ws").replace(/\/$/, "")}/ws/desk`;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.hostname}${gateway}/ws/desk`;
}

/** More reps in view than this are to come as counts by cell. */
export const singlyAt = (zoom: number, isFiltered: boolean) => (isFiltered ? SINGLY_FILTERED : zoom >= NEAR_ZOOM ? SINGLY_NEAR : SINGLY_FAR);

export class DeskLink {
  private socket: WebSocket | null = null;
  private tries = 0;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval>;
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

  view(map: View, isFiltered: boolean) {
    const b = map.getBounds();
    const bbox = [b.getSouth(), b.getWest(), b.getNorth(), b.getEast()].map((x) => Number(x.toFixed(5)));
    const zoom = Number(map.getZoom().toFixed(2));
    const view = JSON.stringify({ t: "view", bbox, zoom, singly: singlyAt(zoom, isFiltered), moves: true });
    if (view === this.lastView) return;
    this.lastView = view;
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
    const number = this.hears.frame(data);
    if (this.expected !== null && number !== this.expected) this.socket?.send('{"t":"resync"}');
    this.expected = (number + 1) >>> 0;
  }

  private hearNotice(notice: Notice) {
    if (notice.t === "roster") return this.hears.roster(notice.reps as RosterRep[]);
    if (notice.t === "hello" || notice.t === "ping") return this.hears.time(Number(notice.now_ms), notice.clock_speed as number | undefined);
    this.gathered.push(notice);
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.hears.notices(this.gathered.splice(0));
    }, GATHER_MS);
  }
}
