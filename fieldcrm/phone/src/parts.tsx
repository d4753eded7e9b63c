/** Parts that several screens share: headers, truth bar, tabs, buttons, states' shapes. */
import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { offlineSince, updateReady } from "./app";
import { Btn, Chip, LinkBtn } from "./buttons";
import type { Client, Verdict, Visit } from "./docs";
import { isOnline } from "./door";
import { bytes, distance, has, span, t, time } from "./i18n";
import { Icon, type IconName } from "./icons";
import { ackedAt, buffered, gap, here, isConnected, permission } from "./positions";
import { back, href, screen } from "./router";
import { stuckFiles } from "./stuck";
import {
  files, halfMinute, isPaused, isStorageFull, isWriting, offsetMs, placeNameOf, progress, second, shift, syncedAt,
  undecided, underWay, unsent, unsentFiles,
} from "./store";

// ── header ──

export function Top(props: { title: string; sub?: string; children?: ComponentChildren; onBack?: () => void }) {
  return (
    <header class="top">
      <button class="ib" aria-label={t("phone.back")} onClick={props.onBack ?? back}><Icon name="back" /></button>
      <div class="t"><h1>{props.title}</h1>{props.sub && <p>{props.sub}</p>}</div>
      {props.children}
    </header>
  );
}

export function TabTop(props: { title: string; sub?: string; children?: ComponentChildren }) {
  return (
    <header class="top tab">
      <div class="t"><h1>{props.title}</h1>{props.sub && <p>{props.sub}</p>}</div>
      {props.children}
      <a class="ib" href={href("settings")} aria-label={t("phone.settings")}><Icon name="gear" /></a>
    </header>
  );
}

// ── truth bar ──

interface Cell {
  tone: "ok" | "warn" | "bad" | "off" | "";
  icon: IconName;
  title: string;
  sub: string;
}

const needsRep = computed(() => undecided.value.length + stuckFiles.value.length);

/** What is on the server. Rank: refused or no space, then sign-in, network, sending, safe. */
export function syncCell(): Cell {
  const n = unsent.value.length;
  const photos = unsentFiles.value.length;
  const waiting = n || photos;
  const p = progress.value;
  const onPhone = t("phone.truth.on_phone");
  if (isStorageFull.value) return { tone: "bad", icon: "disk", title: t("phone.truth.no_space"), sub: t("phone.truth.tap_to_free") };
  if (isWriting.value) return { tone: "", icon: "onPhone", title: t("phone.truth.writing"), sub: t("phone.truth.writing_sub") };
  if (needsRep.value) return { tone: "bad", icon: "cloudMark", title: t("phone.truth.refused", { n: needsRep.value }), sub: t("phone.truth.needs_you") };
  if (p.problem === "too_old") return { tone: "bad", icon: "cloudMark", title: t("phone.truth.update"), sub: onPhone };
  if (p.problem === "signed_out") return { tone: "warn", icon: "lock", title: waiting ? t("phone.truth.wait_signin", { n: n + photos }) : t("phone.truth.signin"), sub: onPhone };
  if (p.first) return { tone: "ok", icon: "cloudUp", title: t("phone.truth.loading"), sub: t("phone.truth.rows", { n: Object.values(p.first).reduce((a, b) => a + b, 0) }) };
  if (!isOnline.value || p.problem === "offline") {
    const since = offlineSince.value ? t("phone.truth.no_network_since", { time: time(offlineSince.value + offsetMs.value) }) : t("phone.truth.no_network");
    return { tone: "warn", icon: "cloudOff", title: waiting ? waitingTitle(n, photos) : t("phone.truth.offline"), sub: since };
  }
  if (p.problem === "server") return { tone: "warn", icon: "cloudWait", title: waiting ? waitingTitle(n, photos) : t("phone.truth.server_busy"), sub: t("phone.truth.tries_again") };
  if (p.file && waiting) return { tone: "", icon: "cloudUp", title: t("phone.truth.sending", { percent: Math.round((100 * p.file.sent) / p.file.size) }), sub: t("phone.truth.photos_left", { n: photos }) };
  if (waiting) return { tone: "", icon: "cloudWait", title: waitingTitle(n, photos), sub: t("phone.truth.sending_now") };
  if (!syncedAt.value) return { tone: "off", icon: "cloudWait", title: t("phone.truth.not_yet"), sub: t("phone.truth.first") };
  return { tone: "ok", icon: "cloudTick", title: t("phone.truth.safe"), sub: t("phone.truth.on_server", { time: time(syncedAt.value + offsetMs.value) }) };
}

function waitingTitle(n: number, photos: number): string {
  return n ? t("phone.truth.waiting", { n }) : t("phone.truth.photos_wait", { n: photos });
}

const LOST_MS = 5 * 60_000;

/** What is tracked by this phone, and when it last was. */
export function trackCell(): Cell {
  if (!shift.value) return { tone: "off", icon: "ring", title: t("phone.track.off"), sub: t("phone.track.off_shift") };
  if (isPaused.value) return { tone: "off", icon: "pause", title: t("phone.track.break"), sub: t("phone.track.break_sub") };
  if (permission.value === "denied" || permission.value === "unsupported")
    return { tone: "bad", icon: "noGps", title: t("phone.track.denied"), sub: t("phone.track.denied_sub") };
  if (permission.value === "prompt" && !here.value) return { tone: "warn", icon: "noGps", title: t("phone.track.ask"), sub: t("phone.track.ask_sub") };
  const hole = gap.value;
  const lasted = hole?.to ? hole.to - hole.from : 0;
  const age = here.value ? second.value - here.value.fix_at_ms : Infinity;
  if (age > LOST_MS) return { tone: "bad", icon: "noGps", title: Number.isFinite(age) ? t("phone.track.no_gps_for", { span: span(age) }) : t("phone.track.no_gps"), sub: t("phone.track.broken") };
  if (lasted > 120_000 && second.value - hole!.to! < 180_000) return { tone: "warn", icon: "pause", title: t("phone.track.paused", { span: span(lasted) }), sub: t("phone.track.screen_off") };
  const sub = isConnected.value
    ? ackedAt.value ? t("phone.track.sent_ago", { span: span(second.value - ackedAt.value) }) : t("phone.track.this_phone")
    : t("phone.track.kept", { n: buffered.value });
  if (underWay.value) return { tone: "ok", icon: "inVisit", title: t("phone.track.in_visit"), sub };
  return { tone: "ok", icon: "arrow", title: t("phone.track.on"), sub };
}

export function Truth({ thin = false, float = false }: { thin?: boolean; float?: boolean }) {
  return (
    <nav class={`truth ${thin ? "thin" : ""} ${float ? "float" : ""}`} aria-label={t("phone.truth.label")}>
      <TruthSync /><TruthTrack />
    </nav>
  );
}

function TruthSync() {
  const cell = syncCell();
  const to = isStorageFull.value ? "storage" : progress.value.problem === "signed_out" ? "sign-in" : "outbox";
  return <TruthCell cell={cell} to={to} />;
}

function TruthTrack() {
  return <TruthCell cell={trackCell()} to="shift" />;
}

function TruthCell({ cell, to }: { cell: Cell; to: string }) {
  return (
    <a href={href(to)} class={cell.tone}>
      <Icon name={cell.icon} /><span><b>{cell.title}</b><i>{cell.sub}</i></span>
    </a>
  );
}

// ── tabs ──

const TABS: [string, IconName, string][] = [
  ["today", "today", "phone.tab.today"], ["map", "map", "phone.tab.map"], ["clients", "clients", "phone.tab.clients"],
  ["outbox", "outbox", "phone.tab.outbox"], ["shift", "clock", "phone.tab.shift"],
];

export function Tabs() {
  const waiting = unsent.value.length + unsentFiles.value.length + needsRep.value;
  return (
    <nav class="tabs" aria-label={t("phone.tabs")}>
      {TABS.map(([name, icon, label]) => (
        <a href={href(name)} aria-current={screen.value === name ? "page" : undefined}>
          <span class="pill">
            <Icon name={icon} />
            {name === "outbox" && waiting > 0 && <span class={`bdg ${needsRep.value ? "bad" : ""}`}>{waiting}</span>}
          </span>
          {t(label)}
        </a>
      ))}
    </nav>
  );
}

/** A figure with its unit small beside it, and what it is below. */
export function Num(props: { value: ComponentChildren; unit?: string; label: string }) {
  return <div class="num"><b>{props.value}{props.unit && <small>{props.unit}</small>}</b><span>{props.label}</span></div>;
}

/** A duration as figure and unit, for a Num. */
export function minutesParts(seconds: number): [string, string] {
  const m = Math.max(1, Math.round(seconds / 60));
  if (m < 100) return [String(m), t("phone.unit.min_only")];
  return [`${Math.floor(m / 60)}:${String(m % 60).padStart(2, "0")}`, t("phone.unit.h_only")];
}

// ── states ──

const VERDICTS: Record<Verdict, [IconName, string, string]> = {
  confirmed: ["confirmed", "c-ok", "phone.verdict.confirmed"],
  doubtful: ["doubtful", "c-doubt", "phone.verdict.doubtful"],
  contradicted: ["contradicted", "c-contra", "phone.verdict.contradicted"],
  unjudged: ["dot", "c-none", "phone.verdict.unjudged"],
};

export function verdictWord(verdict: Verdict): string {
  return t(VERDICTS[verdict][2]);
}

export function VerdictMark({ visit, class: extra = "" }: { visit: Pick<Visit, "verdict" | "state">; class?: string }) {
  if (visit.state === "cancelled") return <Icon name="cross" class={`c-pause ${extra}`} />;
  if (visit.state === "moved") return <Icon name="order" class={`c-visit ${extra}`} />;
  if (visit.state === "missed") return <Icon name="warn" class={`c-doubt ${extra}`} />;
  const [icon, colour] = VERDICTS[visit.verdict];
  return <Icon name={icon} class={`${colour} ${extra}`} />;
}

export const MODE_ICON: Record<string, IconName> = { foot: "walk", bicycle: "bike", car: "car" };

/** "Cardiologist · B": what a client is, in the rep's words. */
export function clientLine(client: Client | null): string {
  if (!client) return "";
  const kind = client.specialty ? specialtyWord(client.specialty) : t(`phone.kind.${client.kind}`);
  return [kind, client.category].filter(Boolean).join(" · ");
}

/** A specialty is free text of the client base; known words are shown in the rep's language. */
export function specialtyWord(text: string): string {
  const key = `phone.specialty.${text.toLowerCase().replace(/[^a-z]+/g, "_")}`;
  return has(key) ? t(key) : text;
}

export function visitLine(visit: Visit, client: Client | null): string {
  return [placeNameOf(visit), clientLine(client)].filter(Boolean).join(" · ");
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter((w) => /\p{L}/u.test(w));
  return words.slice(0, 2).map((w) => w[0]!.toUpperCase()).join("");
}

export function Ava({ client, small = false }: { client: Client; small?: boolean }) {
  const isPlace = client.kind === "organisation" || client.kind === "pharmacy";
  return <div class={`ava ${small ? "s" : ""} ${isPlace ? "org" : ""}`} aria-hidden="true">{initials(client.name)}</div>;
}

// ── dialogs ──

/** A sheet over the screen; the screen behind can't be reached until it closes. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.focus();
    return () => before?.focus();
  }, []);
  return (
    <>
      <div class="scrim" onClick={props.onClose} />
      <section
        class="sheet modal" role="dialog" aria-modal="true" aria-label={props.title} tabIndex={-1} ref={box}
        onKeyDown={(e) => e.key === "Escape" && props.onClose()}
      >
        {props.children}
      </section>
    </>
  );
}

/** A thumbnail of a photo on this phone. */
export function useObjectUrl(data: ArrayBuffer | null): string | null {
  const url = useRef<string | null>(null);
  const made = useRef<ArrayBuffer | null>(null);
  if (data !== made.current) {
    if (url.current) URL.revokeObjectURL(url.current);
    url.current = data ? URL.createObjectURL(new Blob([data])) : null;
    made.current = data;
  }
  useEffect(() => () => {
    if (url.current) URL.revokeObjectURL(url.current);
  }, []);
  return url.current;
}

export function unsentBytes(): number {
  return unsentFiles.value.reduce((sum, f) => sum + f.size - f.offset, 0);
}

export function UpdateHint() {
  return updateReady.value && <a class="btn soft fit" href={href("update")}><Icon name="again" class="s" /><span>{t("phone.update.hint")}</span></a>;
}

export { Btn, bytes, Chip, distance, files, halfMinute, LinkBtn };
