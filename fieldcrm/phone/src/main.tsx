/** The rep's app: one screen at a time, opened from what the phone holds. */
import { useEffect, useState } from "preact/hooks";
import { effect } from "@preact/signals";
import { start } from "./app";
import type { Me } from "./docs";
import { screens } from "./door";
import { Further, loadFurther, type Show } from "./further";
import { later } from "./later";
import { mapSize, readMapSize, saveMap } from "./region";
import { route, screen } from "./router";
import { CheckIn } from "./screens/checkin";
import { ClientCard } from "./screens/client";
import { Clients, NewVisit } from "./screens/clients";
import { MapScreen } from "./screens/map";
import { NavigatorChoice } from "./screens/navigate";
import { Outbox } from "./screens/outbox";
import { ShiftScreen } from "./screens/shift";
import { isDay, language, prepareDates, timezone } from "./i18n";
import { Opening } from "./screens/signin";
import { FirstCopy } from "./screens/firstcopy";
import { Today } from "./screens/today";
import { NotHere, VisitScreen } from "./screens/visit";
import type { Visit } from "./docs";
import { dressFrame, hasFirstCopy, isStorageFull, keepAwake, open, progress, shift, today, visits } from "./store";

function ofVisit(id: string | undefined, Screen: (props: { visit: Visit }) => preact.JSX.Element | null) {
  const visit = id ? visits.value.get(id) : undefined;
  return visit ? <Screen visit={visit} key={visit.id} /> : <NotHere />;
}

const tasks = later(() => import("./tasks"));

/** A screen of the second chunk, once it is here. */
const further = (show: Show) => <Further show={show} waiting={<Opening />} missing={<NotHere />} />;

/** The office's messages: a chunk that is fetched once the first screen stands, since it also watches. */
function Office() {
  useEffect(tasks.load, []);
  return tasks.here.value ? <tasks.here.value.Tasks /> : tasks.isMissing.value ? <NotHere /> : <Opening />;
}

function Screens() {
  const [, id] = route.value;
  const day = isDay(id) ? id : today.value; // of an address that anybody may have written
  switch (screen.value) {
    case "map": return <MapScreen />;
    case "calendar": return further((m) => <m.Calendar />);
    case "clients": return <Clients />;
    case "outbox": return <Outbox />;
    case "shift": return <ShiftScreen />;
    case "visit": return id ? <VisitScreen id={id} key={id} /> : <NotHere />;
    case "check-in": return ofVisit(id, CheckIn);
    case "move": return further((m) => ofVisit(id, m.MoveVisit));
    case "skip": return further((m) => ofVisit(id, m.SkipVisit));
    case "revise": return further((m) => ofVisit(id, m.ReviseVisit));
    case "client": return id ? <ClientCard id={id} key={id} /> : <NotHere />;
    case "new-client": return further((m) => <m.NewClient name={id} />);
    case "correct": return id ? further((m) => <m.CorrectClient id={id} key={id} />) : <NotHere />;
    case "new-visit": return id ? <NewVisit clientId={id} key={id} /> : <Clients forVisit />;
    case "conflict": return id ? further((m) => <m.ConflictScreen id={id} key={id} />) : <Outbox />;
    case "together": return further((m) => ofVisit(id, m.Together));
    case "invitation": return id ? further((m) => <m.Invitation id={id} key={id} />) : <NotHere />;
    case "order": return further((m) => <m.OrderDay day={day} />);
    case "receipt": return further((m) => <m.Receipt day={day} />);
    case "settings": return further((m) => <m.Settings />);
    case "tasks": return <Office />;
    case "pair": return further((m) => <m.Pair />);
    case "plan-changed": return further((m) => <m.PlanChanged />);
    case "install": return further((m) => <m.Install />);
    case "update": return further((m) => <m.Update />);
    case "storage": return further((m) => <m.Storage />);
    case "sign-in": return further((m) => <m.SignInAgain />);
    default: return <Today day={day} />;
  }
}

function App() {
  const [isOpened, setOpened] = useState(false);
  useEffect(() => {
    document.querySelector("main")?.scrollTo(0, 0);
  }, [route.value.join("/")]);
  if (!hasFirstCopy.value && !isOpened) return <FirstCopy onOpen={() => setOpened(true)} />;
  return <><Screens /><NavigatorChoice />{tasks.here.value && <tasks.here.value.Reminder />}</>;
}

/** A full phone and an app the server no longer understands show themselves at once. */
function watchForTrouble(): void {
  isStorageFull.subscribe((full) => {
    if (full) location.hash = "#/storage";
  });
  progress.subscribe((p) => {
    if (p.problem === "too_old" && screen.peek() === "today") location.hash = "#/update";
  });
}

let lock: WakeLockSentinel | null = null;

/** Keep the screen on while on shift, for reps who asked for it: a web page tracks no other way. */
async function holdScreen(): Promise<void> {
  const wanted = keepAwake.value && shift.value !== null && !document.hidden;
  if (wanted && !lock) lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  if (!wanted && lock) {
    await lock.release();
    lock = null;
  }
  lock?.addEventListener("release", () => { lock = null; }, { once: true });
}

async function keepMap(): Promise<void> {
  await readMapSize();
  if (mapSize.value === null) await saveMap();
  (await navigator.serviceWorker?.ready)?.active?.postMessage({ t: "keep_map" });
}

/** Fetch the map ahead of need, once the day itself is here. */
function keepMapWhenReady(): void {
  let isAsked = false;
  hasFirstCopy.subscribe((has) => {
    if (!has || isAsked || !("caches" in window)) return;
    isAsked = true;
    setTimeout(() => void keepMap(), 2000);
  });
}

/** After the first screen, when the phone has most likely nothing better to do. */
const REST_MS = 4000;

export { signIn } from "./app";
export { choose } from "./store";

/** What the phone holds is read while its words are still on their way. */
export const opened = open();
screens.value = App;

/** Everything else, once the first screen stands; `asked`: what the server says of who this is, where it was asked. */
export async function begin(asked: Promise<Me | null> | null): Promise<void> {
  document.documentElement.dataset.opened = "1";
  dressFrame();
  setTimeout(loadFurther, REST_MS);
  effect(() => {
    void [language.value, timezone.value];
    setTimeout(prepareDates, REST_MS);
  });
  watchForTrouble();
  keepAwake.subscribe(() => void holdScreen());
  shift.subscribe(() => void holdScreen());
  document.addEventListener("visibilitychange", () => void holdScreen());
  keepMapWhenReady();
  await start(asked);
  tasks.here.subscribe((code) => void code?.watch());
  tasks.load();
}

