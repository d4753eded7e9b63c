/** Handing the way over to the phone's navigator, and a call to its dialler. */
import { signal } from "@preact/signals";
import type { Visit } from "../docs";
import { t } from "../i18n";
import { Btn, Dialog } from "../parts";
import { choose, clientOf, navigator_, pointOf, profile } from "../store";

interface Goal {
  lat: number;
  lng: number;
  name: string;
}

const asked = signal<Goal | null>(null);

type App = "geo" | "google" | "apple";

const MODES: Record<App, Record<string, string>> = {
  geo: {},
  google: { foot: "walking", bicycle: "bicycling", car: "driving" },
  apple: { foot: "w", bicycle: "b", car: "d" },
};

/** The link that opens a navigator at a goal. */
export function navigatorLink(app: App, goal: Goal, mode: string): string {
  const at = `${goal.lat.toFixed(6)},${goal.lng.toFixed(6)}`;
  if (app === "geo") return `geo:${at}?q=${at}(${encodeURIComponent(goal.name)})`;
  const by = MODES[app][mode] ?? MODES[app].car;
  if (app === "google") return `https://www.google.com/maps/dir/?api=1&destination=${at}&travelmode=${by}`;
  return `https://maps.apple.com/?daddr=${at}&dirflg=${by}`;
}

export function navigateTo(visit: Visit): void {
  const point = pointOf(visit);
  if (point) navigateToPoint({ ...point, name: clientOf(visit)?.name ?? "" });
}

export function navigateToPoint(goal: Goal): void {
  if (navigator_.value === "ask") asked.value = goal;
  else open(navigator_.value, goal);
}

function open(app: App, goal: Goal): void {
  asked.value = null;
  const link = document.createElement("a");
  link.href = navigatorLink(app, goal, profile.value?.mode ?? "foot");
  if (app !== "geo") {
    link.target = "_blank";
    link.rel = "noopener";
  }
  link.click();
}

export function NavigatorChoice() {
  const goal = asked.value;
  if (!goal) return null;
  const close = () => {
    asked.value = null;
  };
  const pick = (app: App) => {
    void choose("navigator", app);
    open(app, goal);
  };
  return (
    <Dialog title={t("phone.navigate.with")} onClose={close}>
      <h2 class="big-name">{t("phone.navigate.with")}</h2>
      <p class="small muted" style="margin:4px 0 12px">{t("phone.navigate.remembered")}</p>
      <div class="btns col">
        <Btn class="big p" onClick={() => pick("geo")}>{t("phone.navigate.geo")}</Btn>
        <Btn class="big q" onClick={() => pick("google")}>{t("phone.navigate.google")}</Btn>
        <Btn class="big q" onClick={() => pick("apple")}>{t("phone.navigate.apple")}</Btn>
      </div>
    </Dialog>
  );
}
