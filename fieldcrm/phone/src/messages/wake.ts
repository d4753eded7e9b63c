/** Notifications while the app is closed: this phone's subscription, told to the server. */
import { signal } from "@preact/signals";
import { isInstalled } from "../app";
import { language } from "../i18n";
import { db } from "../store";

export type Waking = "unsupported" | "install" | "denied" | "off" | "on";

export const waking = signal<Waking>("off");

function possible(): Waking | null {
  if ("serviceWorker" in navigator && "PushManager" in window && "Notification" in window) return null;
  return /iPhone|iPad/.test(navigator.userAgent) && !isInstalled.peek() ? "install" : "unsupported";
}

/** How it stands; where it is on, the server is told of anything new. */
export async function lookAtWaking(): Promise<void> {
  const cannot = possible();
  if (cannot) return void (waking.value = cannot);
  if (Notification.permission === "denied") return void (waking.value = "denied");
  const isOn = Notification.permission === "granted" && (await db.get("push_wanted")) === true;
  waking.value = isOn ? "on" : "off";
  if (isOn && navigator.onLine) await subscribe().catch(() => undefined);
}

/** Ask the rep's leave and the push service's address; false when it did not work now. */
export async function turnOn(): Promise<boolean> {
  if ((await Notification.requestPermission()) !== "granted") {
    await lookAtWaking();
    return waking.peek() === "denied";
  }
  try {
    await subscribe();
  } catch {
    return false;
  }
  await db.put("push_wanted", true);
  waking.value = "on";
  return true;
}

export async function turnOff(): Promise<void> {
  await db.put("push_wanted", false);
  await db.put("push_told", null);
  waking.value = "off";
  const registration = await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  await fetch(`/api/v1/push/subscription/${await db.get<string>("device_id")}`, { method: "DELETE" }).catch(() => undefined);
}

async function subscribe(): Promise<void> {
  const answer = await fetch("/api/v1/push/key", { cache: "no-store" });
  if (!answer.ok) throw new Error("no key");
  const { key } = (await answer.json()) as { key: string };
  const made = await subscription(bytesOf(key));
  await tell(made.toJSON());
}

/** The browser's subscription with this server's key; one made for another server is void. */
async function subscription(key: Uint8Array<ArrayBuffer>): Promise<PushSubscription> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const known = await pushManager.getSubscription();
  if (known && !isSame(known.options.applicationServerKey, key)) await known.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

async function tell(made: PushSubscriptionJSON): Promise<void> {
  const told = `${made.endpoint} ${language.peek()}`;
  if ((await db.get("push_told")) === told) return;
  const body = {
    device_id: await db.get<string>("device_id"), endpoint: made.endpoint, p256dh: made.keys?.p256dh, auth: made.keys?.auth,
    language: language.peek(),
  };
  const answer = await fetch("/api/v1/push/subscription", {
    method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`subscription: ${answer.status}`);
  await db.put("push_told", told);
}

function isSame(a: ArrayBuffer | null, b: Uint8Array): boolean {
  return a !== null && a.byteLength === b.length && new Uint8Array(a).every((byte, n) => byte === b[n]);
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
