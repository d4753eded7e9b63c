/**
 * This phone's own position while the app is open: shown to the rep, and on shift sent to the
 * gateway. Each fix is kept until the gateway has acknowledged it; nothing is kept off shift.
 */
import { computed, signal } from "@preact/signals";
import type { BufferedFix } from "./docs";
import { isNews } from "./interval";
import type { Position } from "./life";
import { db, isPaused, me, offsetMs, shift } from "./store";

const BATCH = 100;
const RETRY_MS = [1000, 2000, 5000, 15_000, 30_000];
const ACK_WAIT_MS = 10_000;

/** The newest position, by the phone's own clock; null before the first or without permission. */
export const here = signal<(Position & { heading: number | null }) | null>(null);
export const permission = signal<"granted" | "prompt" | "denied" | "unsupported">("prompt");
/** When the gateway last acknowledged a fix of this phone. */
export const ackedAt = signal<number | null>(null);
export const buffered = signal(0);
/** When the app was last hidden on shift, and for how long: the track has a hole there. */
export const gap = signal<{ from: number; to: number | null } | null>(null);
export const isConnected = signal(false);
/** Told by the server that there is something to pull. */
export const onNudge = { pull: () => {} };

let watch: number | null = null;
let socket: WebSocket | null = null;
let tries = 0;
let sending: { n: number; last: number; at: number } | null = null;
let batchNo = 0;
let lastKept: BufferedFix | null = null;
let battery: { level: number; charging: boolean } | null = null;

/** Begin to look for the position; asks the rep for permission the first time. */
export function watchPosition(): void {
  if (watch !== null) return;
  if (!("geolocation" in navigator)) {
    permission.value = "unsupported";
    return;
  }
  watch = navigator.geolocation.watchPosition(take, refuse, { enableHighAccuracy: true, maximumAge: 5000, timeout: 60_000 });
}

const OPTIONS: PositionOptions = { enableHighAccuracy: true, maximumAge: 0, timeout: 20_000 };
const ASK_AFTER_MS = 15_000;

/** A phone that lies still may report nothing more: ask anew, so that its position stays fresh. */
function askAgain(): void {
  if (watch === null || document.hidden) return;
  const age = here.peek() ? Date.now() - here.peek()!.fix_at_ms : Infinity;
  if (age > ASK_AFTER_MS) askPosition();
}

/** Have the receiver say anew where the phone is. */
export function askPosition(): void {
  navigator.geolocation?.getCurrentPosition(take, refuse, OPTIONS);
}

export function stopWatching(): void {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  watch = null;
}

async function readPermission(): Promise<void> {
  const status = await navigator.permissions?.query({ name: "geolocation" }).catch(() => null);
  if (!status) return;
  const show = () => {
    permission.value = status.state;
    if (status.state === "granted" && shift.peek()) watchPosition();
  };
  status.addEventListener("change", show);
  show();
}

function take(found: GeolocationPosition): void {
  permission.value = "granted";
  const c = found.coords;
  here.value = {
    lat: c.latitude, lng: c.longitude, accuracy_m: c.accuracy, fix_at_ms: Math.round(found.timestamp),
    is_mock: null, source: "gps", heading: Number.isFinite(c.heading) ? c.heading : null,
  };
  if (gap.value && gap.value.to === null && !document.hidden) gap.value = { ...gap.value, to: Date.now() };
  void keep(found);
}

function refuse(error: GeolocationPositionError): void {
  if (error.code === error.PERMISSION_DENIED) permission.value = "denied";
}

/** Buffer a fix if the rep is on shift and it says something new. */
async function keep(found: GeolocationPosition): Promise<void> {
  const open = shift.peek();
  if (!open || isPaused.peek() || serverTime(found.timestamp) < open.started_at_ms) return;
  const c = found.coords;
  const fix: BufferedFix = {
    at: Math.round(found.timestamp), lat: c.latitude, lng: c.longitude, acc: finite(c.accuracy), spd: finite(c.speed),
    crs: finite(c.heading), bat: battery && Math.round(battery.level * 100), chg: battery && battery.charging,
  };
  if (!isNews(lastKept, fix)) return;
  lastKept = fix;
  await db.fixes.add(fix);
  buffered.value = await db.fixes.count();
  void send();
}

function finite(n: number | null): number | null {
  return n !== null && Number.isFinite(n) ? n : null;
}

// ── the socket ──

/** Close code: newer sockets of this device or rep took the place. */
const REPLACED = 4409;

/** Keep a socket to the gateway while the app is open and signed in. */
export function connect(): void {
  const known = me.peek();
  if (!known || socket || !navigator.onLine || document.hidden) return;
  const url = `${known.gateway.replace(/^http/, "ws")}/ws/phone`;
  const mine = new WebSocket(url);
  socket = mine;
  mine.onopen = () => void hello(mine);
  mine.onmessage = (event) => void hear(JSON.parse(String(event.data)) as ServerWord);
  mine.onclose = (event) => {
    if (socket !== mine) return;
    socket = null;
    sending = null;
    isConnected.value = false;
    if (event.code === REPLACED) return; // another window of this phone is connected: when this one is looked at again
    const wait = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)] ?? 0;
    setTimeout(connect, wait * (0.5 + Math.random())); // a gateway that dies loses all its phones at once
  };
}

type ServerWord =
  | { t: "hello"; now_ms: number }
  | { t: "ack"; n: number; accepted: number; rejected: Record<string, number> }
  | { t: "pull" };

async function hello(mine: WebSocket): Promise<void> {
  mine.send(JSON.stringify({
    t: "hello", device_id: await db.get<string>("device_id"), app: "rep", now_ms: Date.now(), mode: "web",
  }));
  sendStatus();
}

async function hear(word: ServerWord): Promise<void> {
  if (word.t === "hello") {
    tries = 0;
    isConnected.value = true;
    await send();
  } else if (word.t === "ack" && sending?.n === word.n) {
    await db.fixes.where("n").belowOrEqual(sending.last).delete();
    sending = null;
    ackedAt.value = Date.now();
    buffered.value = await db.fixes.count();
    await send();
  } else if (word.t === "pull") {
    onNudge.pull();
  }
}

/** Send the oldest fixes; the next batch goes when these are acknowledged. */
async function send(): Promise<void> {
  if (!socket || socket.readyState !== WebSocket.OPEN || !isConnected.value) return;
  if (sending) {
    if (Date.now() - sending.at > ACK_WAIT_MS) socket.close();
    return;
  }
  sending = { n: ++batchNo, last: 0, at: Date.now() };
  const fixes = await db.fixes.orderBy("n").limit(BATCH).toArray();
  if (fixes.length === 0 || !socket) {
    sending = null;
    return;
  }
  sending.last = fixes[fixes.length - 1]!.n!;
  socket.send(JSON.stringify({
    t: "fixes", n: sending.n, now_ms: Date.now(), fixes: fixes.map(({ n, ...fix }) => ({ s: n, ...fix, mock: null })),
  }));
}

/** Tell the dispatcher's side whether this phone tracks now. */
export function sendStatus(): void {
  if (!socket || socket.readyState !== WebSocket.OPEN) return;
  const tracking = !shift.peek() ? "off" : isPaused.peek() || document.hidden || permission.peek() !== "granted" ? "paused" : "on";
  socket.send(JSON.stringify({
    t: "status", tracking, permission: permission.peek(), battery: battery && Math.round(battery.level * 100),
  }));
}

export function disconnect(): void {
  const mine = socket;
  socket = null;
  isConnected.value = false;
  mine?.close();
}

// ── life of the page ──

interface BatteryManager extends EventTarget {
  level: number;
  charging: boolean;
}

/** Begin: battery, permission, what happens when the app is hidden, shown or goes online. */
export async function begin(): Promise<void> {
  buffered.value = await db.fixes.count();
  const manager = await (navigator as { getBattery?: () => Promise<BatteryManager> }).getBattery?.().catch(() => null);
  if (manager) battery = manager;
  await readPermission();
  addEventListener("online", connect);
  document.addEventListener("visibilitychange", onVisibility);
  computed(() => `${shift.value?.id} ${isPaused.value}`).subscribe(onShiftChange);
  setInterval(() => {
    askAgain();
    void send();
  }, ASK_AFTER_MS);
  connect();
}

/** The shift began, paused or ended: say so, and begin the track where the rep stands. */
function onShiftChange(): void {
  if (shift.peek() && !isPaused.peek() && permission.peek() === "granted") {
    watchPosition();
    askPosition();
  }
  sendStatus();
}

export function batteryPercent(): number | null {
  return battery && Math.round(battery.level * 100);
}

function onVisibility(): void {
  if (document.hidden) {
    if (shift.peek() && !isPaused.peek() && permission.peek() === "granted") gap.value = { from: Date.now(), to: null };
    sendStatus();
    return;
  }
  connect();
  sendStatus();
  if (shift.peek() && permission.peek() === "granted") {
    stopWatching(); // some phones never resume a watch that slept
    watchPosition();
  }
}

/** Age of the newest position in ms; null without one. */
export function fixAge(nowMs: number): number | null {
  return here.value && nowMs - here.value.fix_at_ms;
}

/** A position as an action carries it. */
export function asPosition(): Position | null {
  if (!here.value) return null;
  const { heading: _, ...position } = here.value;
  return position;
}

export function serverTime(deviceMs: number): number {
  return deviceMs + offsetMs.peek();
}
