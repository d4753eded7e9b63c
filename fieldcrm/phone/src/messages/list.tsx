/** What the office asks: tasks and reminders, by time and by place, with the rep's answers. */
import { useEffect, useState } from "preact/hooks";
import { dayOf, longDay, t, time } from "../i18n";
import { Icon } from "../icons";
import { Btn, LinkBtn, Top, Truth } from "../parts";
import { here } from "../positions";
import { href } from "../router";
import { halfMinute, now, today } from "../store";
import { isAt, isWaiting, type Message } from "./rules";
import { turnOff, turnOn, waking } from "./wake";
import { answer, messages, reminded, sawAll } from "./watch";

export function Tasks() {
  const all = messages.value;
  const open = all.filter(isWaiting);
  const over = all.filter((m) => !isWaiting(m) && m.kind !== "plan");
  useEffect(() => {
    void sawAll(open);
    reminded.value = null;
  }, [all]);
  return (
    <>
      <Top title={t("phone.tasks.title")} />
      <Truth thin />
      <main tabIndex={0}>
        {open.map((m) => <Card m={m} key={m.id} />)}
        {open.length === 0 && <section class="card pad"><h2 class="big-name">{t("phone.tasks.none")}</h2><p class="small muted" style="margin-top:4px">{t("phone.tasks.none_text")}</p></section>}
        <Wake />
        {over.length > 0 && <h2 class="sec">{t("phone.tasks.earlier")}</h2>}
        {over.length > 0 && <section class="card"><div class="list">{over.map((m) => <Over m={m} key={m.id} />)}</div></section>}
      </main>
    </>
  );
}

function Card({ m }: { m: Message }) {
  const [isDeclining, setDeclining] = useState(false);
  return (
    <article class="card pad" style="margin-bottom:10px">
      <p class="small muted row"><Icon name={m.kind === "task" ? "flag" : m.kind === "plan" ? "order" : "bell"} class="s" />{headOf(m)}{m.unsent && <Icon name="cloudWait" class="s" />}</p>
      <p style="margin:6px 0;white-space:pre-wrap;overflow-wrap:anywhere;font-weight:600">{m.kind === "plan" ? t("phone.push.plan") : m.text}</p>
      <When m={m} />
      <Where m={m} />
      {m.accepted_at_ms !== null && <p class="small row c-acc" style="margin-top:6px"><Icon name="tick" class="s" />{t("phone.tasks.is_accepted")} {time(m.accepted_at_ms)}</p>}
      {isDeclining ? <Decline m={m} onBack={() => setDeclining(false)} /> : <Answers m={m} onDecline={() => setDeclining(true)} />}
    </article>
  );
}

function headOf(m: Message): string {
  const what = m.kind === "plan" ? longDay(m.day ?? today.value) : t(`phone.tasks.${m.kind}`);
  return [what, m.by ? t("phone.tasks.from", { name: m.by }) : "", moment(m.created_at_ms)].filter(Boolean).join(" · ");
}

/** The time, with its day where that isn't today. */
function moment(ms: number): string {
  return dayOf(ms) === today.value ? time(ms) : `${longDay(dayOf(ms))} ${time(ms)}`;
}

function When({ m }: { m: Message }) {
  void halfMinute.value;
  if (m.due_at_ms === null) return null;
  const isOver = m.due_at_ms < now();
  return <p class="small row" style="margin-top:4px"><Icon name="hour" class={`s ${isOver ? "c-doubt" : ""}`} />{t(isOver ? "phone.tasks.over" : "phone.tasks.due", { time: moment(m.due_at_ms) })}</p>;
}

function Where({ m }: { m: Message }) {
  if (m.lat === null) return null;
  const place = m.place ?? t("phone.tasks.point");
  const isHere = isAt(m, here.value);
  return (
    <p class="small row" style="margin-top:4px"><Icon name="pin" class={`s ${isHere ? "c-acc" : ""}`} />
      <span class="grow">{m.client_id ? <a href={href("client", m.client_id)}>{t("phone.tasks.near", { place })}</a> : t("phone.tasks.near", { place })}</span>
      {isHere && <span class="tag ok">{t("phone.tasks.here")}</span>}
    </p>
  );
}

function Answers({ m, onDecline }: { m: Message; onDecline: () => void }) {
  if (m.kind !== "task") {
    const said = m.kind === "plan" ? "accepted" : "done";
    return <div class="btns" style="margin-top:10px">
      {m.kind === "plan" && <LinkBtn class="big q c1" to={href("today", m.day ?? today.value)}>{t("phone.push.look")}</LinkBtn>}
      <Btn class="big p c1" icon="tick" onClick={() => void answer(m, said)}>{t("phone.tasks.got")}</Btn>
    </div>;
  }
  return (
    <div class="btns" style="margin-top:10px">
      <Btn class="big q c1" onClick={onDecline}>{t("phone.tasks.decline")}</Btn>
      {m.accepted_at_ms === null
        ? <Btn class="big p c1" icon="tick" onClick={() => void answer(m, "accepted")}>{t("phone.tasks.accept")}</Btn>
        : <Btn class="big p c1" icon="tick" onClick={() => void answer(m, "done")}>{t("phone.tasks.done")}</Btn>}
    </div>
  );
}

function Decline({ m, onBack }: { m: Message; onBack: () => void }) {
  const [why, setWhy] = useState("");
  return (
    <form style="margin-top:10px" onSubmit={(e) => { e.preventDefault(); void answer(m, "declined", why); }}>
      <label class="small" for={`why-${m.id}`}>{t("phone.tasks.why")}</label>
      <textarea id={`why-${m.id}`} class="ta" rows={2} maxLength={1000} value={why} onInput={(e) => setWhy(e.currentTarget.value)} />
      <div class="btns" style="margin-top:8px">
        <Btn class="big q c1" onClick={onBack}>{t("phone.back")}</Btn>
        <button class="btn big p c1" type="submit" disabled={!why.trim()}>{t("phone.tasks.send")}</button>
      </div>
    </form>
  );
}

function Over({ m }: { m: Message }) {
  const isDone = m.done_at_ms !== null;
  const at = m.done_at_ms ?? m.declined_at_ms ?? 0;
  return <div><Icon name={isDone ? "tick" : "cross"} class={isDone ? "c-acc" : "c-doubt"} /><div class="t"><p>{m.text}</p><p>{t(isDone ? "phone.tasks.is_done" : "phone.tasks.is_declined")} · {moment(at)}</p></div></div>;
}

/** Whether this phone tells of news while the app is closed. */
function Wake() {
  const [failed, setFailed] = useState(false);
  const how = waking.value;
  if (how === "unsupported") return null;
  const on = async () => setFailed(!(await turnOn()));
  return (
    <section class="card pad">
      <div class="row"><Icon name="bell" class={how === "on" ? "c-acc" : ""} /><b class="grow">{t("phone.tasks.wake")}</b>
        {how === "off" && <Btn class="fit" onClick={() => void on()}>{t("phone.tasks.wake_do")}</Btn>}
        {how === "on" && <button class="ib" type="button" role="switch" aria-checked="true" aria-label={t("phone.tasks.wake")} onClick={() => void turnOff()}><span class="sw on" /></button>}
      </div>
      <p class="small muted" style="margin-top:6px" role="status">{t(failed ? "phone.tasks.wake_failed" : how === "off" ? "phone.tasks.wake_text" : `phone.tasks.wake_${how}`)}</p>
    </section>
  );
}

/** Above every screen: what is due now, or asked of the place where one stands. */
export function Reminder() {
  const m = reminded.value;
  if (!m) return null;
  return (
    <div class="note warn" role="alert" style="position:fixed;left:12px;right:12px;top:calc(12px + env(safe-area-inset-top));z-index:40;box-shadow:var(--shadow-2, 0 4px 18px #0004)">
      <Icon name="bell" />
      <div class="grow"><b>{t(`phone.push.${m.kind}`)}{isAt(m, here.value) ? ` · ${t("phone.tasks.here")}` : ""}</b><p style="overflow-wrap:anywhere">{m.text}</p>
        <div class="btns" style="margin-top:8px">
          <Btn class="c1" onClick={() => { reminded.value = null; }}>{t("phone.tasks.got")}</Btn>
          <a class="btn c1" href={href("tasks")}><span>{t("phone.tasks.title")}</span></a>
        </div>
      </div>
    </div>
  );
}
