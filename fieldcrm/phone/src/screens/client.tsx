/** A client's card: who it is, what was promised, what happened before, where else to find them. */
import { useState } from "preact/hooks";
import { act } from "../actions";
import { afterAction, storing } from "../app";
import type { Client } from "../docs";
import { Further } from "../further";
import { daysBetween, longDay, number, shortDay, t, time } from "../i18n";
import { Icon, type IconName } from "../icons";
import { Ava, Btn, clientLine, Num, Top, VerdictMark } from "../parts";
import { href } from "../router";
import { clients, db, promisesDone, today, visits } from "../store";
import { hoursOf, missText, openText } from "../windows";
import { mainPlace } from "../workplaces";
import { Missed } from "./today";
import { navigateToPoint } from "./navigate";
import { loyaltyWord, Why, Withdrawn } from "./standing";
import { NotHere } from "./visit";

export function ClientCard({ id }: { id: string }) {
  const client = clients.value.get(id);
  if (!client) return <NotHere />;
  return (
    <>
      <Top title={client.name} sub={[clientLine(client), mainPlace(client)?.name].filter(Boolean).join(" · ")} />
      <main tabIndex={0}>
        <Who client={client} />
        <Promises client={client} />
        <Note client={client} />
        <Further show={(m) => <m.CardParts client={client} />} />
        <History client={client} />
        <Further show={(m) => <m.CardEnd client={client} />} />
      </main>
      <Acts client={client} />
    </>
  );
}

function openVisitOf(client: Client) {
  return [...visits.value.values()]
    .filter((v) => v.client_id === client.id && (v.state === "planned" || v.state === "under_way") && v.day >= today.value)
    .sort((a, b) => a.day.localeCompare(b.day))[0];
}

function Who({ client }: { client: Client }) {
  const next = openVisitOf(client);
  const last = client.history[0];
  const cycle = client.cycle;
  const spans = hoursOf(next ?? { client_id: client.id, place_id: mainPlace(client)?.id ?? null, day: today.value });
  const ago = last ? daysBetween(last.day, today.value) : null;
  return (
    <section class="card">
      <div class="who"><Ava client={client} /><div class="grow">
        <div class="row wrap" style="gap:6px">
          {client.category && <span class={`tag ${client.category === "A" ? "a" : "line"}`}>{client.category}</span>}
          {client.loyalty && <span class="tag">{t("phone.client.loyalty", { value: loyaltyWord(client.loyalty) })}</span>}
          {cycle && <span class="tag line">{t("phone.client.per_cycle", { n: cycle.planned })}</span>}
        </div>
        <p class="small" style="margin-top:6px">{[client.address, client.city].filter(Boolean).join(", ")}
          {(spans || client.opening_hours) && <><br /><span class="muted">{spans ? [next && next.day !== today.value && shortDay(next.day), openText(spans)].filter(Boolean).join(" ") : client.opening_hours}</span></>}
        </p>
        <Why client={client} />
        <Withdrawn client={client} />
        {next && <Missed text={missText(next)} />}
        {client.phone && <p class="small">{client.phone}</p>}
      </div></div>
      <div class="freq">
        {cycle && <Num value={<>{number(cycle.actual)}<span class="of">/{number(cycle.planned)}</span></>} label={t("phone.client.this_cycle")} />}
        {ago !== null && <Num value={ago === 0 ? t("phone.client.today") : number(ago)} unit={ago === 0 ? undefined : t("phone.unit.days", { n: ago })} label={t(ago === 0 ? "phone.client.was" : "phone.client.ago")} />}
        {next && <Num value={next.day === today.value && next.planned_at_ms ? time(next.planned_at_ms) : shortDay(next.day)} label={t("phone.client.planned")} />}
      </div>
    </section>
  );
}

function Promises({ client }: { client: Client }) {
  const open = client.promises.filter((p) => !p.done_at_ms);
  if (open.length === 0) return null;
  const tick = async (id: string) => {
    if (promisesDone.value.has(id)) return;
    await storing(() => act(db, "promise.done", { id, version: null, title: client.name }, {}));
    await afterAction(10);
  };
  return (
    <>
      <h2 class="sec">{t("phone.client.promises", { n: open.length })}</h2>
      <section class="card"><div class="list">
        {open.map((p) => {
          const isDone = promisesDone.value.has(p.id);
          const late = p.due_on ? daysBetween(p.due_on, today.value) : 0;
          return (
            <button type="button" role="checkbox" aria-checked={isDone} onClick={() => void tick(p.id)}>
              <span class={`box ${isDone ? "on" : ""}`}>{isDone && <Icon name="tick" class="s" />}</span>
              <div class="t"><p class={isDone ? "struck" : ""}>{p.text}</p>
                {p.due_on && (late > 0 && !isDone
                  ? <p><span class="tag warn" style="margin-top:3px"><Icon name="hour" class="xs" />{t("phone.client.overdue", { n: late })}</span></p>
                  : <p>{t("phone.client.due", { day: shortDay(p.due_on) })}</p>)}
              </div>
            </button>
          );
        })}
      </div></section>
    </>
  );
}

function Note({ client }: { client: Client }) {
  const [text, setText] = useState<string | null>(null);
  const save = async () => {
    await storing(() => act(db, "client.note", { id: client.id, version: client.version, title: client.name }, { note: text!.trim() || null, base_note: client.note }));
    setText(null);
    await afterAction(10);
  };
  return (
    <>
      <h2 class="sec">{t("phone.client.note")}</h2>
      <section class="card pad">
        {text === null
          ? <button type="button" class="row note-row" onClick={() => setText(client.note ?? "")}><span class="grow">{client.note ?? <span class="muted">{t("phone.client.no_note")}</span>}</span><Icon name="pen" class="s" /><span class="vh">{t("phone.client.edit_note")}</span></button>
          : <><textarea class="ta" aria-label={t("phone.client.note")} value={text} maxLength={4000} onInput={(e) => setText(e.currentTarget.value)} />
              <div class="btns" style="margin-top:8px"><Btn class="q" onClick={() => setText(null)}>{t("phone.cancel")}</Btn><Btn class="p" onClick={() => void save()}>{t("phone.save")}</Btn></div></>}
      </section>
    </>
  );
}

function History({ client }: { client: Client }) {
  if (client.history.length === 0) return null;
  return (
    <>
      <h2 class="sec">{t("phone.client.history")} <span class="r">{t("phone.client.last", { n: client.history.length })}</span></h2>
      <section class="card">
        {client.history.map((h) => {
          const mine = visits.value.get(h.id);
          return (
            <div class="tl">
              <VerdictMark visit={mine ?? { verdict: "unjudged", state: "closed" }} />
              <span class="d">{longDay(h.day)}</span>
              <p>{h.result ? t(`phone.result.${h.result}`) : "–"}</p>
              <p class="muted">{[h.comment, h.rep_name].filter(Boolean).join(" · ")}</p>
            </div>
          );
        })}
      </section>
    </>
  );
}

function Act({ icon, label, to }: { icon: IconName; label: string; to: string | null }) {
  if (!to) return <button type="button" class="ac" disabled><Icon name={icon} />{label}</button>;
  return <a class="ac" href={to}><Icon name={icon} />{label}</a>;
}

function Acts({ client }: { client: Client }) {
  const next = openVisitOf(client);
  const isToday = next?.day === today.value;
  const dial = client.phone_e164 ?? client.phone;
  return (
    <footer class="dock"><div class="acts">
      <Act icon="phone" label={t("phone.call")} to={dial ? `tel:${dial}` : null} />
      <Act icon="note" label={t("phone.client.write")} to={client.email ? `mailto:${client.email}` : dial ? `sms:${dial}` : null} />
      <button type="button" class="ac" disabled={client.lat === null} onClick={() => navigateToPoint({ lat: client.lat!, lng: client.lng!, name: client.name })}><Icon name="route" />{t("phone.next.navigate")}</button>
      <a class="ac p" href={isToday ? href("visit", next.id) : href("new-visit", client.id)}><Icon name="pin" />{t("phone.client.visit")}</a>
    </div></footer>
  );
}
