/**
 * The app's service worker: opens the app without a network, also after a restart of the phone.
 *
 * Everything the first screens need is fetched when a version is installed; the map's code when it
 * is first used; the region's map lies in a cache of its own, whole, and is answered in ranges.
 */
/// <reference lib="webworker" />
const worker = self as unknown as ServiceWorkerGlobalScope;
declare const __FILES__: [string, string][];
declare const __LAZY__: string[];
declare const __BUILD__: string;

const CACHE = `fieldcrm-rep-${__BUILD__}`;
const REGION = "fieldcrm-region";
const INDEX = "/rep/index.html";
const START = "/rep/";
const TILES = "/region/basemap.pmtiles";
const MATCH: CacheQueryOptions = { ignoreVary: true };

worker.addEventListener("install", (event) => {
  event.waitUntil(install());
  routeAround(event);
});
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  const said = (event.data as { t?: string } | null)?.t;
  if (said === "activate") void worker.skipWaiting();
  if (said === "keep_map") event.waitUntil(Promise.all([worker.clients.claim(), keepMap()]));
});
worker.addEventListener("push", (event) => event.waitUntil(woken(event.data)));
worker.addEventListener("notificationclick", (event) => event.waitUntil(opened(event.notification)));
worker.addEventListener("fetch", (event) => {
  const answer = choose(event.request);
  if (answer) event.respondWith(answer);
});

interface Router {
  addRoutes?: (rules: object[]) => Promise<void>;
}

/**
 * Browsers that can are told to take this version's files from its cache themselves: a phone that is
 * opened cold need not start this worker first. What the cache lacks they ask of the network.
 */
function routeAround(event: ExtendableEvent & Router): void {
  const source = { cacheName: CACHE };
  const paths = [START, ...__FILES__.map(([path]) => path)];
  const rules = paths.map((pathname) => ({ condition: { urlPattern: { pathname }, requestMethod: "GET" }, source }));
  void event.addRoutes?.(rules).catch(() => undefined);
}

/** Fetch every file of this version, and the map's code if the version before had it. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const wanted = __FILES__.map(([path]) => path);
  if (await hasOldMap()) wanted.push(...__LAZY__);
  await Promise.all(wanted.map((path) => keep(cache, path)));
  await cache.put(START, (await cache.match(INDEX, MATCH))!);
}

/**
 * The map's code too, once the day itself is here: the rep may first look at it without a network.
 * Whoever asks may have been opened while this version was activated: too late to be met by no worker,
 * too early to be claimed with the others; so it is claimed now.
 */
async function keepMap(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const path of __LAZY__) if (!(await cache.match(path, MATCH))) await keep(cache, path).catch(() => undefined);
}

/** Named by what is in it: never another under the same name, so that what the page just fetched will do. */
const HASHED = /-[a-z0-9]{8,}\.(js|css)$/;

async function keep(cache: Cache, path: string): Promise<void> {
  const answer = await fetch(new Request(path, { cache: HASHED.test(path) ? "default" : "reload" }));
  if (!answer.ok || answer.redirected) throw new Error(`${path}: ${answer.status}`);
  await cache.put(path, answer);
}

async function hasOldMap(): Promise<boolean> {
  for (const name of await caches.keys()) {
    if (!name.startsWith("fieldcrm-rep-") || name === CACHE) continue;
    const kept = await (await caches.open(name)).keys();
    if (kept.some((r) => /\/map-[^/]*\.(js|css)$/.test(new URL(r.url).pathname))) return true;
  }
  return false;
}

async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((n) => n.startsWith("fieldcrm-rep-") && n !== CACHE);
  await Promise.all(old.map((n) => caches.delete(n)));
  await worker.clients.claim();
}

function choose(request: Request): Promise<Response> | null {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return null;
  if (url.pathname === TILES && !request.headers.has("X-Whole")) return tiles(request);
  if (url.pathname.startsWith("/region/")) return freshOrKept(request, url.pathname);
  if (!url.pathname.startsWith("/rep/") && url.pathname !== "/rep") return null;
  if (url.pathname.startsWith("/rep/office")) return null;
  if (request.mode === "navigate") return page();
  return file(request, url.pathname);
}

/** Every page under /rep/ is the one app. */
async function page(): Promise<Response> {
  return (await (await caches.open(CACHE)).match(INDEX, MATCH)) ?? fetch(INDEX);
}

async function file(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path, MATCH);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && __LAZY__.includes(path)) await cache.put(path, answer.clone());
  return answer;
}

/** Styles of the map: the newest when the network is there, else the kept ones. */
async function freshOrKept(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(REGION);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(path, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(path, MATCH);
    if (kept) return kept;
    throw error;
  }
}

/** A byte range of the region's map, from the kept whole if it is here. */
async function tiles(request: Request): Promise<Response> {
  const kept = await (await caches.open(REGION)).match(TILES, MATCH);
  if (!kept) return fetch(request);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
  if (!range) return kept;
  const blob = await kept.blob();
  const from = Number(range[1]);
  const to = range[2] ? Math.min(Number(range[2]), blob.size - 1) : blob.size - 1;
  if (from >= blob.size) return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${blob.size}` } });
  return new Response(blob.slice(from, to + 1), {
    status: 206,
    headers: {
      "Content-Type": "application/vnd.pmtiles", "Content-Range": `bytes ${from}-${to}/${blob.size}`,
      "Content-Length": String(to - from + 1), "Accept-Ranges": "bytes",
    },
  });
}

// ── woken by the office ──

/** What a push names: a message and why; what it says is asked of our own server. */
interface Told {
  t: "task" | "reminder" | "plan";
  id: string;
  why: "new" | "due" | "near";
  lang: string;
  day?: string;
}
interface Shown {
  text: string;
  place: string | null;
}

/** An open app is told to fetch; otherwise a notification says what there is. */
async function woken(data: PushMessageData | null): Promise<void> {
  const told = (data?.json() ?? { t: "plan", id: "", why: "new", lang: "en" }) as Told;
  const open = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of open) page.postMessage({ t: "pull" });
  const [shown, words] = await Promise.all([arrived(told.id), wordsOf(told.lang)]);
  if (open.some((page) => page.visibilityState === "visible")) return;
  await worker.registration.showNotification(words(`phone.push.${told.t}`), {
    body: [shown?.text, shown?.place].filter(Boolean).join("\n") || words(told.t === "plan" ? "phone.push.look" : "phone.push.open"),
    tag: told.day ?? told.id, lang: told.lang, icon: "/rep/icons/icon-192.png", badge: "/rep/icons/icon-192.png",
    requireInteraction: told.why !== "new", data: { hash: hashOf(told) },
  });
}

function hashOf(told: Told): string {
  return told.t === "plan" ? `#/today/${told.day ?? ""}`.replace(/\/$/, "") : "#/tasks";
}

const ASK_MS = 8000;

/** What the message says; the office sees that it came. Null without a network or when it is over. */
async function arrived(id: string): Promise<Shown | null> {
  try {
    const answer = await fetch(`/api/v1/messages/${encodeURIComponent(id)}/arrived`, {
      method: "POST", signal: AbortSignal.timeout(ASK_MS),
    });
    return answer.ok ? ((await answer.json()) as Shown) : null;
  } catch {
    return null;
  }
}

async function wordsOf(language: string): Promise<(key: string) => string> {
  const kept = await (await caches.open(CACHE)).match(`/rep/locales/${language}.json`, MATCH);
  const texts = kept ? ((await kept.json()) as Record<string, string>) : {};
  return (key) => texts[key] ?? "fieldcrm";
}

/** The app, in front, at what the notification was about. */
async function opened(notification: Notification): Promise<void> {
  notification.close();
  const { hash } = (notification.data ?? {}) as { hash?: string };
  const [page] = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!page) return void (await worker.clients.openWindow(`/rep/${hash ?? ""}`));
  await page.focus().catch(() => undefined);
  page.postMessage({ t: "open", hash });
}
