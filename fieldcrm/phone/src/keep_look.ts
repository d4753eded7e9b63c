/** Keeps Today as it stands, for the next cold opening (look.ts). */
import { effect } from "@preact/signals";
import { keptOffset } from "./almanac";
import { timezone } from "./i18n";
import { LOOK, type Look } from "./look";
import { painted } from "./painted";
import { route } from "./router";
import { stampOf } from "./stamp";
import { db, hasAllClients, isWriting, now, offsetMs, refresh, today, visits } from "./store";

const REST_MS = 1000;
const DAY_MS = 86_400_000;
/** As many as a first look draws. */
const ROWS = 7;

/** Whenever Today stands and nothing has changed for a moment. */
export function keepLooks(): void {
  let rest: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    void [visits.value, route.value, hasAllClients.value];
    clearTimeout(rest);
    rest = setTimeout(() => void keep().catch(() => undefined), REST_MS); // the next opening does without it
  });
}

const isToday = () => !document.hidden && !isWriting.peek() && hasAllClients.peek() && (route.peek().join("/") || "today") === "today";

/** What stands is of the stamp: all was read again after the stamp was taken, and it is the same once that was drawn. */
async function keep(): Promise<void> {
  const day = bounds();
  if (!isToday() || !day) return;
  const stamp = await stampOf(db.backendDB());
  const known = JSON.parse(localStorage.getItem(LOOK) ?? "null") as Look | null;
  if (known?.stamp === stamp && known.from_ms === day.from_ms) return;
  await refresh();
  await painted();
  const html = bare(document.getElementById("app")!);
  const isSame = (await stampOf(db.backendDB())) === stamp;
  if (isSame && html && isToday()) localStorage.setItem(LOOK, JSON.stringify({ html, stamp, ...day }));
}

/** Today from midnight to midnight by the phone's clock; null where the company's clocks change or aren't known. */
function bounds(): Pick<Look, "from_ms" | "to_ms"> | null {
  const ahead = keptOffset(timezone.peek(), now());
  if (ahead === null) return null;
  const [from, to] = [0, DAY_MS].map((ms) => Date.parse(`${today.peek()}T00:00:00Z`) - ahead + ms) as [number, number];
  if ([from, to].some((ms) => keptOffset(timezone.peek(), ms) !== ahead)) return null;
  return { from_ms: from - offsetMs.peek(), to_ms: to - offsetMs.peek() };
}

/** What a first look needs of it, without what is of the moment; null where something lies over the day. */
function bare(app: HTMLElement): string | null {
  if (app.querySelector(".modal") || !app.querySelector("header.day")) return null;
  const copy = app.cloneNode(true) as HTMLElement;
  for (const cell of copy.querySelectorAll(".truth>a")) cell.className = "";
  for (const list of copy.querySelectorAll("details")) list.open = false;
  const rows = [...copy.querySelectorAll("main>div>.vr")].slice(ROWS);
  for (const each of [...rows, ...copy.querySelectorAll(".hint-row,details>:not(summary)")]) each.remove();
  return copy.innerHTML;
}
