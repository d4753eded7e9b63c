/** The day's receipt: the server lists what it holds, the phone compares each record. */
import { useEffect, useState } from "preact/hooks";
import { problemOf, refusalText, syncNow } from "../app";
import { addDays, bytes, longDay, t, time, timeWithSeconds } from "../i18n";
import { Icon } from "../icons";
import { Btn, LinkBtn, Top, Truth, VerdictMark, verdictWord } from "../parts";
import { href } from "../router";
import type { Entry, Visit } from "../docs";
import { compare } from "../receipt";
import { clientOf, clients, db, entries, files, shift, today, unsent, visitsOf } from "../store";
import type { Receipt as ReceiptDoc } from "../wire.gen";
import { Row } from "./closed";
import { exportFile, Ring } from "./outbox";
import { Photo } from "./visit";

const DAYS_BACK = 7;

/** The newest receipt is kept, so that its word can be read without a network too. */
async function kept(day: string): Promise<ReceiptDoc | null> {
  const last = await db.get<ReceiptDoc>("receipt");
  return last?.day === day ? last : null;
}

export function Receipt({ day }: { day: string }) {
  const [receipt, setReceipt] = useState<ReceiptDoc | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const ask = async () => {
    await syncNow();
    const answer = await fetch(`/api/v1/sync/receipt?day=${day}`, { cache: "no-store" }).catch(() => null);
    if (answer && !answer.ok) setProblem(refusalText(await problemOf(answer)));
    const told = answer?.ok ? ((await answer.json().catch(() => null)) as ReceiptDoc | null) : null;
    if (told?.day !== day || !told.signed) { // nothing, or somebody else's answer, such as a WiFi's sign-in page
      if (!answer || answer.ok) setProblem(t("phone.receipt.no_network"));
      return setReceipt(await kept(day));
    }
    setProblem(null);
    await db.put("receipt", told);
    setReceipt(told);
  };
  useEffect(() => {
    setReceipt(null);
    void ask();
  }, [day]);
  return (
    <>
      <Top title={t("phone.receipt.title")} sub={longDay(day)}>
        {unsent.value.length > 0 && <button class="ib" type="button" aria-label={t("phone.outbox.export")} onClick={() => void exportFile()}><Icon name="share" /></button>}
      </Top>
      <Truth thin />
      <main tabIndex={0}>
        {receipt && problem && <div class="note warn" style="margin-bottom:10px"><Icon name="cloudOff" /><div><b>{problem}</b>{t("phone.receipt.as_of", { time: timeWithSeconds(receipt.issued_at_ms) })}</div></div>}
        {receipt ? <Compared receipt={receipt} day={day} isOld={problem !== null} /> : (
          <section class="card"><div class="hero c plain"><Icon name={problem ? "cloudOff" : "cloudWait"} class="xl" /><h2 class="hero-h">{problem ?? t("phone.receipt.asking")}</h2>{problem && <p>{t("phone.receipt.later")}</p>}</div><Here day={day} /></section>
        )}
        <OtherDays day={day} />
      </main>
      <footer class="dock">
        {shift.value && <div class="btns" style="margin-bottom:10px"><LinkBtn class="q" icon="square" to={href("shift")}>{t("phone.shift.end")}</LinkBtn></div>}
        <div class="btns"><Btn class="huge p" icon="cloudUp" onClick={() => void ask()}>{t("phone.receipt.again")}</Btn></div>
      </footer>
    </>
  );
}

function OtherDays({ day }: { day: string }) {
  const [before, after] = [addDays(day, -1), addDays(day, 1)];
  return (
    <nav class="btns" style="margin-top:12px" aria-label={t("phone.receipt.title")}>
      {day > addDays(today.value, -DAYS_BACK) && <LinkBtn class="q" icon="back" to={href("receipt", before)}>{longDay(before)}</LinkBtn>}
      {day < today.value && <LinkBtn class="q" icon="next" to={href("receipt", after)}>{longDay(after)}</LinkBtn>}
    </nav>
  );
}

/** What this phone knows of the day. */
function onPhone(day: string) {
  const all = visitsOf(day).filter((v) => v.state === "closed");
  const photos = new Set(all.flatMap((v) => v.attachments.map((a) => a.sha256)));
  return { visits: all, photos };
}

function Here({ day }: { day: string }) {
  const mine = onPhone(day);
  return <p class="pad small muted">{t("phone.receipt.here", { visits: mine.visits.length, photos: mine.photos.size })}</p>;
}

function Compared({ receipt, day, isOld }: { receipt: ReceiptDoc; day: string; isOld: boolean }) {
  const { isWhole, missingVisits, missingPhotos, missingSounds, open, left, ...counts } = compare(receipt, visitsOf(day), entries.value, files.value);
  const missing = missingVisits.length + missingPhotos.length + missingSounds.length + open.length + left.length;
  return (
    <>
      <section class="card">
        <div class={`hero c ${isWhole ? "ok" : "warn"}`}>
          <Icon name={isWhole ? "cloudTick" : "cloudWait"} class={`xl ${isWhole ? "c-ok" : ""}`} />
          <h2 class="hero-h">{isWhole ? t("phone.receipt.whole", counts) : t("phone.receipt.partly", { n: missing })}</h2>
          {!isOld && <p>{t(isWhole ? "phone.receipt.compared" : "phone.receipt.stay_signed_in")}</p>}
        </div>
        <table>
          <thead><tr><th><span class="vh">{t("phone.receipt.what")}</span></th><th>{t("phone.receipt.phone")}</th><th>{t("phone.receipt.server")}</th></tr></thead>
          <tbody>
            <Row name={t("phone.receipt.visits")} here={counts.visits} there={counts.visits - missingVisits.length} />
            <Row name={t("phone.visit.photos")} here={counts.photos} there={counts.photos - missingPhotos.length} />
            {counts.sounds > 0 && <Row name={t("phone.sound.many")} here={counts.sounds} there={counts.sounds - missingSounds.length} />}
            {open.length + left.length > 0 && <Row name={t("phone.receipt.other")} here={open.length + left.length} there={0} />}
          </tbody>
        </table>
        <div class="seal"><Icon name="lock" /><div>{t("phone.receipt.signed", { time: timeWithSeconds(receipt.issued_at_ms) })}<br /><span class="mono">{receipt.signed.slice(0, 16).toUpperCase().replace(/(.{4})(?=.)/g, "$1-")}</span></div></div>
      </section>
      {missing > 0 && <h2 class="sec">{t("phone.receipt.what_misses")}</h2>}
      <MissingWork visits={missingVisits} open={open} />
      {missingPhotos.length + missingSounds.length + left.length > 0 && <MissingFiles hashes={[...missingPhotos, ...missingSounds, ...left]} day={day} />}
      <Verdicts day={day} />
    </>
  );
}

/** Visits and other actions by name, each with why it isn't there: it waits, or was refused. */
function MissingWork({ visits, open }: { visits: Visit[]; open: Entry[] }) {
  if (visits.length + open.length === 0) return null;
  return (
    <section class="card"><div class="list">
      {visits.map((v) => <Missing name={clientOf(v)?.name ?? ""} what={t("phone.outbox.waiting")} />)}
      {open.map((e) => <Missing name={e.title || entryWord(e)} what={`${entryWord(e)} · ${t(e.status === "refused" ? "phone.outbox.refused" : "phone.outbox.waiting")}`} />)}
    </div></section>
  );
}

function Missing({ name, what }: { name: string; what: string }) {
  return <div><Icon name="cloudWait" /><div class="t"><p>{name}</p><p>{what}</p></div></div>;
}

function entryWord(e: Entry): string {
  return t(`phone.entry.${e.kind.replace(".", "_")}`);
}

function MissingFiles({ hashes, day }: { hashes: string[]; day: string }) {
  const all = visitsOf(day);
  return (
    <>
      <section class="card"><div class="list">
        {hashes.map((sha) => {
          const file = files.value.find((f) => f.sha256 === sha);
          const visit = all.find((v) => v.attachments.some((a) => a.sha256 === sha));
          return (
            <div>{file && file.kind !== "photo" ? <Icon name={file.kind === "audio" ? "mic" : "pen"} /> : <Photo sha={sha} state={file?.state ?? ""} at={file?.taken_at_ms ?? null} small />}
              <div class="t"><p>{(visit ? clientOf(visit) : file && clients.value.get(file.visit_id))?.name}</p><p>{[file?.state === "refused" ? t("phone.outbox.refused") : "", file ? time(file.taken_at_ms) : "", file ? bytes(file.size) : ""].filter(Boolean).join(" · ")}</p></div>
              {file && file.offset > 0 ? <Ring share={file.offset / file.size} /> : <Icon name="cloudWait" />}
            </div>
          );
        })}
      </div></section>
    </>
  );
}

function Verdicts({ day }: { day: string }) {
  const closed = visitsOf(day).filter((v) => v.state === "closed");
  const kinds = (["confirmed", "doubtful", "contradicted", "unjudged"] as const).map((k) => [k, closed.filter((v) => v.verdict === k).length] as const).filter(([, n]) => n > 0);
  if (kinds.length === 0) return null;
  return (
    <section class="card" style="margin-top:10px"><div class="list">
      {kinds.map(([k, n]) => <div><VerdictMark visit={{ verdict: k, state: "closed" }} /><div class="t"><p>{verdictWord(k)}</p></div><b>{n}</b></div>)}
    </div></section>
  );
}
