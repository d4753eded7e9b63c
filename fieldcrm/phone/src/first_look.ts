/** The page's own script: light or dark, the day as it last stood if that is still true, then the app. */
import { LOOK, type Look } from "./look";
import { stampOf } from "./stamp";

declare const __BOOT__: string[];
declare const __APP__: string[];

declare global {
  /** The button that was pressed before the app was here, by its class; links need nobody. */
  var pressed: string | undefined;
}

const root = document.documentElement;
const theme = localStorage.getItem("fieldcrm.theme");
root.dataset.theme = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches) ? "dark" : "light";

const known = localStorage.getItem("fieldcrm.known");
const kept = localStorage.getItem(LOOK);
const looked = known && kept && /^(#\/?(today)?)?$/.test(location.hash) ? show(JSON.parse(kept) as Look).catch(() => undefined) : null;
void begin();

/** The app's first code, once what is shown already is on the screen. */
async function begin(): Promise<void> {
  if (looked) await looked;
  if (root.dataset.look !== "shown") fetchApp();
  if (root.dataset.look === "asked") delete root.dataset.look;
  await parsed();
  add("script", { type: "module", src: `/rep/${__BOOT__[0]!}` });
}

/** Have the code come before it is asked for; a known phone's with all that it imports, and its words. */
function fetchApp(): void {
  for (const name of known ? [...__BOOT__, ...__APP__] : __BOOT__) add("link", { rel: "modulepreload", href: `/rep/${name}` });
  if (known) add("link", { rel: "preload", href: `/rep/locales/${localStorage.getItem("fieldcrm.language")}.json`, as: "fetch", crossOrigin: "anonymous" });
}

function add(tag: string, what: object): void {
  document.head.append(Object.assign(document.createElement(tag), what));
}

/** Show it, and let it come to the screen; nothing where it isn't true any more. */
async function show(look: Look): Promise<void> {
  root.dataset.look = "asked";
  const db = await opened();
  const stamp = await stampOf(db).finally(() => db.close());
  await parsed();
  if (stamp !== look.stamp || Date.now() < look.from_ms || Date.now() >= look.to_ms) return;
  const app = document.getElementById("app")!;
  app.innerHTML = look.html;
  app.onclick = (e) => { pressed = (e.target as Element).closest("button")?.className ?? pressed; };
  root.dataset.look = "shown";
  if (document.hidden) return fetchApp();
  await new Promise<void>((done) => requestAnimationFrame(() => { fetchApp(); setTimeout(done); })); // fetched while it is laid out
}

/** The phone's database as it is; refused where there is none. */
function opened(): Promise<IDBDatabase> {
  const request = indexedDB.open("fieldcrm-phone");
  return new Promise((done, failed) => {
    request.onupgradeneeded = () => request.transaction!.abort();
    request.onblocked = request.onerror = failed;
    request.onsuccess = () => done(request.result);
  });
}

function parsed(): Promise<unknown> | null {
  return document.readyState === "loading" ? new Promise((done) => document.addEventListener("readystatechange", done, { once: true })) : null;
}
