/** Changing a visit: to another day, not at all, or what was said of it; each with its reason. */
import { useState } from "preact/hooks";
import { act, subjectOf } from "../actions";
import { afterAction, refusalText, storing } from "../app";
import type { ResultName, Visit } from "../docs";
import { addDays, longDay, t } from "../i18n";
import { newId } from "../ids";
import { isHeld, LIMITS, RESULTS, tryMove } from "../life";
import { Btn, Chip, Top, Truth } from "../parts";
import { back, fromHere, turn } from "../router";
import { clientOf, db, today } from "../store";
import { DayChip } from "./visit";

const MOVE_REASONS = ["client_asked", "not_there", "running_late", "far", "other"];
const SKIP_REASONS = ["client_refused", "place_closed", "not_there", "wrong_address", "ill", "other"];

function Reasons({ all, reason, pick, text, type }: { all: string[]; reason: string | null; pick: (r: string) => void; text: string; type: (t: string) => void }) {
  return (
    <section class={`card ${reason && (reason !== "other" || text.trim()) ? "" : "miss"}`} id="reason"><div class="fs">
      <div class="h"><h2>{t("phone.reason.title")}</h2></div>
      <div class="grid2">{all.map((r) => <Chip on={reason === r} onClick={() => pick(r)}>{t(`phone.reason.${r}`)}</Chip>)}</div>
      {reason === "other" && <textarea class="ta" style="margin-top:10px" aria-label={t("phone.reason.words")} placeholder={t("phone.reason.words")} value={text} maxLength={1000} onInput={(e) => type(e.currentTarget.value)} />}
    </div></section>
  );
}

export function MoveVisit({ visit }: { visit: Visit }) {
  const [day, setDay] = useState<string | null>(null);
  const [reason, setReason] = useState<string | null>(null);
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const days = [1, 2, 3, 7, 14].map((n) => addDays(today.value, n)).filter((d) => d !== visit.day);
  const why = reason === "other" ? text.trim() : reason;
  const isReady = Boolean(day && why);
  const isOther = day !== null && !days.includes(day);
  const save = async () => {
    const leave = fromHere();
    const facts = new Set([...(why ? ["reason"] : []), ...(day && day !== visit.day ? ["other_day"] : [])]);
    const outcome = tryMove(visit.state, "move", "rep", facts);
    if (!outcome.ok) return setError(refusalText({ code: outcome.error }));
    const subject = subjectOf(visit, clientOf(visit)?.name ?? "");
    if (!(await storing(() => act(db, "visit.move", subject, { day: day!, reason: why, new_visit_id: newId() })))) return;
    await afterAction(30);
    leave(() => turn("visit", visit.id));
  };
  return (
    <>
      <Top title={t("phone.visit.reschedule")} sub={clientOf(visit)?.name} />
      <Truth thin />
      <main tabIndex={0}>
        <section class={`card ${day ? "" : "miss"}`}><div class="fs">
          <div class="h"><h2>{t("phone.move.day")}</h2>{day && <span class="req">{longDay(day)}</span>}</div>
          <div class="grid3" role="group" aria-label={t("phone.move.day")}>
            {days.map((d) => <Chip on={day === d} onClick={() => setDay(d)}><DayChip day={d} /></Chip>)}
            <label class={`ch date ${isOther ? "on" : ""}`}>{isOther ? <DayChip day={day!} /> : t("phone.visit.other_day")}
              <input type="date" min={today.value} max={addDays(today.value, LIMITS.days_ahead)} aria-label={t("phone.visit.other_day")} onChange={(e) => setDay(e.currentTarget.value || null)} />
            </label>
          </div>
        </div></section>
        <Reasons all={MOVE_REASONS} reason={reason} pick={setReason} text={text} type={setText} />
      </main>
      <footer class="dock">
        <div class="btns"><Btn class="big q c1" onClick={back}>{t("phone.cancel")}</Btn><Btn class={`big c2 ${isReady ? "p" : "wait"}`} onClick={() => void save()}>{t("phone.move.save")}</Btn></div>
        <p role="alert" class="small c-contra">{error}</p>
      </footer>
    </>
  );
}

export function SkipVisit({ visit }: { visit: Visit }) {
  const [reason, setReason] = useState<string | null>(null);
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const why = reason === "other" ? text.trim() : reason;
  const save = async () => {
    const leave = fromHere();
    const outcome = tryMove(visit.state, "cancel", "rep", new Set(why ? ["reason"] : []));
    if (!outcome.ok) return setError(refusalText({ code: outcome.error }));
    const subject = subjectOf(visit, clientOf(visit)?.name ?? "");
    if (!(await storing(() => act(db, "visit.cancel", subject, { reason: why, comment: null }, [], visit.id)))) return;
    await afterAction(30);
    leave(() => turn("today"));
  };
  return (
    <>
      <Top title={t(visit.state === "under_way" ? "phone.visit.abandon" : "phone.visit.skip")} sub={clientOf(visit)?.name} />
      <Truth thin />
      <main tabIndex={0}>
        <p class="note" style="margin-bottom:10px">{t("phone.skip.note")}</p>
        <Reasons all={SKIP_REASONS} reason={reason} pick={setReason} text={text} type={setText} />
      </main>
      <footer class="dock">
        <div class="btns"><Btn class="big q c1" onClick={back}>{t("phone.cancel")}</Btn><Btn class={`big c2 ${why ? "p" : "wait"}`} onClick={() => void save()}>{t(visit.state === "under_way" ? "phone.visit.abandon" : "phone.skip.save")}</Btn></div>
        <p role="alert" class="small c-contra">{error}</p>
      </footer>
    </>
  );
}

/** A closed visit is never edited: what changes is added to it as a revision. */
export function ReviseVisit({ visit }: { visit: Visit }) {
  const [result, setResult] = useState<ResultName | null>(visit.result);
  const [comment, setComment] = useState(visit.comment ?? "");
  const [error, setError] = useState<string | null>(null);
  const isChanged = result !== visit.result || comment.trim() !== (visit.comment ?? "");
  const save = async () => {
    const leave = fromHere();
    const facts = new Set([
      ...(isChanged ? ["change"] : []), ...(visit.day === today.value ? ["same_day"] : []), ...(isHeld(result) ? ["held"] : []),
      ...(comment.trim() ? ["comment"] : []), ...(result === visit.result && comment.trim() === (visit.comment ?? "") ? ["result_kept"] : []),
    ]);
    const outcome = tryMove(visit.state, "revise", "rep", facts);
    if (!outcome.ok) return setError(refusalText({ code: outcome.error }));
    const payload = {
      ...(result && result !== visit.result ? { result } : {}),
      ...(comment.trim() === (visit.comment ?? "") ? {} : { comment: comment.trim() || null }),
    };
    const subject = subjectOf(visit, clientOf(visit)?.name ?? "");
    if (!(await storing(() => act(db, "visit.revise", subject, payload)))) return;
    await afterAction(30);
    leave(back);
  };
  return (
    <>
      <Top title={t("phone.closed.revise")} sub={clientOf(visit)?.name} />
      <Truth thin />
      <main tabIndex={0}>
        <p class="note" style="margin-bottom:10px">{t("phone.revise.note")}</p>
        <section class="card"><div class="fs"><div class="h"><h2>{t("phone.visit.result")}</h2></div>
          <div class="grid2">{RESULTS.map((r) => <Chip on={result === r.name} onClick={() => setResult(r.name as ResultName)}>{t(`phone.result.${r.name}`)}</Chip>)}</div>
        </div></section>
        <section class="card"><div class="fs"><div class="h"><h2>{t("phone.visit.comment")}</h2></div>
          <textarea class="ta" aria-label={t("phone.visit.comment")} value={comment} maxLength={4000} onInput={(e) => setComment(e.currentTarget.value)} />
        </div></section>
      </main>
      <footer class="dock">
        <div class="btns"><Btn class="big q c1" onClick={back}>{t("phone.cancel")}</Btn><Btn class={`big c2 ${isChanged ? "p" : "wait"}`} onClick={() => void save()}>{t("phone.revise.save")}</Btn></div>
        <p role="alert" class="small c-contra">{error}</p>
      </footer>
    </>
  );
}
