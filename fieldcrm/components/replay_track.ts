// A day's track as the server tells it (docs/protocol.md, "A day for a player"): read, asked where the
// rep was; and his way as it was cleaned, up to a moment.
export type Timed = [number, number, number]; // lat, lng, epoch ms
export type Track = {
  count: number; startMs: number; endMs: number; breaks: Set<number>;
  at: Float64Array; lat: Float64Array; lng: Float64Array; speed: Float64Array; battery: Float64Array; doubts: Float64Array;
};
export type Doubt = { kind: "mock" | "teleport" | "speed" | "accuracy" | "frozen" | "clock" | "late"; from_ms: number; to_ms: number };
type Column = { name: string; unit: number; width: 0 | 1 | 2 | 4; longer: [number, number][] };
type Head = { count: number; start_ms: number; end_ms: number; breaks: number[]; columns: Column[] };

const KINDS: [Doubt["kind"], number][] = [["mock", 1], ["teleport", 2], ["speed", 4], ["accuracy", 8], ["frozen", 16], ["clock", 32], ["late", 64]];
/** Kinds that say how a place was told rather than that it is untrue. */
export const CALM: ReadonlySet<Doubt["kind"]> = new Set(["accuracy", "clock", "late"]);
const TOGETHER_MS = 3 * 60_000; // the same doubt again within this is still the same one

/** The bytes of the answer as columns; throws where they are something else. */
export function readTrack(bytes: ArrayBuffer): Track {
  const view = new DataView(bytes);
  if (view.getUint32(0) !== 0x46435431) throw new Error("not a track"); // FCT1
  const size = view.getUint32(4, true);
  const head: Head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, size)));
  const columns: Record<string, Float64Array> = {};
  let place = Math.ceil((8 + size) / 4) * 4;
  for (const column of head.columns) {
    columns[column.name] = readColumn(view, place, head.count, column);
    place += Math.ceil((head.count * column.width) / 4) * 4;
  }
  return {
    count: head.count, startMs: head.start_ms, endMs: head.end_ms, breaks: new Set(head.breaks), at: columns.at_ms, lat: columns.lat,
    lng: columns.lng, speed: columns.speed_mps, battery: columns.battery_pct, doubts: columns.doubts,
  };
}

function readColumn(view: DataView, place: number, count: number, { width, unit, longer }: Column): Float64Array {
  const values = new Float64Array(count);
  for (let n = 0; n < count && width; n++) {
    const at = place + n * width;
    values[n] = width === 1 ? view.getInt8(at) : width === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
  }
  for (const [n, difference] of longer) values[n] = difference;
  let sum = 0;
  for (let n = 0; n < count; n++) { sum += values[n]; values[n] = sum * unit; }
  return values;
}

/** Where a cleaned way was at a moment, on the straight way between two of its points; null off it. */
export function placeOn(lines: Timed[][], at: number): { lat: number; lng: number } | null {
  const line = lines.find((l) => l.length && l[0][2] <= at && at <= l[l.length - 1][2]);
  if (!line) return null;
  const next = Math.max(1, line.findIndex((point) => point[2] >= at));
  const [a, b] = [line[next - 1], line[Math.min(next, line.length - 1)]];
  const share = b[2] > a[2] ? (at - a[2]) / (b[2] - a[2]) : 0;
  return { lat: a[0] + (b[0] - a[0]) * share, lng: a[1] + (b[1] - a[1]) * share };
}

/** A cleaned way up to a moment, as lines of [lat, lng]. */
export function until(lines: Timed[][], at: number): [number, number][][] {
  const here = at < Infinity ? placeOn(lines, at) : null;
  return lines.filter((line) => line.length && line[0][2] <= at).map((line) => {
    const passed = line.filter((point) => point[2] <= at).map(([lat, lng]): [number, number] => [lat, lng]);
    return here && passed.length < line.length ? [...passed, [here.lat, here.lng] as [number, number]] : passed;
  });
}

/** The last fix at or before a moment; -1 before the first. */
function before(track: Track, at: number): number {
  let low = 0;
  let high = track.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track.at[middle] <= at) low = middle + 1; else high = middle;
  }
  return low - 1;
}

/** Where the rep was, between two fixes on the straight way; in a gap where he was seen last. */
export function atTime(track: Track, at: number) {
  if (!track.count) return null;
  const n = before(track, at);
  const here = Math.max(0, n);
  const is = (lat: number, lng: number, isGap: boolean, course: number) =>
    ({ lat, lng, isGap, course, speed: track.speed[here], battery: track.battery[here] });
  const next = here + 1;
  if (n < 0) return is(track.lat[0], track.lng[0], true, 0);
  if (next >= track.count || track.breaks.has(next)) {
    return is(track.lat[here], track.lng[here], at - track.at[here] > 60_000, 0);
  }
  const share = (at - track.at[here]) / Math.max(1, track.at[next] - track.at[here]);
  const [dLat, dLng] = [track.lat[next] - track.lat[here], track.lng[next] - track.lng[here]];
  const course = (Math.atan2(dLng * Math.cos((track.lat[here] * Math.PI) / 180), dLat) * 180) / Math.PI;
  return is(track.lat[here] + dLat * share, track.lng[here] + dLng * share, false, course);
}

/** Stretches of fixes that carry the same doubt. */
export function doubtsIn(track: Track): Doubt[] {
  const found: Doubt[] = [];
  for (const [kind, bit] of KINDS) {
    let open: Doubt | null = null;
    for (let n = 0; n < track.count; n++) {
      if (!(track.doubts[n] & bit)) continue;
      if (open && track.at[n] - open.to_ms <= TOGETHER_MS) open.to_ms = track.at[n];
      else found.push(open = { kind, from_ms: track.at[n], to_ms: track.at[n] });
    }
  }
  return found;
}
