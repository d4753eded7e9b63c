/** The page behind an arrival link: asks one route every few seconds and shows what it says, nothing else. */
import type { ArrivalMap } from "./map";

interface Coming {
  stage: "later" | "on_way" | "arrived";
  rep_name: string; place: string; address: string;
  place_lat: number | null; place_lng: number | null;
  expected_at: string | null; lat: number | null; lng: number | null; fix_at: string | null;
  ends_at: string; now: string; zone: string;
}

const EVERY_MS = 4000;
const BUSY_MS = 60_000;
const LONGEST_MS = 30_000;
const OLD_S = 45;
const page = document.documentElement;
const words = JSON.parse(document.getElementById("words")!.textContent!) as Record<string, string>;
const token = location.pathname.split("/")[2] ?? "";
let map: ArrivalMap | null = null;
let failed = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function t(key: string, params: Record<string, string | number> = {}): string {
  return Object.entries(params).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), words[`arrival.${key}`] ?? "");
}

function say(id: string, text: string): void {
  const element = document.getElementById(id)!;
  if (element.textContent !== text) element.textContent = text;
}

function note(text: string, isWarning = false): void {
  say("note", text);
  const element = document.getElementById("note")!;
  element.hidden = !text;
  element.classList.toggle("warn", isWarning);
}

function theme(): void {
  page.dataset["theme"] = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  map?.dress();
}

/** A time of day where the visit is, whatever zone the client's phone keeps. */
function clock(moment: string, timeZone: string): string {
  return new Intl.DateTimeFormat(page.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone }).format(new Date(moment));
}

/** Seconds as the page says an age. */
function age(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} ${t("s")}` : `${Math.round(seconds / 60)} ${t("min")}`;
}

function show(coming: Coming): void {
  const now = Date.parse(coming.now);
  page.dataset["stage"] = coming.stage;
  say("stage", t(coming.stage, { who: coming.rep_name }));
  say("place", coming.place);
  say("address", coming.address);
  say("until", coming.stage === "arrived" ? "" : t("until", { at: clock(coming.ends_at, coming.zone) }));
  showTime(coming, now);
  const seen = coming.fix_at ? (now - Date.parse(coming.fix_at)) / 1000 : null;
  if (coming.stage === "arrived") note("");
  else if (seen === null) note(t(coming.stage === "later" ? "no_position" : "no_position_now"));
  else note(seen > OLD_S ? t("seen", { age: age(seen) }) : "");
  document.title = coming.expected_at ? `${clock(coming.expected_at, coming.zone)} · ${t("title")}` : t("title");
  void showMap(coming);
}

function showTime({ expected_at, zone }: Coming, now: number): void {
  document.getElementById("when")!.hidden = !expected_at;
  if (!expected_at) return;
  const minutes = Math.round((Date.parse(expected_at) - now) / 60_000);
  say("label", t("expected"));
  say("time", clock(expected_at, zone));
  say("soon", minutes > 1 ? t("in_minutes", { n: minutes }) : t("any_moment"));
}

async function showMap(coming: Coming): Promise<void> {
  const box = document.getElementById("map")!;
  if (coming.place_lat === null || coming.place_lng === null) return void box.classList.add("none");
  const home: [number, number] = [coming.place_lng, coming.place_lat];
  const rep: [number, number] | null = coming.lat === null || coming.lng === null ? null : [coming.lng, coming.lat];
  if (!map) {
    const made = await import("./map");
    map ??= new made.ArrivalMap(box, home);
  }
  map.show(rep);
}

function over(): void {
  clearTimeout(timer);
  timer = undefined;
  map?.close();
  map = null;
  page.dataset["state"] = "over";
  document.title = t("over_title");
}

async function ask(): Promise<number> {
  const answer = await fetch(`/api/v1/arrival/${token}`, { headers: { "Accept-Language": page.lang }, credentials: "omit" });
  if (answer.status === 410 || answer.status === 422) over();
  else if (answer.status === 429) note(t("busy"), true);
  else if (!answer.ok) throw new Error(String(answer.status));
  else show((await answer.json()) as Coming);
  failed = 0;
  return answer.status === 429 ? BUSY_MS : EVERY_MS;
}

async function next(): Promise<void> {
  clearTimeout(timer);
  if (page.dataset["state"] === "over" || document.hidden) return;
  let wait: number;
  try {
    wait = await ask();
  } catch {
    note(t("offline"), true);
    wait = Math.min(LONGEST_MS, EVERY_MS * 2 ** Math.min(3, failed++));
  }
  if (page.dataset["state"] !== "over") timer = setTimeout(() => void next(), wait);
}

theme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
document.addEventListener("visibilitychange", () => void next()); // back in view: at once
if (page.dataset["state"] === "over") document.title = t("over_title");
void next();
