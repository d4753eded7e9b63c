/** The fortnight: how many visits each day has, and how often each client is still to be seen this cycle. */
import { useState } from "preact/hooks";
import type { Visit } from "../docs";
import { isOnline } from "../door";
import { addDays, chipDay, longDay, number, t, time } from "../i18n";
import { LinkBtn, Top, Truth, VerdictMark, visitLine } from "../parts";
import { href } from "../router";
import { clientOf, clients, profile, promisesDone, today, visits, visitsOf } from "../store";
import { latePromises, missedVisits } from "../slipped";
import { Icon } from "../icons";
import { paceKey } from "./today";

const DAYS = 14;

export function Calendar() {
  const [day, setDay] = useState(today.value);
  const days = Array.from({ length: DAYS }, (_, i) => addDays(today.value, i));
  const cycle = profile.value?.cycle;
  const shown = counted(day);
  return (
    <>
      <Top title={t("phone.calendar.title")} sub={cycle ? `${t("phone.today.cycle", { done: number(cycle.done), planned: number(cycle.planned) })} · ${t(paceKey(cycle.pace))}` : undefined} />
      <Truth thin />
      <main tabIndex={0}>
        <div class="cal" role="group" aria-label={t("phone.calendar.title")}>
          {days.map((d) => <Day day={d} on={d === day} pick={() => setDay(d)} />)}
        </div>
        <h2 class="sec">{longDay(day)} <span class="r">{t("phone.calendar.visits", { n: shown.length })}</span></h2>
        {shown.length > 0 && <section class="card">{shown.map((v) => <Row visit={v} />)}</section>}
        {shown.length === 0 && <p class="note">{t("phone.today.none_that_day")}</p>}
        {cycle && <Propose />}
        <Slipped />
      </main>
      <footer class="dock"><div class="btns"><LinkBtn class="big p" icon="today" to={href("today", day)}>{t("phone.calendar.open")}</LinkBtn></div></footer>
    </>
  );
}

/** The way to the rep's own cycle, where he proposes to move visits: a page of the desk, so with a network alone. */
function Propose() {
  const words = <><Icon name="today" /><div class="t"><p>{t("phone.calendar.propose")}</p><p>{t(isOnline.value ? "phone.calendar.at_desk" : "phone.calendar.offline")}</p></div></>;
  return (
    <section class="card" id="propose" style="margin-top:12px"><div class="list">
      {isOnline.value ? <a href="/my-cycle" target="_blank" rel="noopener">{words}<Icon name="next" class="s" /></a> : <div class="muted">{words}</div>}
    </div></section>
  );
}

const SHOWN = 20;

/** Missed and never made up for; promised and past its day: each with the way to put it right. */
function Slipped() {
  const missed = missedVisits(visits.value.values());
  const late = latePromises(clients.value.values(), today.value, promisesDone.value);
  if (missed.length + late.length === 0) return null;
  return (
    <>
      <h2 class="sec" id="slipped"><Icon name="warn" class="s c-doubt" />{t("phone.slipped.title", { n: missed.length + late.length })}</h2>
      <section class="card"><div class="list">
        {missed.slice(0, SHOWN).map((v) => (
          <a href={href("new-visit", v.client_id)}><Icon name="again" class="c-doubt" /><div class="t"><p>{clientOf(v)?.name ?? "…"}</p><p>{t("phone.slipped.missed", { day: longDay(v.day) })}</p></div><span class="small strong">{t("phone.slipped.plan")}</span></a>
        ))}
        {late.slice(0, SHOWN).map((p) => (
          <a href={href("client", p.client.id)}><Icon name="flag" class="c-doubt" /><div class="t"><p>{p.text}</p><p>{[p.client.name, t("phone.client.due", { day: longDay(p.due_on) })].join(" · ")}</p></div><Icon name="next" class="s" /></a>
        ))}
      </div></section>
    </>
  );
}

function counted(day: string): Visit[] {
  return visitsOf(day).filter((v) => v.state !== "moved" && v.state !== "cancelled");
}

function Day({ day, on, pick }: { day: string; on: boolean; pick: () => void }) {
  const all = counted(day);
  const done = all.filter((v) => v.state === "closed").length;
  const [weekday, date] = chipDay(day);
  return (
    <button type="button" class={`cd ${all.length ? "" : "none"}`} aria-pressed={on} onClick={pick}>
      <span class="vh">{longDay(day)}: {t("phone.calendar.visits", { n: all.length })}</span>
      <i aria-hidden="true">{weekday}</i><b aria-hidden="true">{all.length || "–"}</b><i aria-hidden="true">{done > 0 ? `${done}/${all.length}` : date.replace(/\s.*/, "")}</i>
    </button>
  );
}

/** A visit with what is left of its client's frequency in this cycle. */
function Row({ visit }: { visit: Visit }) {
  const client = clientOf(visit);
  const c = client?.cycle;
  return (
    <a class="vr" href={href("visit", visit.id)}>
      {visit.state === "planned" ? <span class="no">{visit.position || "+"}</span> : <VerdictMark visit={visit} />}
      <div class="t"><p>{client?.name ?? "…"}</p><p>{visitLine(visit, client)}</p></div>
      <div class="tm">{visit.planned_at_ms ? time(visit.planned_at_ms) : ""}
        {c && <small>{t("phone.calendar.left", { n: c.remaining, of: number(c.planned) })}</small>}
      </div>
    </a>
  );
}
