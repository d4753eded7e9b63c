/** Today: how the day stands, what is next, what is left. */
import { useEffect, useState } from "preact/hooks";
import { isInstalled, installPrompt, isPersisted, updateReady } from "../app";
import type { Visit } from "../docs";
import { addDays, distance, longDay, number, span, t, time } from "../i18n";
import { Icon } from "../icons";
import {
  Btn, clientLine, LinkBtn, minutesParts, MODE_ICON, Num, Tabs, Truth, UpdateHint, VerdictMark, visitLine,
} from "../parts";
import { openTasks } from "../office_hint";
import { atRest } from "../painted";
import { go, href } from "../router";
import {
  arrivalAt, clientOf, declined, halfMinute, invitations, missed, now, placeNameOf, profile, promisesDone, today, underWay, unseenNotice, visitsOf, waitsTooLong,
} from "../store";
import { hoursText, hoursThen, missText, openNow } from "../windows";
import { navigateTo } from "./navigate";

const OVER = new Set(["closed", "cancelled", "moved", "missed"]);
const LATE_MIN = 3;

export function Today({ day }: { day?: string }) {
  const shown = day ?? today.value;
  const all = visitsOf(shown);
  const done = all.filter((v) => OVER.has(v.state));
  const left = all.filter((v) => !OVER.has(v.state));
  const next = shown === today.value ? (underWay.value ?? left[0] ?? null) : null;
  const rest = left.filter((v) => v !== next);
  const atOnce = useAtOnce(rest.length);
  return (
    <>
      <Truth />
      <DayHead day={shown} all={all} next={next} />
      {all.length === 0 ? <Empty day={shown} /> : (
        <main tabIndex={0} class="flush">
          <Hints />
          {done.length > 0 && <DoneList done={done} />}
          <div style="background:var(--panel)">{withBreak(rest.slice(0, atOnce))}</div>
          {atOnce >= rest.length && <p class="pad small muted row" style="justify-content:space-between">
            <a href={href("today", addDays(shown, -1))} class="ib" aria-label={t("phone.today.day_before")}><Icon name="back" /></a>
            <span class="row wrap" style="gap:8px;justify-content:center">
              {left.length > 1 && shown >= today.value && <LinkBtn class="q fit" icon="order" to={href("order", shown)}>{t("phone.order.open")}</LinkBtn>}
              <LinkBtn class="q fit" icon="plus" to={href("new-visit")}>{t("phone.today.unplanned")}</LinkBtn>
            </span>
            <a href={href("today", addDays(shown, 1))} class="ib" aria-label={t("phone.today.day_after")}><Icon name="next" /></a>
          </p>}
        </main>
      )}
      {next && <NextSheet visit={next} all={all} />}
      <Tabs />
    </>
  );
}

/** A row's height, and at least what stands above and below the rows of a day with a next stop. */
const [ROW_PX, AROUND_PX] = [59, 450];

/** How many rows are drawn when the app opens: about those that are seen. What is below them comes a moment later. */
function useAtOnce(rows: number): number {
  const [atOnce, setAtOnce] = useState(() => Math.max(2, Math.ceil((innerHeight - AROUND_PX) / ROW_PX)));
  useEffect(() => void atRest().then(() => setAtOnce(Infinity)), []);
  return Math.min(atOnce, rows);
}

function Hints() {
  const notice = unseenNotice.value;
  return (
    <>
      {notice && (
        <a class="hint-row" href={href("plan-changed")}>
          <Icon name="order" class="c-visit" /><span class="grow"><b>{t("phone.plan.changed")}</b></span><Icon name="next" class="s" />
        </a>
      )}
      {openTasks.value > 0 && (
        <a class="hint-row" href={href("tasks")}>
          <Icon name="flag" class="c-visit" /><span class="grow"><b>{t("phone.tasks.hint", { n: openTasks.value })}</b></span><Icon name="next" class="s" />
        </a>
      )}
      {invitations.value.map((j) => (
        <a class="hint-row" href={href("invitation", j.id)}>
          <Icon name="two" class="c-visit" /><span class="grow"><b>{t("phone.together.asks", { name: j.other_name })}</b><br />{j.client_name}</span><Icon name="next" class="s" />
        </a>
      ))}
      {declined.value.map((c) => (
        <a class="hint-row" href={href("correct", c.client_id)}>
          <Icon name="pen" class="c-doubt" /><span class="grow"><b>{t("phone.correct.was_declined")}</b><br />{c.client_name}</span><Icon name="next" class="s" />
        </a>
      ))}
      {waitsTooLong.value && (
        <a class="hint-row" href={href("outbox")}><Icon name="hour" class="c-doubt" /><span class="grow"><b>{t("phone.outbox.old")}</b></span><Icon name="next" class="s" /></a>
      )}
      {updateReady.value && <div class="hint-row"><Icon name="again" class="c-acc" /><span class="grow">{t("phone.update.ready")}</span><UpdateHint /></div>}
      {installPrompt.value && !isInstalled.value && isPersisted.value === false && (
        <a class="hint-row" href={href("install")}>
          <Icon name="plus" class="c-acc" /><span class="grow">{t("phone.install.hint")}</span><Icon name="next" class="s" />
        </a>
      )}
    </>
  );
}

/** Minutes behind (positive) or ahead of the plan, by the next stop's expected time. */
function minutesBehind(next: Visit | null): number | null {
  if (!next || next.planned_at_ms === null) return null;
  const expected = next.checked_in_at_ms ?? Math.max(next.expected_at_ms ?? next.planned_at_ms, now());
  return Math.round((expected - next.planned_at_ms) / 60_000);
}

function dayEnd(all: Visit[]): number | null {
  const ends = all.filter((v) => v.state !== "moved" && v.state !== "cancelled")
    .map((v) => v.closed_at_ms ?? (arrivalAt(v) ?? -Infinity) + v.planned_minutes * 60_000).filter(isFinite);
  return ends.length ? Math.max(...ends) : null;
}

function DayHead({ day, all, next }: { day: string; all: Visit[]; next: Visit | null }) {
  void halfMinute.value;
  const cycle = profile.value?.cycle;
  const done = all.filter((v) => v.state === "closed").length;
  const total = all.filter((v) => v.state !== "moved" && v.state !== "cancelled").length;
  const behind = minutesBehind(next);
  const end = dayEnd(all);
  return (
    <header class="day">
      <h1 class="cap">
        <a class="row" href={href("calendar")} aria-label={`${longDay(day)}, ${t("phone.calendar.title")}`}><Icon name="today" class="xs" />{longDay(day)}</a>
        {missed.value.length > 0 && <a class="row c-doubt" href={href("calendar")}>{t("phone.slipped.short", { n: missed.value.length })}</a>}
        {cycle && <span>{t("phone.today.cycle", { done: number(cycle.done), planned: number(cycle.planned) })} · {t(paceKey(cycle.pace))}</span>}
      </h1>
      {all.length > 0 && (
        <>
          <div class="nums">
            <div class="num"><b>{done}<em>/{total}</em></b><span>{t("phone.today.visits", { n: total })}</span></div>
            {behind !== null && Math.abs(behind) < 600 && (
              <Num value={`${behind > 0 ? "+" : behind < 0 ? "−" : ""}${Math.abs(behind)}`} unit={t("phone.unit.min_only")} label={t(behind >= 0 ? "phone.today.behind" : "phone.today.ahead")} />
            )}
            {end !== null && <Num value={time(end)} label={t("phone.today.ends")} />}
          </div>
          <Ribbon all={all} next={next} />
        </>
      )}
    </header>
  );
}

export function paceKey(pace: number): string {
  if (pace >= 1.05) return "phone.pace.ahead";
  return pace >= 0.95 ? "phone.pace.on" : "phone.pace.behind";
}

/** The day as a line: verdict marks, solid track, the numbered square now, dotted plan with rings. */
function Ribbon({ all, next }: { all: Visit[]; next: Visit | null }) {
  const shown = all.filter((v) => v.state !== "moved" && v.state !== "cancelled");
  const ordered = [...shown.filter((v) => OVER.has(v.state)), ...shown.filter((v) => !OVER.has(v.state))];
  const at = next ? ordered.indexOf(next) : ordered.filter((v) => OVER.has(v.state)).length - 1;
  const share = ordered.length > 1 ? Math.max(0, at) / (ordered.length - 1) : 0;
  if (ordered.length > 20) return null;
  return (
    <div class="ribbon" style={{ "--at": share.toFixed(3) }} aria-hidden="true">
      {ordered.map((v, i) => (
        <span>{v === next ? <b class="now">{i + 1}</b> : OVER.has(v.state) ? <VerdictMark visit={v} class="s" /> : <i class="todo" />}</span>
      ))}
    </div>
  );
}

function DoneList({ done }: { done: Visit[] }) {
  const doubtful = done.filter((v) => v.verdict === "doubtful" || v.verdict === "contradicted").length;
  const unsent = done.filter((v) => v.unsent).length;
  const sub = unsent ? t("phone.today.unsent", { n: unsent }) : doubtful ? t("phone.today.doubtful", { n: doubtful }) : "";
  return (
    <details class="card flat">
      <summary>
        <Icon name="tick" class="s c-acc" />{t("phone.today.done", { n: done.length })}
        {sub && <span class="muted small" style="font-weight:400">· {sub}</span>}
        <Icon name="down" class="s chev" />
      </summary>
      {done.map((v) => <DoneRow visit={v} />)}
    </details>
  );
}

function DoneRow({ visit }: { visit: Visit }) {
  const client = clientOf(visit);
  const parts = [placeNameOf(visit), doneWord(visit)].filter(Boolean);
  return (
    <a class={`vr done ${visit.state}`} href={href("visit", visit.id)}>
      <VerdictMark visit={visit} />
      <div class="t"><p>{client?.name ?? "…"}</p><p>{parts.join(" · ")}</p></div>
      <div class="tm">{visit.checked_in_at_ms ? time(visit.checked_in_at_ms) : ""}</div>
    </a>
  );
}

function doneWord(v: Visit): string {
  if (v.state === "moved") return v.moved_to_day ? t("phone.visit.moved_to", { day: longDay(v.moved_to_day) }) : t("phone.state.moved");
  if (v.state !== "closed") return t(`phone.state.${v.state}`);
  const lasted = v.closed_at_ms && v.checked_in_at_ms ? span(v.closed_at_ms - v.checked_in_at_ms) : "";
  return [lasted, v.unsent ? t("phone.visit.on_this_phone") : v.verdict === "doubtful" ? t("phone.verdict.doubtful") : ""].filter(Boolean).join(" · ");
}

/** The visits left, with the break before the stop that the plan puts it before. */
function withBreak(rest: Visit[]) {
  return rest.flatMap((v) => [...(v.pause_min > 0 ? [<BreakRow before={v} />] : []), <VisitRow visit={v} />]);
}

function BreakRow({ before: v }: { before: Visit }) {
  const arrives = arrivalAt(v);
  if (arrives === null) return null;
  const ends = arrives - (v.travel_s ?? 0) * 1000;
  const words = { from: time(ends - v.pause_min * 60_000), to: time(ends) };
  return <div class="vr gap"><Icon name="cup" class="s" />{t("phone.today.break", words)}</div>;
}

export function VisitRow({ visit }: { visit: Visit }) {
  const client = clientOf(visit);
  const at = arrivalAt(visit);
  const late = at && visit.planned_at_ms ? Math.round((at - visit.planned_at_ms) / 60_000) : 0;
  const miss = missText(visit);
  return (
    <a class="vr" href={href("visit", visit.id)}>
      <span class="no">{visit.position || "+"}</span>
      <div class="t"><p>{client?.name ?? "…"}</p><p>{[!miss && at && hoursText(hoursThen(visit, at)), visitLine(visit, client)].filter(Boolean).join(" · ")}</p><Missed text={miss} /></div>
      <div class="tm">
        {at ? time(at) : ""}
        <small>
          {visit.is_locked && <><Icon name="lock" class="xs" /><span class="vh">{t("phone.order.fixed")}</span></>}
          {!miss && late >= LATE_MIN && <em class="late">+{late}</em>}
          {visit.travel_s !== null && <><Icon name={MODE_ICON[visit.travel_mode ?? "foot"] ?? "walk"} class="xs" />{t("phone.unit.min", { n: Math.max(1, Math.round(visit.travel_s / 60)) })}</>}
        </small>
      </div>
    </a>
  );
}

/** That the expected time misses the hours of the place, or the time that was fixed. */
export function Missed({ text }: { text: string }) {
  return text ? <p class="warned"><Icon name="warn" class="xs" />{text}</p> : null;
}

function NextSheet({ visit, all }: { visit: Visit; all: Visit[] }) {
  const client = clientOf(visit);
  const counted = all.filter((v) => v.state !== "moved" && v.state !== "cancelled");
  const n = counted.filter((v) => OVER.has(v.state)).length + 1;
  const isRunning = visit.state === "under_way";
  const promise = client?.promises.find((p) => !p.done_at_ms && !promisesDone.value.has(p.id));
  return (
    <section class="sheet next" aria-label={t("phone.next.label")}>
      <div class="eyebrow">
        {isRunning ? t("phone.next.under_way") : t("phone.next.of", { i: n, n: counted.length })}
        {visit.planned_at_ms && !isRunning && <span class="r">{plannedText(visit)}</span>}
        {isRunning && visit.checked_in_at_ms && <span class="r">{t("phone.visit.since", { time: time(visit.checked_in_at_ms) })}</span>}
      </div>
      <a class="row" href={href("visit", visit.id)}>
        <h2 class="grow ell big-name">{client?.name ?? "…"}</h2>
        {client?.category && <span class={`tag ${client.category === "A" ? "a" : "line"}`}>{client.category}</span>}
      </a>
      <p class="sub ell">{[clientLine(client).replace(/ · [ABC]$/, ""), placeNameOf(visit)].filter(Boolean).join(" · ")}</p>
      {isRunning ? <div style="height:12px" /> : <Tri visit={visit} />}
      <Missed text={missText(visit)} />
      {promise && <div class="promise"><Icon name="flag" class="s c-visit" /><span class="ell">{t("phone.next.promised", { text: promise.text })}</span></div>}
      {!promise && visit.objective && <div class="promise"><Icon name="aim" class="s c-visit" /><span class="ell">{visit.objective}</span></div>}
      <div class="btns">
        {isRunning ? <Btn class="huge p" icon="square" onClick={() => go("visit", visit.id)}>{t("phone.next.go_on")}</Btn> : (
          <>
            <Btn class="big c1" icon="route" onClick={() => navigateTo(visit)}>{t("phone.next.navigate")}</Btn>
            <LinkBtn class="big p c2" icon="pin" to={href("check-in", visit.id)}>{t("phone.next.check_in")}</LinkBtn>
          </>
        )}
      </div>
    </section>
  );
}

function Tri({ visit }: { visit: Visit }) {
  const at = arrivalAt(visit);
  const [value, unit] = minutesParts(visit.travel_s ?? 0);
  const hours = openUntil(visit);
  if (visit.travel_s === null && !at && !hours) return <div style="height:10px" />;
  return (
    <div class="tri">
      {visit.travel_s !== null && <Num value={value} unit={unit} label={[t(`phone.mode.${visit.travel_mode ?? "foot"}`), visit.travel_m ? distance(visit.travel_m) : ""].filter(Boolean).join(" · ")} />}
      {at && <Num value={time(at)} label={t("phone.next.arrival")} />}
      {hours && <Num value={hours[0]} label={hours[1]} />}
    </div>
  );
}

/** When it is planned for, or fixed. */
export function plannedText({ planned_at_ms, is_locked }: Visit): string {
  return t(is_locked ? "phone.window.fixed" : "phone.next.planned", { time: time(planned_at_ms!) });
}

/** Until when the place is open today, as figure and label. */
export function openUntil(visit: Visit): [string, string] | null {
  const found = openNow(visit);
  if (!found) return null;
  if (found.state === "open") return [found.until, t("phone.hours.open_until")];
  if (found.state === "opens") return [found.at, t("phone.hours.opens")];
  return ["–", t("phone.hours.closed")];
}

function Empty({ day }: { day: string }) {
  const [later] = useState(() => nextAfter(day));
  const client = later && clientOf(later);
  return (
    <>
      <main tabIndex={0} class="flush" style="display:flex;flex-direction:column">
        <Hints />
        <section class="empty">
          <svg class="art" viewBox="0 0 132 112" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" aria-hidden="true">
            <path d="M14 84c16-2 18-26 36-26s16 22 34 22 14-34 34-36" stroke="var(--plan-line)" stroke-dasharray=".1 7" stroke-width="3.5" />
            <circle cx="14" cy="84" r="7" fill="var(--accent)" stroke="none" />
            <path d="M104 44s-11-10-11-19a11 11 0 0 1 22 0c0 9-11 19-11 19z" /><circle cx="104" cy="25" r="4" />
          </svg>
          <h2 class="big-name">{t(day === today.value ? "phone.today.none" : "phone.today.none_that_day")}</h2>
          {later && <p>{t("phone.today.next_is", { day: longDay(later.day), time: later.planned_at_ms ? time(later.planned_at_ms) : "", name: client?.name ?? "" })}</p>}
        </section>
      </main>
      <footer class="dock">
        <div class="btns">
          <LinkBtn class="big q c1" icon="clients" to={href("clients")}>{t("phone.today.see_clients")}</LinkBtn>
          {day === today.value
            ? <LinkBtn class="big p c2" icon="plus" to={href("new-visit")}>{t("phone.today.unplanned")}</LinkBtn>
            : <LinkBtn class="big p c2" icon="today" to={href("today")}>{t("phone.today.back_to_today")}</LinkBtn>}
        </div>
      </footer>
    </>
  );
}

function nextAfter(day: string): Visit | null {
  for (let i = 1; i <= 14; i++) {
    const found = visitsOf(addDays(day, i)).find((v) => v.state === "planned");
    if (found) return found;
  }
  return null;
}

