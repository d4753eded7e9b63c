/** The shift: when tracking runs, what the boss sees now, which trackers are paired. */
import { useEffect, useState } from "preact/hooks";
import { act } from "../actions";
import { afterAction, hasUnsent, storing } from "../app";
import { longDay, span, t, time, dayOf } from "../i18n";
import { Icon, type IconName } from "../icons";
import { newId } from "../ids";
import { MapBox } from "../mapbox";
import { Btn, Tabs, TabTop, trackCell, Truth } from "../parts";
import { batteryPercent, here, permission, sendStatus, watchPosition } from "../positions";
import { go, href } from "../router";
import { clients, clientOf, db, hasAllClients, isPaused, me, offsetMs, profile, second, shift, shifts, syncedAt, today, underWay, visitsOf } from "../store";

/** Start the shift: from here on this phone's position is kept and sent. */
export async function startShift(): Promise<void> {
  watchPosition();
  const open = shift.value;
  if (open && isPaused.value) await press("shift.resume", open.id);
  else if (!open) await press("shift.start", newId());
}

type Press = "shift.start" | "shift.end" | "shift.resume";

async function press(kind: Press, id: string): Promise<void> {
  await storing(() => act(db, kind, { id, version: null, title: "" }, {}));
  await afterAction(30);
  sendStatus();
}

async function pause(kind: "lunch" | "time_off"): Promise<void> {
  const id = shift.value?.id;
  if (!id) return;
  await storing(() => act(db, "shift.pause", { id, version: null, title: "" }, { kind }));
  await afterAction(30);
  sendStatus();
}

export function ShiftScreen() {
  return (
    <>
      <TabTop title={t("phone.tab.shift")} sub={longDay(today.value)} />
      <Truth thin />
      {shift.value ? <OnShift /> : <OffShift />}
      <Tabs />
    </>
  );
}

function OffShift() {
  const visits = visitsOf(today.value).filter((v) => v.state === "planned");
  const first = visits[0];
  const ended = shifts.value.filter((s) => s.ended_at_ms && dayOf(s.started_at_ms) === today.value).pop();
  const level = batteryPercent();
  return (
    <>
      <main tabIndex={0}>
        <section class="card pad"><div class="row" style="gap:14px"><Icon name="ring" class="xl c-pause" /><div><h2 class="big-name">{t("phone.shift.nothing")}</h2><p class="small muted" style="margin-top:2px">{t("phone.shift.nothing_text")}</p></div></div></section>
        {ended && <p class="note ok" style="margin-top:10px"><Icon name="tick" />{t("phone.shift.ended", { from: time(ended.started_at_ms), to: time(ended.ended_at_ms!) })}</p>}
        <h2 class="sec">{t("phone.shift.ready")}</h2>
        <section class="card"><div class="list">
          <Check ok={visits.length > 0} text={t("phone.shift.visits", { n: visits.length })} sub={first ? [first.planned_at_ms ? time(first.planned_at_ms) : "", clientOf(first)?.name ?? ""].filter(Boolean).join(" · ") : ""} />
          <PositionCheck />
          <Check ok={hasAllClients.value} text={t("phone.shift.clients", { n: clients.value.size })} sub={syncedAt.value ? t("phone.shift.from", { time: time(syncedAt.value + offsetMs.value) }) : ""} />
          {level !== null && <Check ok={level >= 40} text={t("phone.shift.battery", { n: level })} sub={t("phone.shift.battery_day")} />}
        </div></section>
        <Trackers />
      </main>
      <footer class="dock">
        {hasUnsent() && <p class="small muted" style="margin-bottom:8px">{t("phone.shift.unsent")}</p>}
        <div class="btns"><Btn class="huge p" icon="play" onClick={() => void startShift()}>{t("phone.shift.start")}</Btn></div>
      </footer>
    </>
  );
}

function Check({ ok, text, sub, children }: { ok: boolean; text: string; sub: string; children?: preact.ComponentChildren }) {
  return <div><Icon name={ok ? "tick" : "warn"} class={ok ? "c-acc" : "c-doubt"} /><div class="t"><p>{text}</p>{sub && <p>{sub}</p>}</div>{children}</div>;
}

function PositionCheck() {
  const p = permission.value;
  if (p === "granted") return <Check ok text={t("phone.shift.position_ok")} sub={here.value ? t("phone.shift.accuracy", { n: Math.round(here.value.accuracy_m ?? 0) }) : ""} />;
  const sub = t(p === "prompt" ? "phone.shift.position_ask" : "phone.track.denied_sub");
  return <Check ok={false} text={t("phone.shift.position_no")} sub={sub}>{p === "prompt" && <Btn class="fit" onClick={watchPosition}>{t("phone.shift.allow")}</Btn>}</Check>;
}

function OnShift() {
  const s = shift.value!;
  useEffect(() => {
    if (permission.value === "granted") watchPosition();
  }, []);
  const nowMs = second.value + offsetMs.value;
  const minutes = Math.max(0, Math.floor((nowMs - s.started_at_ms) / 60_000));
  return (
    <>
      <main tabIndex={0}>
        <section class="card pad">
          <h2 class="clock">{Math.floor(minutes / 60)}:{String(minutes % 60).padStart(2, "0")}<small>{t("phone.shift.since", { time: time(s.started_at_ms) })}</small></h2>
          <Band nowMs={nowMs} />
        </section>
        <h2 class="sec"><Icon name="eye" class="s" />{t("phone.shift.boss_sees")}</h2>
        <BossSees />
        <Trackers />
      </main>
      <footer class="dock"><div class="btns">
        {isPaused.value ? <Btn class="big p" icon="play" onClick={() => void startShift()}>{t("phone.shift.resume")}</Btn> : (
          <><Btn class="big c1" icon="cup" onClick={() => void pause("lunch")}>{t("phone.shift.break")}</Btn>
            <Btn class="big c1" icon="home" onClick={() => void pause("time_off")}>{t("phone.shift.time_off")}</Btn></>
        )}
      </div>
      <EndShift /></footer>
    </>
  );
}

/** Ending is asked twice: from then on nothing is tracked, and it can't be taken back. */
function EndShift() {
  const [isAsked, setAsked] = useState(false);
  if (!isAsked) return <div class="btns" style="margin-top:10px"><Btn class="big q" icon="square" onClick={() => setAsked(true)}>{t("phone.shift.end")}</Btn></div>;
  return (
    <div role="group" aria-label={t("phone.shift.end_sure")}>
      <p style="margin:10px 4px">{t("phone.shift.end_sure")}</p>
      <div class="btns">
        <Btn class="big c1" onClick={() => setAsked(false)}>{t("phone.shift.go_on")}</Btn>
        <Btn class="big p c1" icon="square" onClick={() => void endShift()}>{t("phone.shift.end_now")}</Btn>
      </div>
    </div>
  );
}

async function endShift(): Promise<void> {
  if (underWay.value) return go("visit", underWay.value.id);
  await press("shift.end", shift.value!.id);
  go("receipt");
}

/** The shift as a band: worked, and paused. */
function Band({ nowMs }: { nowMs: number }) {
  const s = shift.value!;
  const end = Math.max(nowMs, s.started_at_ms + 60_000);
  const parts: ["on" | "b", number][] = [];
  let at = s.started_at_ms;
  for (const p of s.pauses) {
    parts.push(["on", Math.max(0, p.from_ms - at)], ["b", Math.max(0, (p.to_ms ?? end) - p.from_ms)]);
    at = p.to_ms ?? end;
  }
  parts.push(["on", Math.max(0, end - at)]);
  const paused = parts.filter(([k]) => k === "b").reduce((sum, [, ms]) => sum + ms, 0);
  return (
    <>
      <div class="band" style="margin-top:14px" role="img" aria-label={t("phone.shift.band", { from: time(s.started_at_ms), to: time(end) })}>
        {parts.filter(([, ms]) => ms > 0).map(([kind, ms]) => <i class={kind === "b" ? "b" : ""} style={{ flex: ms / 60_000 }} />)}
      </div>
      <div class="axis"><span>{time(s.started_at_ms)}</span>{paused > 0 && <span>{t("phone.shift.paused", { span: span(paused) })}</span>}<span>{time(end)}</span></div>
    </>
  );
}

function BossSees() {
  const cell = trackCell();
  const at = here.value;
  const level = batteryPercent();
  const facts = at ? [t("phone.shift.ago", { span: span(second.value - at.fix_at_ms) }), `±${t("phone.unit.m", { n: Math.round(at.accuracy_m ?? 0) })}`].join(" · ") : cell.sub;
  return (
    <section class="card">
      {at && <div class="mini-map"><MapBox me={at} /></div>}
      <div class="list"><div><Icon name={cell.icon as IconName} class="c-acc" /><div class="t"><p>{me.value?.user.name} · {cell.title}</p><p>{facts}</p></div>{level !== null && <span class="row small nw"><Icon name="battery" class="s" />{level} %</span>}</div></div>
      <p class="small muted" style="padding:10px 14px;border-top:1px solid var(--line)">{t("phone.shift.who_sees", { team: profile.value?.team_name ?? "" })}</p>
    </section>
  );
}

function Trackers() {
  return (
    <section class="card" style="margin-top:10px"><div class="list">
      <a href={href("pair")}><Icon name="link" /><div class="t"><p>{t("phone.pair.title")}</p><p>{t("phone.pair.why")}</p></div><Icon name="next" class="s" /></a>
    </div></section>
  );
}

