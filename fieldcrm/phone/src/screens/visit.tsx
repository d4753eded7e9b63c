/** A visit as it stands: planned, under way (the form), or over (what became of it). */
import { useEffect, useRef, useState } from "preact/hooks";
import { closeVisit, dropPhoto } from "../actions";
import { afterAction, refusalText, storing } from "../app";
import type { Draft, ResultName, Visit } from "../docs";
import { addDays, chipDay, longDay, shortDay, t, time } from "../i18n";
import { Icon } from "../icons";
import { closeFacts, fixState, isHeld, RESULTS, tryMove } from "../life";
import { Btn, Chip, clientLine, LinkBtn, Top, Truth, useObjectUrl } from "../parts";
import { code, formFor, isMissing, loadCode } from "../forms/pick";
import { DraftKeeper } from "../kept";
import { asPosition } from "../positions";
import { painted } from "../painted";
import { fromHere, href, turn } from "../router";
import { arrivalAt, clientOf, db, files, isWriting, joints, placeNameOf, profile, promisesDone, today, visits } from "../store";
import { endRecording, Further } from "../further";
import { hoursOf, missText, openText } from "../windows";
import { takePhoto } from "./checkin";
import { Closed } from "./closed";
import { FormTop } from "./formtop";
import { navigateTo } from "./navigate";
import { Missed, plannedText } from "./today";

export function VisitScreen({ id }: { id: string }) {
  const visit = visits.value.get(id);
  if (!visit) return <NotHere />;
  if (visit.state === "planned" || visit.state === "missed") return <Planned visit={visit} />;
  if (visit.state === "under_way") return <UnderWay visit={visit} />;
  return <Closed visit={visit} />;
}

export function NotHere() {
  return (
    <>
      <Top title={t("phone.gone.title")} />
      <main tabIndex={0} class="flush" style="display:flex"><section class="empty"><Icon name="order" class="xl" /><h2 class="big-name">{t("phone.gone.title")}</h2><p>{t("phone.gone.text")}</p></section></main>
      <footer class="dock"><div class="btns"><LinkBtn class="huge p" to={href("today")}>{t("phone.gone.today")}</LinkBtn></div></footer>
    </>
  );
}

// ── planned ──

function Planned({ visit }: { visit: Visit }) {
  const client = clientOf(visit);
  const spans = hoursOf(visit);
  const promises = client?.promises.filter((p) => !p.done_at_ms && !promisesDone.value.has(p.id)) ?? [];
  const at = arrivalAt(visit);
  return (
    <>
      <Top title={client?.name ?? "…"} sub={[longDay(visit.day), at ? time(at) : ""].filter(Boolean).join(" · ")}>
        {client?.phone && <a class="ib" href={`tel:${client.phone}`} aria-label={t("phone.call")}><Icon name="phone" /></a>}
      </Top>
      <Truth thin />
      <main tabIndex={0}>
        {visit.state === "missed" && <div class="note warn" style="margin-bottom:10px"><Icon name="warn" /><p>{t("phone.visit.missed_note")}</p></div>}
        {visit.conflicts.length > 0 && <div class="note warn" style="margin-bottom:10px"><Icon name="two" /><p>{t("phone.visit.conflict")}</p></div>}
        <section class="card"><div class="list">
          <a href={href("client", visit.client_id)}><Icon name="clients" /><div class="t"><p>{client?.name ?? "…"}</p><p>{clientLine(client)}</p></div><Icon name="next" class="s" /></a>
          {placeNameOf(visit) && <div><Icon name="home" /><div class="t"><p>{placeNameOf(visit)}</p>{spans && <p>{openText(spans)}</p>}</div></div>}
          {visit.planned_at_ms && <div><Icon name={visit.is_locked ? "lock" : "clock"} /><div class="t"><p>{plannedText(visit)}</p><p>{t("phone.visit.takes", { n: visit.planned_minutes })}</p><Missed text={missText(visit)} /></div></div>}
          {visit.objective && <div><Icon name="aim" /><div class="t"><p>{visit.objective}</p><p>{t("phone.visit.objective")}</p></div></div>}
          <WithRow visit={visit} />
          {promises.map((p) => <div><Icon name="flag" class="c-visit" /><div class="t"><p>{p.text}</p>{p.due_on && <p>{t("phone.client.due", { day: shortDay(p.due_on) })}</p>}</div></div>)}
        </div></section>
        <Further show={(m) => <m.AlsoHere visit={visit} />} />
      </main>
      <footer class="dock">
        {visit.state === "planned" && (
          <div class="btns" style="margin-bottom:10px">
            <LinkBtn class="q c1" icon="today" to={href("move", visit.id)}>{t("phone.visit.reschedule")}</LinkBtn>
            <LinkBtn class="q c1" icon="cross" to={href("skip", visit.id)}>{t("phone.visit.skip")}</LinkBtn>
          </div>
        )}
        <div class="btns">
          <Btn class="big c1" icon="route" onClick={() => navigateTo(visit)}>{t("phone.next.navigate")}</Btn>
          <LinkBtn class="big p c2" icon="pin" to={href("check-in", visit.id)}>{t("phone.next.check_in")}</LinkBtn>
        </div>
      </footer>
    </>
  );
}

/** Who comes along, and the way to name a colleague. */
export function WithRow({ visit }: { visit: Visit }) {
  const along = joints.value.filter((j) => j.visit_id === visit.id && j.is_mine && j.status !== "withdrawn");
  if (!along.length && !profile.value?.colleagues?.length) return null;
  return (
    <a href={href("together", visit.id)}><Icon name="two" /><div class="t"><p>{t("phone.together.title")}</p>
      <p>{along.length ? along.map((j) => `${j.other_name}: ${t(`phone.together.is_${j.status}`)}`).join(", ") : t("phone.together.none")}</p></div><Icon name="next" class="s" /></a>
  );
}

function WithColleague({ visit }: { visit: Visit }) {
  return <section class="card" style="margin-top:10px"><div class="list"><WithRow visit={visit} /></div></section>;
}

// ── under way ──

const EMPTY = { products: [], samples: {}, stock: {} };

/** Once a check-in is written down and the screen says so: the form comes after that answer. */
async function answered(): Promise<void> {
  if (isWriting.peek()) await new Promise<void>((done) => { const stop = isWriting.subscribe((is) => { if (!is) queueMicrotask(() => { stop(); done(); }); }); });
  await painted();
}

/** The draft of a visit's form: every keystroke is kept. */
function useDraft(visit: Visit): [Draft | null, (part: Partial<Draft>) => void, DraftKeeper] {
  const [draft, setDraft] = useState<Draft | null>(null);
  const [keeper] = useState(() => new DraftKeeper(db, storing));
  const latest = useRef<Draft | null>(null);
  useEffect(() => {
    void answered().then(() => keeper.load(visit.id)).then((kept) => {
      latest.current = kept ?? { visit_id: visit.id, result: null, comment: visit.comment ?? "", details: EMPTY, next_text: "", next_on: null, saved_at_ms: 0 };
      setDraft(latest.current);
    });
  }, [visit.id]);
  const change = (part: Partial<Draft>) => {
    latest.current = { ...latest.current!, ...part, saved_at_ms: Date.now() };
    setDraft(latest.current);
    void keeper.keep(latest.current);
  };
  return [draft, change, keeper];
}

/** The visit under way: that it is shows at once, the form as soon as its draft is read. */
function UnderWay({ visit }: { visit: Visit }) {
  const [draft, change, keeper] = useDraft(visit);
  return <><FormTop visit={visit} keeper={keeper} />{draft ? <Form visit={visit} draft={draft} change={change} /> : <main tabIndex={0} aria-busy="true" />}</>;
}

function Form({ visit, draft, change }: { visit: Visit } & Part) {
  const [problem, setProblem] = useState<string | null>(null);
  const client = clientOf(visit);
  useEffect(loadCode, []);
  const isAsked = isHeld(draft.result);
  const doc = isAsked ? formFor(client?.kind) : null;
  const forms = code.value;
  const checked = doc && forms ? forms.judge(doc, visit, draft) : null;
  const missing = [...missingOf(draft), ...new Set(checked?.problems.map((p) => `f-${p.field}`))];
  const nameOf = (need: string) => (doc && forms && need.startsWith("f-") ? forms.labelOf(doc.definition, need.slice(2)) : t(`phone.visit.need_${need}`));
  const close = async () => {
    const leave = fromHere();
    if (missing.length) return showFirst(missing[0]!);
    await endRecording.peek()?.();
    if (doc && !forms) return setProblem(t("forms.not_here"));
    const position = fixState(asPosition(), Date.now()) === "stale" ? null : asPosition();
    const outcome = tryMove(visit.state, "close", "rep", closeFacts(draft.result, draft.comment));
    if (!outcome.ok) return setProblem(refusalText({ code: outcome.error }));
    const noGps = position ? null : "no_fix";
    const details = doc && forms ? forms.detailsFor(doc, visit, draft) : isAsked ? draft.details : {};
    const shots = doc && forms ? forms.photosOf(doc, details) : [];
    if (!(await storing(() => closeVisit(db, visit, client?.name ?? "", { ...draft, details }, position, noGps, shots)))) return;
    await afterAction([30, 60, 30]);
    leave(() => turn("visit", visit.id));
  };
  return (
    <>
      <main tabIndex={0}>
        <Results draft={draft} change={change} isMissing={missing.includes("result")} />
        {isAsked && !forms && isMissing.value && <p class="note warn">{t("forms.not_here")}</p>}
        {doc && forms && checked && <forms.FormCards form={doc} visit={visit} draft={draft} change={change} checked={checked} />}
        {isAsked && !doc && forms && <forms.PlainForm draft={draft} change={change} isPlace={isPlace(client?.kind)} />}
        {!doc && <Photos visit={visit} />}
        <Further show={(m) => <m.SoundNote visit={visit} />} />
        <WithColleague visit={visit} />
        <Further show={(m) => <m.AlsoHere visit={visit} />} />
        <section class={`card ${missing.includes("comment") ? "miss" : ""}`} id="comment"><div class="fs">
          <FormHead title={t("phone.visit.comment")} state={missing.includes("comment") ? "miss" : ""} />
          <textarea class="ta" aria-label={t("phone.visit.comment")} value={draft.comment} maxLength={4000} onInput={(e) => change({ comment: e.currentTarget.value })} />
        </div></section>
        <NextStep draft={draft} change={change} />
        {doc && forms && <forms.NoNextStep form={doc} draft={draft} change={change} />}
        <div class="btns" style="margin-top:12px"><LinkBtn class="link" to={href("skip", visit.id)}>{t("phone.visit.abandon")}</LinkBtn></div>
      </main>
      <footer class="dock">
        {missing.length > 0 && (
          <div class="left"><span>{t("phone.visit.left")}</span>{missing.map((m) => <button type="button" class="jump" onClick={() => showFirst(m)}>{nameOf(m)}</button>)}</div>
        )}
        <div class="btns">
          <Btn class={`huge ${missing.length ? "wait" : "p"}`} onClick={() => void close()}>
            {t("phone.visit.close")}{missing.length > 0 && <span class="count dark">{missing.length}</span>}
          </Btn>
        </div>
        <p role="alert" class="small c-contra">{problem}</p>
      </footer>
    </>
  );
}

type Need = "result" | "comment";

/** What a closing still needs, by the life table. */
function missingOf(draft: Draft): Need[] {
  const facts = closeFacts(draft.result, draft.comment);
  const outcome = tryMove("under_way", "close", "rep", facts);
  if (outcome.ok) return [];
  return outcome.error === "result_needed" ? ["result"] : ["comment"];
}

function showFirst(id: string): void {
  const card = document.getElementById(id) ?? document.getElementById("next-step");
  card?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth", block: "center" });
  card?.querySelector<HTMLElement>("textarea,button,input")?.focus({ preventScroll: true });
}

function isPlace(kind: string | undefined): boolean {
  return kind === "pharmacy" || kind === "organisation";
}

function FormHead({ title, state, children }: { title: string; state: "" | "ok" | "miss"; children?: preact.ComponentChildren }) {
  return (
    <div class="h"><h2>{title}</h2>{children}
      {state === "ok" && <span class="req ok"><Icon name="tick" class="s" />{t("phone.visit.ready")}</span>}
      {state === "miss" && <span class="req miss">{t("phone.visit.needed")}</span>}
    </div>
  );
}

type Part = { draft: Draft; change: (part: Partial<Draft>) => void };

function Results({ draft, change, isMissing }: Part & { isMissing: boolean }) {
  return (
    <section class={`card ${isMissing ? "miss" : ""}`} id="result"><div class="fs">
      <FormHead title={t("phone.visit.result")} state={isMissing ? "miss" : "ok"} />
      <div class="grid2">
        {RESULTS.map((r) => <Chip on={draft.result === r.name} onClick={() => change({ result: r.name as ResultName })}>{t(`phone.result.${r.name}`)}</Chip>)}
      </div>
    </div></section>
  );
}

function Photos({ visit }: { visit: Visit }) {
  const camera = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const mine = files.value.filter((f) => f.visit_id === visit.id && f.kind === "photo");
  const add = async (input: HTMLInputElement) => {
    setBusy(true);
    await takePhoto(input, visit.id).finally(() => setBusy(false));
  };
  return (
    <section class="card"><div class="fs">
      <FormHead title={t("phone.visit.photos")} state={mine.length ? "ok" : ""}><span class="cam"><Icon name="camera" class="xs" />{t("phone.visit.camera_only")}</span></FormHead>
      <div class="scrollx">
        <button type="button" class="ph add opt2" onClick={() => camera.current?.click()} disabled={isBusy}><Icon name={mine.length ? "plus" : "camera"} class="l" />{t(mine.length ? "phone.visit.photo_more" : "phone.visit.photo_add")}</button>
        {mine.map((f) => <Photo sha={f.sha256} state={f.state} at={f.taken_at_ms} canRemove={f.state === "held"} />)}
      </div>
      <input ref={camera} id="camera" type="file" accept="image/*" capture="environment" class="vh" tabIndex={-1} aria-label={t("phone.visit.photo_add")} onChange={(e) => void add(e.currentTarget)} />
    </div></section>
  );
}

export function Photo({ sha, state, at, canRemove = false, small = false }: { sha: string; state: string; at: number | null; canRemove?: boolean; small?: boolean }) {
  const [data, setData] = useState<ArrayBuffer | null>(null);
  useEffect(() => {
    void db.blobs.get(sha).then((f) => setData(f?.bytes ?? null));
  }, [sha]);
  const url = useObjectUrl(data);
  const remove = async () => {
    await dropPhoto(db, sha);
    await afterAction();
  };
  const label = at ? t("phone.visit.photo_at", { time: time(at) }) : t("phone.visit.photo");
  return (
    <div class={`ph ${small ? "small" : ""}`}>
      {url ? <img src={url} alt={label} /> : <Icon name="camera" class="l" />}
      {canRemove
        ? <button type="button" class="st" aria-label={t("phone.visit.photo_remove")} onClick={() => void remove()}><Icon name="bin" class="s" /></button>
        : !small && <span class="st"><Icon name={state === "stored" ? "cloudTick" : "onPhone"} class="s" /></span>}
      {!small && at && <span class="cap">{time(at)}</span>}
    </div>
  );
}

const STEP_DAYS = [7, 14, 28];

function NextStep({ draft, change }: Part) {
  const days = STEP_DAYS.map((n) => addDays(today.value, n));
  const isOther = draft.next_on !== null && !days.includes(draft.next_on);
  return (
    <section class="card" id="next-step"><div class="fs">
      <FormHead title={t("phone.visit.next_step")} state={draft.next_text.trim() ? "ok" : ""} />
      <input class="inp" aria-label={t("phone.visit.next_step")} placeholder={t("phone.visit.next_hint")} maxLength={500} value={draft.next_text} onInput={(e) => change({ next_text: e.currentTarget.value })} />
      {draft.next_text.trim() && (
        <div class="grid3" style="margin-top:10px" role="group" aria-label={t("phone.visit.next_when")}>
          {days.map((d) => <Chip on={draft.next_on === d} onClick={() => change({ next_on: draft.next_on === d ? null : d })}><DayChip day={d} /></Chip>)}
          <label class={`ch date ${isOther ? "on" : ""}`}>{isOther ? <DayChip day={draft.next_on!} /> : t("phone.visit.other_day")}
            <input type="date" min={today.value} value={draft.next_on ?? ""} aria-label={t("phone.visit.other_day")} onChange={(e) => change({ next_on: e.currentTarget.value || null })} />
          </label>
        </div>
      )}
    </div></section>
  );
}

export function DayChip({ day }: { day: string }) {
  const [weekday, date] = chipDay(day);
  return <span>{weekday}<br />{date}</span>;
}

