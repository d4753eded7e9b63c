/** Several doctors at one address: the others there, and the next visit begun with one tap after the one before. */
import { effect } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { act, createVisit, subjectOf } from "../actions";
import { afterAction, storing } from "../app";
import type { Visit } from "../docs";
import { metresBetween } from "../geo";
import { shortDay, t, time } from "../i18n";
import { Icon } from "../icons";
import { newId } from "../ids";
import { fixState } from "../life";
import { neighbours, type Neighbour } from "../neighbours";
import { Ava, clientLine } from "../parts";
import { askPosition, here, serverTime, watchPosition } from "../positions";
import { fromHere, go, href } from "../router";
import { clients, db, hasAllClients, isPaused, loadAllClients, pointOf, shift, today, underWay, visits, visitsOf } from "../store";
import { begin, RADIUS_M } from "./checkin";

/** As many as leave the screen to what it is about. */
const ROWS_AT_ONCE = 3;
/** How long the receiver may take before the check-in's own screen says what is missing. */
const FIX_WAIT_MS = 8000;

function useNeighbours(visit: Visit): Neighbour[] {
  useEffect(() => {
    if (!hasAllClients.value) void loadAllClients();
  }, []);
  const [cards, own, day, isWhole] = [clients.value, visits.value, today.value, hasAllClients.value];
  return useMemo(() => (isWhole ? neighbours(visit, cards, own, day) : []), [visit, cards, own, day, isWhole]);
}

/** Who else is at this address, beside a visit that is still to be made or under way. */
export function AlsoHere({ visit }: { visit: Visit }) {
  const all = useNeighbours(visit);
  if (visit.day !== today.value) return null;
  return <Rows all={all} under={visit.state === "under_way" ? t("phone.here.after") : null} />;
}

/** After the check-out: whom the rep can see next without leaving. Only below the visit that he made last. */
export function NextHere({ visit }: { visit: Visit }) {
  const last = visitsOf(today.value).reduce((late, v) => Math.max(late, v.closed_at_ms ?? 0), 0);
  if (visit.state !== "closed" || visit.day !== today.value || visit.closed_at_ms !== last || underWay.value) return null;
  return <Begin visit={visit} />;
}

function Begin({ visit }: { visit: Visit }) {
  const all = useNeighbours(visit);
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const isAsked = all.length > 0;
  useEffect(() => { if (isAsked) watchPosition(); }, [isAsked]);
  const start = async (next: Neighbour) => {
    if (busy) return;
    setBusy(next.client.id);
    setError(await beginHere(next, visit).finally(() => setBusy(null)));
  };
  const comesForward = all.some((n) => n.why === "later" && !isPromised(n)) ? t("phone.here.forward") : null;
  return <Rows all={all} under={error ?? comesForward} busy={busy} start={(n) => void start(n)} />;
}

interface RowsProps {
  all: Neighbour[];
  under: string | null;
  busy?: string | null;
  start?: (next: Neighbour) => void;
}

function Rows({ all, under, busy, start }: RowsProps) {
  const [isWhole, setWhole] = useState(false);
  if (all.length === 0) return null;
  const shown = isWhole ? all : all.slice(0, ROWS_AT_ONCE);
  return (
    <>
      <h2 class="sec">{t("phone.here.title", { n: all.length })}</h2>
      <section class="card" id="also-here" style="margin-bottom:10px">
        <div class="list">
          {shown.map((n, i) => (start ? <BeginRow key={n.client.id} next={n} isFirst={i === 0} busy={busy ?? null} start={start} /> : <LinkRow key={n.client.id} next={n} />))}
          {shown.length < all.length && <button type="button" onClick={() => setWhole(true)}><Icon name="down" class="s" /><span class="small strong">{t("phone.here.more", { n: all.length - shown.length })}</span></button>}
        </div>
        {under && <p class="small muted pad" role="status" style="padding-top:8px;border-top:1px solid var(--line)">{under}</p>}
      </section>
    </>
  );
}

function Words({ next }: { next: Neighbour }) {
  return (
    <>
      <Ava client={next.client} small />
      <div class="t"><p class="ell">{next.client.name}</p>
        {next.why !== "known" && <p class="why-here">{whyText(next)}</p>}
        <p class="ell">{clientLine(next.client)}</p>
      </div>
    </>
  );
}

function LinkRow({ next }: { next: Neighbour }) {
  const to = next.why === "planned" ? href("visit", next.visit!.id) : href("client", next.client.id);
  return <a href={to}><Words next={next} /><Icon name="next" class="s" /></a>;
}

function BeginRow({ next, isFirst, busy, start }: { next: Neighbour; isFirst: boolean; busy: string | null; start: (next: Neighbour) => void }) {
  if (isPromised(next)) return <LinkRow next={next} />;
  const isMine = busy === next.client.id;
  return (
    <div>
      <a class="row grow" style="gap:12px" href={href("client", next.client.id)}><Words next={next} /></a>
      <button type="button" class={`btn fit ${isFirst ? "p" : "soft"}`} disabled={busy !== null} aria-label={t("phone.here.begin_with", { name: next.client.name })} onClick={() => start(next)}>
        {t(isMine ? "phone.here.looking" : "phone.here.begin")}
      </button>
    </div>
  );
}

/** A later day whose time is fixed with the client: that one is not brought forward. */
function isPromised(next: Neighbour): boolean {
  return next.visit !== null && next.visit.is_locked && next.visit.day !== today.value;
}

function whyText(next: Neighbour): string {
  const { visit, missing } = next;
  if (!visit) return t("phone.here.due", { n: missing });
  if (visit.day !== today.value) return t(visit.is_locked ? "phone.here.fixed_on" : "phone.here.planned_on", { day: shortDay(visit.day) });
  return visit.planned_at_ms ? t("phone.here.planned_at", { time: time(visit.planned_at_ms) }) : t("phone.here.planned");
}

/**
 * Begin the next visit: at once where a check-in would take one tap, else on the check-in's own screen.
 * The place is proved by a fix of its own, taken after the one that closed the visit before.
 */
async function beginHere(next: Neighbour, before: Visit): Promise<string | null> {
  const leave = fromHere();
  const isProved = await fixAfter(before.check_out?.fix_at_ms ?? before.check_in?.fix_at_ms ?? 0);
  let isHere = false;
  leave(() => { isHere = true; });
  const id = isHere ? await storing(() => visitFor(next)) : null;
  if (!id) return null;
  await afterAction();
  const visit = visits.peek().get(id);
  if (isProved && visit && isOneTap(visit)) return begin(visit, null, "");
  leave(() => go("check-in", id));
  return null;
}

/** Today's visit of a client; one of a later day comes forward, and without any it is one beside the plan. */
async function visitFor(next: Neighbour): Promise<string> {
  const { client, visit, place_id } = next;
  if (next.why === "planned") return visit!.id;
  if (!visit) return createVisit(db, client, place_id, today.peek(), "");
  const new_visit_id = newId();
  await act(db, "visit.move", subjectOf(visit, client.name), { day: today.peek(), reason: "already_there", new_visit_id });
  return new_visit_id;
}

/** Whether the check-in's screen would offer its plain button: on shift, a fresh fix, near enough. */
function isOneTap(visit: Visit): boolean {
  const at = here.peek();
  if (!shift.peek() || isPaused.peek() || underWay.peek() || !at || fixState(at, Date.now()) !== "fresh") return false;
  const point = pointOf(visit);
  return !point || metresBetween(at, point) <= RADIUS_M + Math.round(at.accuracy_m ?? 0);
}

/** Whether the receiver has told a place since a moment (the server's clock), asking it anew and waiting a little. */
function fixAfter(ms: number): Promise<boolean> {
  const isNew = () => here.value !== null && serverTime(here.value.fix_at_ms) > ms;
  if (isNew()) return Promise.resolve(true);
  askPosition();
  return new Promise((done) => {
    const late = setTimeout(() => end(false), FIX_WAIT_MS);
    const stop = effect(() => { if (isNew()) queueMicrotask(() => end(true)); });
    const end = (is: boolean) => {
      clearTimeout(late);
      stop();
      done(is);
    };
  });
}
