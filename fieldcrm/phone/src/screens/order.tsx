/** The day's order by hand, with the times it leads to; and asking the office for a better one. */
import { useRef, useState } from "preact/hooks";
import { act } from "../actions";
import { afterAction, storing } from "../app";
import type { Visit } from "../docs";
import { isOnline } from "../door";
import { longDay, t, time } from "../i18n";
import { Icon } from "../icons";
import { planned, putInOrder } from "../order";
import { Btn, Top, Truth, visitLine } from "../parts";
import { fromHere, turn } from "../router";
import { clientOf, db, entries, me, now, profile, today, visits } from "../store";
import { missText } from "../windows";

export function OrderDay({ day }: { day: string }) {
  const all = [...visits.value.values()].filter((v) => v.day === day);
  const standing = planned(all).map((v) => v.id);
  const [wanted, setWanted] = useState<string[]>(standing);
  const [said, setSaid] = useState("");
  const list = useRef<HTMLOListElement>(null);
  const order = [...wanted.filter((id) => standing.includes(id)), ...standing.filter((id) => !wanted.includes(id))];
  const isChanged = order.join() !== standing.join();
  const shown = planned(putInOrder(all, order, profile.value ?? undefined, now(), day === today.value));
  const move = (from: number, to: number) => {
    if (to < 0 || to >= order.length || from === to) return;
    const next = [...order];
    next.splice(to, 0, ...next.splice(from, 1));
    setWanted(next);
    const name = clientOf(shown[from]!)?.name ?? "";
    setSaid(t("phone.order.now_at", { name, i: to + 1, n: order.length }));
  };
  const save = async () => {
    const leave = fromHere();
    if (!isChanged) return;
    const subject = { id: me.value!.user.id, version: null, title: longDay(day) };
    if (!(await storing(() => act(db, "day.order", subject, { day, visit_ids: order })))) return;
    await afterAction(30);
    leave(() => turn("today", day));
  };
  return (
    <>
      <Top title={t("phone.order.title")} sub={longDay(day)} />
      <Truth thin />
      <main tabIndex={0}>
        <p class="small muted" style="margin:0 4px 10px">{t("phone.order.how")}</p>
        <ol class="card order" ref={list}>
          {shown.map((v, i) => <Row key={v.id} visit={v} i={i} n={shown.length} list={list} move={move} />)}
        </ol>
        <p class="vh" role="status">{said}</p>
        <Replan day={day} />
      </main>
      <footer class="dock"><div class="btns">
        <Btn class="big q c1" disabled={!isChanged} onClick={() => setWanted(standing)}>{t("phone.order.undo")}</Btn>
        <Btn class={`big c2 ${isChanged ? "p" : "wait"}`} onClick={() => void save()}>{t("phone.order.save")}</Btn>
      </div></footer>
    </>
  );
}

interface RowProps {
  visit: Visit;
  i: number;
  n: number;
  list: { current: HTMLOListElement | null };
  move: (from: number, to: number) => void;
}

function Row({ visit, i, n, list, move }: RowProps) {
  const client = clientOf(visit);
  const at = visit.expected_at_ms ?? visit.planned_at_ms;
  const name = client?.name ?? "…";
  const warning = missText(visit);
  return (
    <li class={`vr ${warning ? "bad" : ""}`}>
      <Handle i={i} list={list} move={move} />
      <div class="t"><p>{name}</p><p>{visitLine(visit, client)}</p>
        {warning && <p class="warned"><Icon name="warn" class="xs" />{warning}</p>}
      </div>
      <div class="tm">{at ? time(at) : ""}{visit.is_locked && <small><Icon name="lock" class="xs" />{t("phone.order.fixed")}</small>}</div>
      <button type="button" class="ib" disabled={i === 0} aria-label={t("phone.order.earlier", { name })} onClick={() => move(i, i - 1)}><Icon name="down" class="turned" /></button>
      <button type="button" class="ib" disabled={i === n - 1} aria-label={t("phone.order.later", { name })} onClick={() => move(i, i + 1)}><Icon name="down" /></button>
    </li>
  );
}

/** Dragging with the finger: the row goes where the finger is; buttons do the same for who can't drag. */
function Handle({ i, list, move }: Pick<RowProps, "i" | "list" | "move">) {
  const at = useRef(i);
  at.current = i;
  const held = useRef(false);
  const drag = (event: PointerEvent) => {
    if (!held.current) return;
    const rows = [...(list.current?.children ?? [])];
    const to = rows.findIndex((row) => event.clientY < row.getBoundingClientRect().bottom);
    move(at.current, to < 0 ? rows.length - 1 : to);
  };
  return (
    <span
      class="no grip" aria-hidden="true"
      onPointerDown={(e) => { held.current = true; e.currentTarget.setPointerCapture(e.pointerId); navigator.vibrate?.(10); }}
      onPointerMove={drag} onPointerUp={() => { held.current = false; }} onPointerCancel={() => { held.current = false; }}
    >{i + 1}</span>
  );
}

/** The wish for a re-plan waits on the phone while there is no network. */
function Replan({ day }: { day: string }) {
  const [text, setText] = useState("");
  const asked = entries.value.filter((e) => e.kind === "day.replan" && e.payload.day === day && !e.dismissed).pop();
  const ask = async () => {
    const subject = { id: me.value!.user.id, version: null, title: longDay(day) };
    if (!(await storing(() => act(db, "day.replan", subject, { day, comment: text.trim() || null })))) return;
    setText("");
    await afterAction(30);
  };
  return (
    <>
      <h2 class="sec">{t("phone.replan.title")}</h2>
      <section class="card pad">
        {asked && asked.status !== "refused" && (
          <p class="note" role="status" style="margin-bottom:10px"><Icon name={asked.status === "applied" ? "tick" : "hour"} />
            {t(asked.status === "applied" ? "phone.replan.asked" : isOnline.value ? "phone.replan.goes" : "phone.replan.waits", { time: time(asked.device_at_ms + asked.offset_ms) })}
          </p>
        )}
        <label class="fld"><span>{t("phone.replan.why")}</span><input class="inp" maxLength={300} value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
        <div class="btns" style="margin-top:10px"><Btn class="soft" icon="route" onClick={() => void ask()}>{t(asked ? "phone.replan.again" : "phone.replan.ask")}</Btn></div>
      </section>
    </>
  );
}
