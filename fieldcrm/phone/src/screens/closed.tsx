/** A visit that is over: what became of it, where it is kept, what comes next. */
import { useEffect } from "preact/hooks";
import type { Visit } from "../docs";
import { metresBetween } from "../geo";
import { bytes, distance, has, longDay, span, t, time } from "../i18n";
import { Icon, type IconName } from "../icons";
import { Btn, LinkBtn, minutesParts, Num, Top, Truth, VerdictMark } from "../parts";
import { href } from "../router";
import { arrivalAt, clientOf, entries, files, placeNameOf, pointOf, products, today, undecided, visits, visitsOf } from "../store";
import { isUnsent } from "../sent";
import type { VisitDetails } from "../wire.gen";
import { navigateTo } from "./navigate";
import { code, loadCode } from "../forms/pick";
import { Further } from "../further";
import { Photo, WithRow } from "./visit";

export function Closed({ visit }: { visit: Visit }) {
  const client = clientOf(visit);
  const mine = visitsOf(visit.day).filter((v) => v.state !== "moved" && v.state !== "cancelled");
  const place = mine.indexOf(visit) + 1;
  const times = visit.checked_in_at_ms && visit.closed_at_ms ? `${time(visit.checked_in_at_ms)}–${time(visit.closed_at_ms)}` : "";
  const sub = [place ? t("phone.closed.of", { i: place, n: mine.length }) : "", visit.day === today.value ? "" : longDay(visit.day), times].filter(Boolean).join(" · ");
  return (
    <>
      <Top title={client?.name ?? "…"} sub={sub}>
        <a class="ib" href={href("client", visit.client_id)} aria-label={t("phone.client.card")}><Icon name="clients" /></a>
      </Top>
      <Truth thin />
      <main tabIndex={0}>
        <Further show={(m) => <m.NextHere visit={visit} />} />
        {visit.state === "closed" ? <ClosedCards visit={visit} /> : <OverCard visit={visit} />}
        {visit.conflicts.length > 0 && <ConflictHint visit={visit} />}
      </main>
      <NextDock visit={visit} />
    </>
  );
}

/** Two people changed one field: the way to the choice, if this phone made one of the changes. */
function ConflictHint({ visit }: { visit: Visit }) {
  const mine = undecided.value.find((e) => e.subject_id === visit.id);
  return (
    <div class="note warn" style="margin-top:10px"><Icon name="two" /><div class="grow"><p>{t("phone.visit.conflict")}</p>
      {mine && <div class="btns" style="margin-top:8px"><LinkBtn class="soft" to={href("conflict", mine.id)}>{t("phone.conflict.choose")}</LinkBtn></div>}
    </div></div>
  );
}

/** Cancelled or moved: the reason, and where it went. */
function OverCard({ visit }: { visit: Visit }) {
  const to = visit.moved_to_id ? visits.value.get(visit.moved_to_id) : null;
  const day = visit.moved_to_day ?? to?.day;
  return (
    <section class="card">
      <div class="hero" style="background:var(--fill-quiet)"><div class="row" style="gap:12px"><VerdictMark visit={visit} class="l" /><h2 class="big-name">{t(`phone.state.${visit.state}`)}</h2></div>
        {day && <p>{t("phone.visit.moved_to", { day: longDay(day) })}</p>}
      </div>
      {visit.reason && <div class="pad"><p class="small muted">{t("phone.reason.title")}</p><p>{reasonWord(visit.reason)}</p></div>}
    </section>
  );
}

const HEADINGS = ["title", "words"]; // stand beside the reasons in the catalogue and are none

/** A reason picked from the list is a key; one typed is text. */
export function reasonWord(reason: string): string {
  const key = `phone.reason.${reason}`;
  return has(key) && !HEADINGS.includes(reason) ? t(key) : reason;
}

function ClosedCards({ visit }: { visit: Visit }) {
  return (
    <>
      <section class="card">
        {visit.unsent ? <SafeHere /> : <VerdictHero visit={visit} />}
        {!visit.unsent && visit.verdict === "unjudged" && <div class="pad small" style="border-bottom:1px solid var(--line)">{t("phone.closed.will_see")}</div>}
        <Facts visit={visit} />
      </section>
      {visit.unsent && <p class="sec">{t("phone.closed.verdict")} <Icon name="dot" class="c-none s" /><span>{t("phone.verdict.unjudged")}</span></p>}
      <h2 class="sec">{t("phone.closed.where")}</h2>
      <Kept visit={visit} />
      <h2 class="sec">{t("phone.closed.what")}</h2>
      <What visit={visit} />
      <Further show={(m) => <m.Sounds visitId={visit.id} />} />
      <section class="card" style="margin-top:10px"><div class="list"><WithRow visit={visit} /></div></section>
      {canRevise(visit) && <div class="btns" style="margin-top:10px"><LinkBtn class="link" icon="pen" to={href("revise", visit.id)}>{t("phone.closed.revise")}</LinkBtn></div>}
    </>
  );
}

function canRevise(visit: Visit): boolean {
  return visit.day === today.value;
}

function SafeHere() {
  return (
    <div class="hero" style="background:var(--fill-quiet)">
      <div class="row" style="gap:12px"><Icon name="onPhone" class="l" /><h2 class="hero-h">{t("phone.closed.safe_here")}</h2></div>
      <p class="muted">{t("phone.closed.goes_itself")}</p>
    </div>
  );
}

const HERO: Record<Visit["verdict"], string> = { confirmed: "ok", doubtful: "warn", contradicted: "bad", unjudged: "plain" };

function VerdictHero({ visit }: { visit: Visit }) {
  return (
    <div class={`hero ${HERO[visit.verdict]}`}>
      <div class="row" style="gap:12px"><VerdictMark visit={visit} class="l" /><h2 class="hero-h">{t(`phone.closed.is_${visit.verdict}`)}</h2></div>
      {visit.verdict_reasons.map((code) => <p class="small">{reasonOf(code)}</p>)}
      {visit.verdict === "unjudged" && <p class="small">{t("phone.closed.judged_later")}</p>}
    </div>
  );
}

function reasonOf(code: string): string {
  const key = `phone.evidence.${code}`;
  return has(key) ? t(key) : code;
}

/** What the server will look at, as the phone knows it. */
function Facts({ visit }: { visit: Visit }) {
  const point = pointOf(visit);
  const c = visit.check_in;
  const metres = point && c?.lat != null && c.lng != null ? metresBetween(point, { lat: c.lat, lng: c.lng }) : null;
  const limit = 100 + (c?.accuracy_m ?? 0);
  const lasted = visit.closed_at_ms && visit.checked_in_at_ms ? visit.closed_at_ms - visit.checked_in_at_ms : null;
  const photos = visit.attachments.filter((a) => a.kind === "photo").length;
  return (
    <>
      {metres === null
        ? <Fact ok={false} icon="dish" text={t("phone.fact.no_position")} sub={visit.comment ?? ""} at={visit.checked_in_at_ms} />
        : <Fact ok={metres <= limit} icon="walk" text={t(metres <= limit ? "phone.fact.at_place" : "phone.fact.away")} sub={t("phone.fact.from_pin", { distance: distance(metres), accuracy: Math.round(c!.accuracy_m ?? 0) })} at={visit.checked_in_at_ms} />}
      {lasted !== null && <Fact ok={lasted >= 60_000} icon="hour" text={t(lasted >= 60_000 ? "phone.fact.lasted" : "phone.fact.short")} sub={placeNameOf(visit)} value={span(lasted)} />}
      {photos > 0 && <Fact ok icon="camera" text={t("phone.fact.photos", { n: photos })} sub={t("phone.fact.photo_here")} at={visit.attachments[0]!.taken_at_ms} />}
    </>
  );
}

function Fact(props: { ok: boolean; icon: IconName; text: string; sub: string; at?: number | null; value?: string }) {
  return (
    <div class="tick why">
      <Icon name={props.ok ? "tick" : props.icon} class={props.ok ? "c-acc" : "c-doubt"} />
      <div>{props.text}{props.sub && <small>{props.sub}</small>}</div>
      <b>{props.value ?? (props.at ? time(props.at) : "")}</b>
    </div>
  );
}

/** Phone and server side by side: what each holds of this visit. */
function Kept({ visit }: { visit: Visit }) {
  const mine = entries.value.filter((e) => e.subject_id === visit.id);
  const sent = mine.filter((e) => !isUnsent(e)).length;
  const pictures = files.value.filter((f) => f.visit_id === visit.id);
  const size = pictures.filter((f) => f.state !== "stored").reduce((sum, f) => sum + f.size, 0);
  const stored = visit.attachments.filter((a) => a.is_stored || pictures.some((f) => f.sha256 === a.sha256 && f.state === "stored")).length;
  const total = Math.max(visit.attachments.length, pictures.length);
  const isKnown = mine.length > 0;
  const shots = pictures.filter((f) => f.kind === "photo");
  return (
    <section class="card">
      <table>
        <thead><tr><th><span class="vh">{t("phone.receipt.what")}</span></th><th>{t("phone.receipt.phone")}</th><th>{t("phone.receipt.server")}</th></tr></thead>
        <tbody>
          <Row name={t("phone.closed.visit_answers")} here={isKnown ? mine.length : 1} there={isKnown ? sent : 1} />
          {total > 0 && <Row name={[t("phone.visit.photos"), size ? bytes(size) : ""].filter(Boolean).join(" · ")} here={total} there={stored} />}
        </tbody>
      </table>
      {shots.length > 0 && <div class="scrollx" style="padding:10px 14px;margin:0">{shots.map((f) => <Photo sha={f.sha256} state={f.state} at={f.taken_at_ms} />)}</div>}
    </section>
  );
}

export function Row({ name, here, there }: { name: string; here: number; there: number }) {
  const isWhole = there >= here;
  return (
    <tr class={isWhole ? "" : "low"}>
      <td>{name}</td><td>{here}</td>
      <td>{there} <Icon name={isWhole ? "cloudTick" : "cloudWait"} class={`s ${isWhole ? "c-acc" : ""}`} /><span class="vh">{t(isWhole ? "phone.receipt.agrees" : "phone.receipt.missing")}</span></td>
    </tr>
  );
}

/** What was shown, left and missing on the shelf, by product names. */
export function detailLines(details: VisitDetails): { shown: string[]; samples: string[]; out: string[] } {
  const names = new Map(products.value.map((p) => [p.id, p.name]));
  return {
    shown: (details.products ?? []).map((id) => names.get(id) ?? "").filter(Boolean),
    samples: Object.entries(details.samples ?? {}).map(([id, n]) => `${names.get(id) ?? ""} × ${n}`),
    out: Object.entries(details.stock ?? {}).filter(([, there]) => !there).map(([id]) => names.get(id) ?? ""),
  };
}

function What({ visit }: { visit: Visit }) {
  useEffect(loadCode, []);
  const forms = code.value;
  const { shown, samples, out } = detailLines(visit.details.form ? {} : visit.details);
  return (
    <section class="card"><div class="list">
      <div><Icon name="flag" /><div class="t"><p>{visit.result ? t(`phone.result.${visit.result}`) : "–"}</p>{visit.comment && <p>{visit.comment}</p>}</div></div>
      {shown.length > 0 && <div><Icon name="bag" /><div class="t"><p>{shown.join(", ")}</p><p>{t("phone.visit.products")}</p></div></div>}
      {samples.length > 0 && <div><Icon name="plus" /><div class="t"><p>{samples.join(", ")}</p><p>{t("phone.visit.samples")}</p></div></div>}
      {out.length > 0 && <div><Icon name="warn" class="c-doubt" /><div class="t"><p>{out.join(", ")}</p><p>{t("phone.visit.out_of_stock")}</p></div></div>}
      {forms && <forms.FilledCard visit={visit} />}
    </div></section>
  );
}

function NextDock({ visit }: { visit: Visit }) {
  const next = visitsOf(today.value).find((v) => v.state === "planned");
  const client = next && clientOf(next);
  const at = next && arrivalAt(next);
  const [value, unit] = minutesParts(next?.travel_s ?? 0);
  return (
    <footer class="dock">
      {next && (
        <a class="row" style="margin-bottom:10px" href={href("visit", next.id)}>
          <div class="grow"><p class="small muted">{at ? t("phone.closed.next_at", { time: time(at) }) : t("phone.closed.next")}</p><p class="strong ell">{[client?.name, placeNameOf(next)].filter(Boolean).join(", ")}</p></div>
          {next.travel_s !== null && <div style="text-align:right"><Num value={value} unit={unit} label={next.travel_m ? distance(next.travel_m) : ""} /></div>}
        </a>
      )}
      <div class="btns">
        <LinkBtn class={`big ${next ? "c1" : "p"}`} to={href("today")}>{t("phone.closed.my_day")}</LinkBtn>
        {next && <Btn class="big p c2" icon="route" onClick={() => navigateTo(next)}>{t("phone.next.navigate")}</Btn>}
      </div>
    </footer>
  );
}

