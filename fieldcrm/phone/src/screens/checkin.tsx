/** Check-in: how far one stands from the place, how sure the phone is, and what to do if it isn't. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { checkIn, keepPhoto } from "../actions";
import { afterAction, refusalText, storing } from "../app";
import type { Visit } from "../docs";
import { metresBetween } from "../geo";
import { distance, number, span, t, time } from "../i18n";
import { Icon } from "../icons";
import { checkInFacts, fixState, LIMITS, tryMove } from "../life";
import { MapBox, restMap } from "../mapbox";
import { painted } from "../painted";
import { Btn, clientLine, Top, Truth } from "../parts";
import { shrink } from "../photo";
import { asPosition, here, permission, serverTime, watchPosition } from "../positions";
import { fromHere, route, turn, turnAtOnce } from "../router";
import { clientOf, db, files, isPaused, placeNameOf, placeOf, pointOf, second, shift, shownWhile, underWay } from "../store";
import { FormTop } from "./formtop";
import { navigateTo } from "./navigate";
import { openUntil } from "./today";
import { startShift } from "./shift";

export const RADIUS_M = 100;

export function CheckIn({ visit }: { visit: Visit }) {
  useEffect(watchPosition, []);
  const [openedAt] = useState(Date.now());
  const client = clientOf(visit);
  const hours = openUntil(visit);
  const sub = [clientLine(client), hours ? `${hours[1]} ${hours[0]}` : "", placeNameOf(visit)].filter(Boolean).join(" · ");
  const phone = client?.phone ?? placeOf(visit)?.phone;
  const state = fixState(here.value, second.value);
  const point = pointOf(visit);
  const hasPlace = state === "fresh" || state === "inaccurate";
  const isBegun = begun.value === visit.id;
  const drawn = useRef<preact.JSX.Element | null>(null);
  if (!isBegun || !drawn.current) drawn.current = (
    <>
      <Top title={client?.name ?? "…"} sub={sub}>
        {phone && <a class="ib" href={`tel:${phone}`} aria-label={t("phone.call")}><Icon name="phone" /></a>}
      </Top>
      <Truth thin />
      {notWritten.value === visit.id && <div role="alert" class="note bad" style="margin:10px"><Icon name="disk" /><p>{t("phone.checkin.not_written")}</p></div>}
      <main class="mapbox" tabIndex={0}>
        <MapBox goal={point && { ...point, label: String(visit.position || "") }} radius={RADIUS_M} me={here.value} isFresh={state === "fresh"} />
      </main>
      {underWay.value && underWay.value.id !== visit.id ? <OtherUnderWay other={underWay.value} />
        : hasPlace && point && state === "fresh" ? <WithFix visit={visit} metres={metresBetween(here.value!, point)} />
        : state === "fresh" ? <NoPlace visit={visit} /> : <NoFix visit={visit} openedAt={openedAt} />}
    </>
  );
  // The head of the visit under way is laid out while the rep stands before the button: his press only uncovers it.
  return <>{drawn.current}<div class={isBegun ? "begun on" : "begun"}><FormTop visit={visit} hasBegun={isBegun} /></div></>;
}

/** The visit that has just begun: said over the check-in, which stays as it was until that is on the screen. */
const begun = signal<string | null>(null);

function OtherUnderWay({ other }: { other: Visit }) {
  return (
    <section class="sheet" aria-label={t("phone.next.label")}>
      <div class="note warn" style="margin-bottom:12px"><Icon name="square" /><div><b>{t("phone.checkin.other")}</b>{clientOf(other)?.name}</div></div>
      <div class="btns"><Btn class="huge p" onClick={() => turn("visit", other.id)}>{t("phone.next.go_on")}</Btn></div>
    </section>
  );
}

/** The visit whose check-in this phone would not write down. */
const notWritten = signal<string | null>(null);

/** The visit whose check-in is on its way to the disk: a second press means the same. */
let pressed: string | null = null;

/** What comes before the check-in of the same press, such as the start of the shift. */
type Before = () => Promise<void>;

export async function begin(visit: Visit, noGpsReason: string | null, comment: string, before?: Before): Promise<string | null> {
  const position = fixState(asPosition(), Date.now()) === "stale" ? null : asPosition();
  const hasPhoto = files.peek().some((f) => f.visit_id === visit.id && f.state === "held");
  const facts = checkInFacts(position, Date.now(), noGpsReason, comment, hasPhoto);
  const outcome = tryMove(visit.state, "check_in", "rep", facts);
  if (!outcome.ok) return refusalText({ code: outcome.error });
  const title = clientOf(visit)?.name ?? "";
  const payload = { position, no_gps_reason: noGpsReason, comment: comment.trim() || null, attachments: [] };
  const store = async () => {
    await before?.();
    return storing(() => checkIn(db, visit, title, position, noGpsReason, comment));
  };
  if (pressed === visit.id) return null;
  notWritten.value = null;
  pressed = visit.id;
  restMap(true);
  await writeDown(visit, payload, store);
  pressed = null;
  return null;
}

/** Store the check-in and say so: the answer first, then the visit's own screen, then all that follows. */
async function writeDown(visit: Visit, payload: Record<string, unknown>, store: () => Promise<unknown>): Promise<void> {
  const leave = fromHere();
  let shown: Promise<void> | null = null;
  const answer = () => { shown = answered(visit.id, () => leave(() => turnAtOnce(() => stored, "visit", visit.id))); };
  const stored: Promise<unknown> = shownWhile("visit.check_in", visit, payload, store, answer);
  const isStored = await stored.catch(() => sayNotWritten(visit.id));
  if (!isStored) restMap(false);
  await shown;
  if (isStored) await afterAction(30);
}

/** Uncover the head of the visit under way; `then`, once that is on the screen and nothing of it left to be done. */
async function answered(visitId: string, then: () => void): Promise<void> {
  begun.value = visitId;
  await painted();
  await painted();
  if (begun.peek() === visitId) then();
  begun.value = null;
}

/** A phone that is not full but wouldn't write: back to where the rep pressed, with the reason. */
function sayNotWritten(visitId: string): void {
  begun.value = null;
  notWritten.value = visitId;
  const [screen, id] = route.peek();
  if (screen === "visit" && id === visitId) turn("check-in", visitId);
}

/**
 * Starting the visit. Off shift and on a break no track is kept, so the visit would be in doubt:
 * the one tap then starts the shift as well, and going without is a choice of its own.
 */
function Start({ go, label, missing = false }: { go: (before?: Before) => Promise<void>; label: string; missing?: boolean }) {
  const isOn = shift.value !== null && !isPaused.value;
  const both = () => (missing ? go() : go(startShift));
  const count = missing && <span class="count dark">{t("phone.checkin.none_of_one")}</span>;
  const look = missing ? "wait" : "p";
  if (isOn) return <div class="btns" style="margin-top:10px"><Btn class={`huge ${look}`} onClick={() => void go()}>{t(label)}{count}</Btn></div>;
  const kind = shift.value ? "paused" : "off";
  return (
    <>
      <div class="note warn" style="margin-top:10px"><Icon name={shift.value ? "pause" : "ring"} /><p><b>{t(`phone.checkin.shift_${kind}`)}</b>{t("phone.checkin.no_track")}</p></div>
      <div class="btns col" style="margin-top:10px">
        <Btn class={`huge ${look}`} icon="play" onClick={() => void both()}>{t(`phone.checkin.with_shift_${kind}`)}{count}</Btn>
        <Btn class={missing ? "link" : "q"} onClick={() => void go()}>{t("phone.checkin.without_shift")}</Btn>
      </div>
    </>
  );
}

function WithFix({ visit, metres }: { visit: Visit; metres: number }) {
  const accuracy = Math.round(here.value!.accuracy_m ?? 0);
  const limit = RADIUS_M + accuracy;
  const [anyway, setAnyway] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const isNear = metres <= limit;
  const start = async (before?: Before) => setError(await begin(visit, null, "", before));
  return (
    <section class="sheet" aria-label={t("phone.next.label")}>
      <div class="dist">
        <div class="n">{metres < 1000 ? number(Math.round(metres)) : number(Math.round(metres / 100) / 10)}<small>{t(metres < 1000 ? "phone.unit.m_only" : "phone.unit.km_only")}</small></div>
        <div class="t"><b>{t("phone.checkin.accuracy", { n: accuracy })}</b>{t("phone.checkin.updated", { span: span(second.value - here.value!.fix_at_ms) })}</div>
      </div>
      <Ruler metres={metres} accuracy={accuracy} />
      <div class="verd">
        {isNear
          ? <><Icon name="tick" class="c-acc" /><div><b>{t("phone.checkin.near")}</b>{t("phone.checkin.limit", { radius: RADIUS_M, accuracy })}</div></>
          : <><Icon name="walk" class="c-doubt" /><div><b>{t("phone.checkin.too_far", { distance: distance(metres - limit) })}</b>{t("phone.checkin.limit", { radius: RADIUS_M, accuracy })}</div></>}
      </div>
      {anyway ? <Explain visit={visit} noGpsReason={null} /> : isNear ? (
        <Start go={start} label="phone.checkin.start" />
      ) : (
        <>
          <div class="btns" style="margin-top:10px">
            <Btn class="big q c1" onClick={() => setAnyway(true)}>{t("phone.checkin.anyway")}</Btn>
            <Btn class="big p c2" icon="route" onClick={() => navigateTo(visit)}>{t("phone.next.navigate")}</Btn>
          </div>
          <p class="tiny muted" style="text-align:center;margin-top:8px">{t("phone.checkin.anyway_cost")}</p>
        </>
      )}
      <p role="alert" class="small c-contra">{error}</p>
    </section>
  );
}

function Ruler({ metres, accuracy }: { metres: number; accuracy: number }) {
  const full = Math.max(160, Math.ceil((metres + accuracy * 1.4) / 40) * 40);
  const at = (m: number) => `${((100 * Math.min(Math.max(m, 0), full)) / full).toFixed(1)}%`;
  return (
    <div class="ruler" role="img" aria-label={t("phone.checkin.ruler", { metres: Math.round(metres), accuracy, limit: RADIUS_M + accuracy })}>
      <div class="bar" /><div class="zone" style={{ width: at(RADIUS_M) }} />
      <div class="ext" style={{ left: at(RADIUS_M), width: at(Math.min(accuracy, full - RADIUS_M)) }} />
      <div class="err" style={{ left: at(metres - accuracy), width: `calc(${at(metres + accuracy)} - ${at(metres - accuracy)})` }} />
      <div class="me" style={{ left: at(metres) }} />
      {RADIUS_M / full > 0.22 && <div class="lb l">{t("phone.checkin.place")}</div>}
      {RADIUS_M / full < 0.8 && <div class="lb" style={{ left: at(RADIUS_M) }}>{distance(RADIUS_M)}</div>}
      <div class="lb e">{distance(full)}</div>
    </div>
  );
}

/** The visit has no coordinates: nothing to measure against, the position still counts. */
function NoPlace({ visit }: { visit: Visit }) {
  const [error, setError] = useState<string | null>(null);
  return (
    <section class="sheet" aria-label={t("phone.next.label")}>
      <div class="note" style="margin-bottom:12px"><Icon name="pin" /><p>{t("phone.checkin.no_coordinates")}</p></div>
      <Start go={async (before) => setError(await begin(visit, null, "", before))} label="phone.checkin.start" />
      <p role="alert" class="small c-contra">{error}</p>
    </section>
  );
}

function NoFix({ visit, openedAt }: { visit: Visit; openedAt: number }) {
  const isDenied = permission.value === "denied" || permission.value === "unsupported";
  const last = here.value;
  const state = fixState(last, second.value);
  const searching = Math.floor((second.value - openedAt) / 1000);
  const clock = `${Math.floor(searching / 60)}:${String(Math.max(0, searching % 60)).padStart(2, "0")}`;
  return (
    <section class="sheet" aria-label={t("phone.next.label")}>
      <div class="dist">
        <div style="width:48px"><Icon name="dish" class="xl c-pause" /></div>
        <div class="t">
          <b>{isDenied ? t("phone.track.denied") : t("phone.checkin.searching", { time: clock })}</b>
          {state === "inaccurate" ? t("phone.checkin.inaccurate", { n: Math.round(last!.accuracy_m ?? 0) })
            : last ? t("phone.checkin.last_fix", { time: time(serverTime(last.fix_at_ms)) }) : t("phone.checkin.no_fix_yet")}
        </div>
      </div>
      <div class="note warn" style="margin:12px 0">
        <Icon name="dish" />
        <div><b>{t("phone.checkin.cannot_confirm")}</b>{isDenied ? t("phone.checkin.allow_position") : t("phone.checkin.why_not", { n: LIMITS.fix_age_s })}</div>
      </div>
      <Explain visit={visit} noGpsReason={isDenied ? "permission_denied" : state === "inaccurate" ? "inaccurate" : "no_fix"} />
    </section>
  );
}

/** A start that the position doesn't prove: one of a photo or a comment is asked for. */
function Explain({ visit, noGpsReason }: { visit: Visit; noGpsReason: string | null }) {
  const [comment, setComment] = useState("");
  const [isWriting, setWriting] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const camera = useRef<HTMLInputElement>(null);
  const photos = files.value.filter((f) => f.visit_id === visit.id && f.state === "held").length;
  const given = photos > 0 || comment.trim().length > 0;
  const start = async (before?: Before) => {
    if (!given) return setWriting(true);
    setError(await begin(visit, noGpsReason, comment, before));
  };
  return (
    <>
      <p class="small strong" style="margin-bottom:8px">{t(noGpsReason ? "phone.checkin.add_one" : "phone.checkin.add_one_far")}</p>
      <div class="grid2">
        <button type="button" class="ch" aria-pressed={photos > 0} onClick={() => camera.current?.click()}><Icon name="camera" class="s" />{t("phone.checkin.photo")}</button>
        <button type="button" class="ch" aria-pressed={comment.trim().length > 0} onClick={() => setWriting(true)}><Icon name="pen" class="s" />{t("phone.visit.comment")}</button>
      </div>
      <input ref={camera} type="file" accept="image/*" capture="environment" class="vh" tabIndex={-1} aria-label={t("phone.checkin.photo")} onChange={(e) => void takePhoto(e.currentTarget, visit.id)} />
      {isWriting && <textarea class="ta" style="min-height:64px;margin-top:8px" aria-label={t("phone.visit.comment")} value={comment} onInput={(e) => setComment(e.currentTarget.value)} ref={(box) => { if (comment === "") box?.focus(); }} />}
      <Start go={start} label={noGpsReason ? "phone.checkin.start_no_gps" : "phone.checkin.anyway"} missing={!given} />
      <p role="alert" class="small c-contra">{error}</p>
    </>
  );
}

/** Take the picture from a camera input into the phone's database. */
export async function takePhoto(input: HTMLInputElement, visitId: string): Promise<void> {
  const [file] = input.files ?? [];
  input.value = "";
  if (!file) return;
  const bytes = await shrink(file);
  await storing(() => keepPhoto(db, visitId, bytes, "image/jpeg", asPosition()));
  await afterAction(10);
}
