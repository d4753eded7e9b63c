/** The head of a visit's form, and of the check-in from the moment when that is written down. */
import type { Visit } from "../docs";
import { metresBetween } from "../geo";
import { distance, t, time } from "../i18n";
import { Icon } from "../icons";
import type { DraftKeeper } from "../kept";
import { trackCell } from "../parts";
import { back, href } from "../router";
import { clientOf, isStorageFull, isWriting, offsetMs, pointOf, second } from "../store";

/** Whether the visit and what was typed of it lie on the phone's disk. */
function TruthKept({ keeper }: { keeper?: DraftKeeper }) {
  if (keeper?.isRefused.value) {
    const why = t(isStorageFull.value ? "phone.truth.tap_to_free" : "phone.visit.not_saved_why");
    return <a href={href(isStorageFull.value ? "storage" : "outbox")} class="bad"><Icon name="disk" /><span><b>{t("phone.visit.not_saved")}</b><i>{why}</i></span></a>;
  }
  if (isWriting.value) return <a href={href("outbox")}><Icon name="onPhone" /><span><b>{t("phone.truth.writing")}</b><i>{t("phone.truth.writing_sub")}</i></span></a>;
  const savedAt = keeper?.keptAt.value;
  return <a href={href("outbox")} class="ok"><Icon name="onPhone" /><span><b>{t("phone.visit.saved")}</b><i>{savedAt ? t("phone.visit.saved_at", { time: time(savedAt + offsetMs.value) }) : t("phone.visit.saved_start")}</i></span></a>;
}

/**
 * The head of a visit under way: who, since when, what is on disk, what is tracked. `hasBegun` false: made
 * ready before the visit is, for the moment when the check-in is written down.
 */
export function FormTop({ visit, keeper, hasBegun = true }: { visit: Visit; keeper?: DraftKeeper; hasBegun?: boolean }) {
  const now = second.value + offsetMs.value;
  const startedAt = visit.checked_in_at_ms ?? now;
  const s = Math.max(0, Math.floor((now - startedAt) / 1000));
  const clock = s < 3600 ? `${String(Math.floor(s / 60)).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}` : `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, "0")}`;
  const point = pointOf(visit);
  const c = visit.check_in;
  const metres = point && c?.lat != null && c.lng != null ? metresBetween(point, { lat: c.lat, lng: c.lng }) : null;
  const track = trackCell();
  return (
    <>
      <header class="vh-top">
        <button class="ib" type="button" aria-label={t("phone.visit.fold")} onClick={back}><Icon name="down" /></button>
        <div class="grow"><h1 class="ell">{clientOf(visit)?.name ?? "…"}</h1><p class="tiny muted ell">{[t("phone.visit.since", { time: time(startedAt) }), metres === null ? t("phone.visit.no_gps") : t("phone.visit.at_distance", { distance: distance(metres) })].join(", ")}</p></div>
        {hasBegun && <div class="timer" role="timer" aria-label={t("phone.visit.timer", { n: Math.floor(s / 60) })}><i class="sq" />{clock}</div>}
      </header>
      <nav class="truth thin" aria-label={t("phone.truth.label")}>
        <TruthKept keeper={keeper} />
        <a href={href("shift")} class={track.tone}><Icon name={track.icon} /><span><b>{track.title}</b><i>{track.sub}</i></span></a>
      </nav>
    </>
  );
}
