/** Outbox: what needs the rep, what waits on this phone, what is on the server. */
import { useState } from "preact/hooks";
import { syncNow } from "../app";
import type { Entry, StoredFile } from "../docs";
import { bytes, longDay, t, time } from "../i18n";
import { Icon } from "../icons";
import { Further } from "../further";
import { handOver, seal, unsentContent } from "../export";
import { Btn, LinkBtn, Tabs, TabTop, Truth, unsentBytes } from "../parts";
import { go, href } from "../router";
import { clientOf, clients, db, entries, exportedAt, files, me, offsetMs, progress, refresh, waitsTooLong, today, undecided, unsent, unsentFiles, visits } from "../store";
import { stuckFiles } from "../stuck";
import { dayOf } from "../i18n";

export function Outbox() {
  const gone = entries.value.filter((e) => e.status === "applied" && e.answered_at_ms && dayOf(e.answered_at_ms + e.offset_ms) === today.value).reverse();
  const waiting = grouped(unsent.value);
  const loose = unsentFiles.value.filter((f) => !waiting.some((g) => g.entry.id === f.entry_id));
  const n = waiting.length + loose.length;
  return (
    <>
      <TabTop title={t("phone.tab.outbox")} sub={longDay(today.value)} />
      <Truth thin />
      <main tabIndex={0}>
        <OldWarning />
        <ExportNote />
        {undecided.value.length + stuckFiles.value.length > 0 && <Further show={(m) => <m.NeedsYou />} />}
        <h2 class="sec">{t("phone.outbox.on_phone", { n })} {unsentBytes() > 0 && <span class="r">{bytes(unsentBytes())}</span>}</h2>
        <section class="card">
          {n === 0 && <div class="pad small muted">{t("phone.outbox.nothing")}</div>}
          {waiting.map((g) => <Waiting entry={g.entry} photos={g.photos} />)}
          {loose.map((f) => <Sending file={f} />)}
        </section>
        <h2 class="sec">{t("phone.outbox.on_server", { n: gone.length })} <span class="r">{t("phone.outbox.today")}</span></h2>
        <section class="card">
          {gone.length === 0 && <div class="pad small muted">{t("phone.outbox.none_today")}</div>}
          {gone.slice(0, 60).map((e) => <Gone entry={e} />)}
        </section>
        <div class="btns" style="margin-top:12px"><LinkBtn class="q" icon="lock" to={href("receipt")}>{t("phone.receipt.title")}</LinkBtn></div>
      </main>
      <footer class="dock"><div class="btns">
        <ExportButton />
        <Btn class="big p" icon="cloudUp" onClick={() => void sendNow()}>{t("phone.outbox.send")}</Btn>
      </div></footer>
      <Tabs />
    </>
  );
}

function grouped(all: Entry[]): { entry: Entry; photos: StoredFile[] }[] {
  return all.map((entry) => ({ entry, photos: unsentFiles.value.filter((f) => f.entry_id === entry.id) }));
}

async function sendNow(): Promise<void> {
  if (progress.value.problem === "signed_out") return go("sign-in");
  await syncNow();
}

/** What a phone may be holding too long: said after a day. */
function OldWarning() {
  if (!waitsTooLong.value) return null;
  return <div class="note warn" style="margin-bottom:8px"><Icon name="hour" /><div><b>{t("phone.outbox.old")}</b>{t("phone.outbox.old_text")}</div></div>;
}

export function entryTitle(e: Entry): string {
  const what = t(`phone.entry.${e.kind.replace(".", "_")}`);
  return e.title ? `${what} · ${e.title}` : what;
}

function Waiting({ entry, photos }: { entry: Entry; photos: StoredFile[] }) {
  const p = progress.value;
  const at = time(entry.device_at_ms + entry.offset_ms);
  return (
    <div class="ob">
      <Icon name={p.phase === "push" ? "cloudUp" : "cloudWait"} />
      <div><p class="n">{entryTitle(entry)}</p><p class="m">{[at, photos[0]?.kind === "file" ? t(FILE_WORD.file) : photos.length ? t("phone.outbox.photos", { n: photos.length }) : ""].filter(Boolean).join(" · ")}</p></div>
      <div class="s">{t(p.phase === "push" ? "phone.outbox.sending" : "phone.outbox.waiting")}</div>
    </div>
  );
}

/** What a file is called. */
export const FILE_WORD = { photo: "phone.visit.photo", audio: "phone.sound.title", file: "phone.own.file" };

function Sending({ file }: { file: StoredFile }) {
  const live = progress.value.file?.sha256 === file.sha256 ? progress.value.file.sent : file.offset;
  const share = file.size ? live / file.size : 0;
  const visit = visits.value.get(file.visit_id);
  const entry = entries.value.find((e) => e.id === file.entry_id);
  const isStuck = entry?.status === "refused";
  return (
    <div class="ob">
      {live > 0 ? <Ring share={share} /> : <Icon name="cloudWait" />}
      <div><p class="n">{t(FILE_WORD[file.kind])} · {(visit ? clientOf(visit) : clients.value.get(file.visit_id))?.name ?? ""}</p><p class="m">{isStuck ? t("phone.outbox.photo_stays") : bytes(file.size)}</p></div>
      <div class="s">{live > 0 ? `${Math.round(share * 100)} %` : t("phone.outbox.waiting")}</div>
      {live > 0 && <div class="x"><div class="prog"><i style={{ width: `${share * 100}%` }} /></div><p class="m" style="margin-top:4px">{t("phone.outbox.goes_on", { sent: bytes(live), size: bytes(file.size) })}</p></div>}
    </div>
  );
}

export function Ring({ share, size = 28 }: { share: number; size?: number }) {
  const round = 2 * Math.PI * 11;
  return (
    <svg class="ring" width={size} height={size} viewBox="0 0 28 28" aria-hidden="true">
      <circle class="bg" cx="14" cy="14" r="11" /><circle class="fg" cx="14" cy="14" r="11" stroke-dasharray={`${(share * round).toFixed(1)} ${round.toFixed(1)}`} transform="rotate(-90 14 14)" />
    </svg>
  );
}

function Gone({ entry }: { entry: Entry }) {
  const photos = files.value.filter((f) => f.entry_id === entry.id && f.state === "stored").length;
  return (
    <div class="ob">
      <Icon name="cloudTick" class="c-acc" />
      <div><p class="n">{entryTitle(entry)}</p><p class="m">{photos ? t("phone.outbox.photos", { n: photos }) : time(entry.device_at_ms + entry.offset_ms)}</p></div>
      <div class="s">{entry.answered_at_ms ? time(entry.answered_at_ms + entry.offset_ms) : ""}</div>
    </div>
  );
}

/** Everything not on the server yet as one sealed file, photos included, so that nothing hangs on this phone. */
export async function exportFile(): Promise<"done" | "stopped" | "no_key"> {
  const key = await db.get<string>("export_key");
  const rep = me.value?.user;
  if (!key || !rep) return "no_key";
  const sealed = await seal(await unsentContent(db, rep.id), key);
  if (!(await handOver(sealed, `fieldcrm-${rep.login ?? "rep"}-${today.value}.fieldcrm`))) return "stopped";
  await db.put("exported_at_ms", Date.now());
  await refresh();
  return "done";
}

/** The button that makes the file, and what became of it. */
export function ExportButton({ class: look = "big q c1", done }: { class?: string; done?: () => void }) {
  const [said, setSaid] = useState<"done" | "stopped" | "no_key" | null>(null);
  const run = async () => {
    const what = await exportFile();
    setSaid(what);
    if (what === "done") done?.();
  };
  return (
    <>
      <Btn class={look} icon="share" onClick={() => void run()}>{t(said === "done" ? "phone.export.again" : "phone.outbox.export")}</Btn>
      {said && <span class="vh" role="status">{t(`phone.export.${said}`)}</span>}
    </>
  );
}

/** When the last file was made, and that the work in it still waits here until the server has it. */
export function ExportNote() {
  if (!exportedAt.value || unsent.value.length + unsentFiles.value.length === 0) return null;
  return <div class="note" style="margin-bottom:8px"><Icon name="share" /><p>{t("phone.export.made", { time: time(exportedAt.value + offsetMs.value) })}</p></div>;
}
