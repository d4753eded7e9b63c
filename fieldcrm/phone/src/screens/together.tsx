/** A visit made by two: naming the colleague, and his own word on it. */
import { useState } from "preact/hooks";
import { act } from "../actions";
import { afterAction, storing } from "../app";
import type { Visit } from "../docs";
import { longDay, t, time } from "../i18n";
import { Icon } from "../icons";
import { newId } from "../ids";
import { Btn, Top, Truth } from "../parts";
import { asPosition, here, permission, watchPosition } from "../positions";
import { fixState } from "../life";
import { fromHere, turn } from "../router";
import { clientOf, db, joints, profile } from "../store";
import { NotHere } from "./visit";

const MOST = 3;

export function Together({ visit }: { visit: Visit }) {
  const mine = joints.value.filter((j) => j.visit_id === visit.id && j.is_mine);
  const along = mine.filter((j) => j.status !== "withdrawn");
  const named = new Set(along.map((j) => j.other_name));
  const free = (profile.value?.colleagues ?? []).filter((c) => !named.has(c.name));
  const ask = async (colleague: { id: string; name: string }) => {
    const subject = { id: newId(), version: null, title: colleague.name, client_id: visit.client_id };
    await storing(() => act(db, "joint.ask", subject, { visit_id: visit.id, colleague_id: colleague.id }));
    await afterAction(10);
  };
  const withdraw = async (id: string, name: string) => {
    await storing(() => act(db, "joint.answer", { id, version: null, title: name }, { answer: "withdrawn" }));
    await afterAction(10);
  };
  return (
    <>
      <Top title={t("phone.together.title")} sub={clientOf(visit)?.name} />
      <Truth thin />
      <main tabIndex={0}>
        <p class="note" style="margin-bottom:12px">{t("phone.together.how")}</p>
        {along.length > 0 && (
          <section class="card"><div class="list">
            {along.map((j) => (
              <div><Icon name={j.status === "confirmed" ? "tick" : j.status === "declined" ? "cross" : "hour"} class={j.status === "confirmed" ? "c-acc" : j.status === "declined" ? "c-contra" : ""} />
                <div class="t"><p>{j.other_name}</p><p>{[t(`phone.together.is_${j.status}`), j.answered_at_ms && j.status !== "asked" ? time(j.answered_at_ms) : ""].filter(Boolean).join(" · ")}</p></div>
                <button type="button" class="ib" aria-label={t("phone.together.remove", { name: j.other_name })} onClick={() => void withdraw(j.id, j.other_name)}><Icon name="bin" class="s" /></button>
              </div>
            ))}
          </div></section>
        )}
        {free.length > 0 && along.length < MOST && (
          <>
            <h2 class="sec">{t("phone.together.choose")}</h2>
            <section class="card"><div class="list">
              {free.map((c) => <button type="button" onClick={() => void ask(c)}><Icon name="plus" /><div class="t"><p>{c.name}</p></div></button>)}
            </div></section>
          </>
        )}
        {free.length === 0 && along.length === 0 && <p class="note">{t("phone.together.nobody")}</p>}
      </main>
    </>
  );
}

/** A colleague says that this rep was there too: only he can confirm it, from where he is. */
export function Invitation({ id }: { id: string }) {
  useState(() => permission.value === "granted" && watchPosition());
  const j = joints.value.find((x) => x.id === id && !x.is_mine);
  if (!j) return <NotHere />;
  const answer = async (word: "confirmed" | "declined") => {
    const leave = fromHere();
    const position = fixState(asPosition(), Date.now()) === "fresh" ? asPosition() : null;
    if (!(await storing(() => act(db, "joint.answer", { id: j.id, version: null, title: j.client_name }, { answer: word, position })))) return;
    await afterAction(30);
    leave(() => turn("today"));
  };
  return (
    <>
      <Top title={t("phone.together.title")} sub={longDay(j.day)} />
      <Truth thin />
      <main tabIndex={0}>
        <section class="card pad">
          <h2 class="big-name">{j.client_name}</h2>
          <p class="muted">{[j.place_name, j.at_ms ? time(j.at_ms) : ""].filter(Boolean).join(" · ")}</p>
          <p style="margin-top:12px">{t("phone.together.question", { name: j.other_name })}</p>
          {j.status !== "asked" && <p class="note" style="margin-top:12px">{t(`phone.together.you_${j.status}`)}</p>}
        </section>
        <p class="small muted row" style="margin:12px 4px"><Icon name="pin" class="s" />{here.value ? t("phone.together.place") : t("phone.together.no_place")}</p>
      </main>
      {j.status !== "withdrawn" && (
        <footer class="dock"><div class="btns">
          <Btn class="big q c1" icon="cross" onClick={() => void answer("declined")}>{t("phone.together.no")}</Btn>
          <Btn class="big p c2" icon="tick" onClick={() => void answer("confirmed")}>{t("phone.together.yes")}</Btn>
        </div></footer>
      )}
    </>
  );
}
