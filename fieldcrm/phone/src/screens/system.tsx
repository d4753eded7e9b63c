/** Screens about the app itself: signing in anew, plan changes, storage, versions, settings. */
import { useState } from "preact/hooks";
import {
  freeSpace, install, installPrompt, isInstalled, isPersisted, askForKeeping, update, signOut,
  syncNow, updateReady, VERSION, hasUnsent,
} from "../app";
import type { PlanRow } from "../docs";
import { bytes, longDay, t, time } from "../i18n";
import { Icon } from "../icons";
import { planDifference } from "../plan";
import { Btn, Chip, LinkBtn, Top, Truth } from "../parts";
import { back, href, turn } from "../router";
import {
  choose, db, files, isStorageFull, keepAwake, me, navigator_, notices, offsetMs, progress, refresh, theme, unsent,
  visits, waitingFiles,
} from "../store";
import { dropMap, mapSize, saveMap } from "../region";
import { ExportButton, ExportNote } from "./outbox";
import { Languages, SignInForm } from "./signin";

/** The sign-in ended: work goes on, sending waits. */
export function SignInAgain() {
  return (
    <>
      <Top title={t("phone.session.title")} />
      <Truth thin />
      <main tabIndex={0}>
        <div class="row" style="gap:12px;align-items:flex-start;margin-bottom:12px"><Icon name="lock" class="l" /><div><h2 class="big-name">{t("phone.session.head")}</h2><p class="small muted" style="margin-top:4px">{t("phone.session.text")}</p></div></div>
        <section class="card pad"><SignInForm submit={t("phone.signin.enter")} login={me.value?.user.login ?? ""} done={() => turn("today")} /></section>
      </main>
      <footer class="dock"><div class="btns"><LinkBtn class="big q" to={href("today")}>{t("phone.session.later")}</LinkBtn></div></footer>
    </>
  );
}

// ── plan changed ──

const ends = (rows: PlanRow[]) => Math.max(0, ...rows.filter((r) => r.state === "planned").map((r) => r.at_ms ?? 0));
const count = (rows: PlanRow[]) => rows.filter((r) => r.state !== "moved" && r.state !== "cancelled").length;

export function PlanChanged() {
  const notice = notices.value.find((n) => !n.seen) ?? notices.value[0];
  if (!notice) return <><Top title={t("phone.plan.changed")} /><main tabIndex={0}><p class="note">{t("phone.plan.none")}</p></main></>;
  const d = planDifference(notice.before, notice.after);
  const done = notice.after.filter((r) => r.state === "closed").length;
  const n = d.added.length + d.moved.length + d.removed.length;
  const seen = async () => {
    await db.notices.where("seen").equals(0).modify({ seen: 1 });
    await refresh();
    turn("today");
  };
  return (
    <>
      <Top title={t("phone.plan.changed")} sub={t("phone.plan.at", { time: time(notice.at_ms + offsetMs.value) })} />
      <Truth thin />
      <main tabIndex={0}>
        <section class="card"><div class="ba">
          <div class="num"><b>{count(notice.before)}</b><span>{t("phone.plan.ends", { n: count(notice.before), time: ends(notice.before) ? time(ends(notice.before)) : "–" })}</span></div><Icon name="next" class="c-acc" />
          <div class="num" style="padding-left:10px"><b>{count(notice.after)}</b><span>{t("phone.plan.ends", { n: count(notice.after), time: ends(notice.after) ? time(ends(notice.after)) : "–" })}</span></div>
        </div></section>
        <h2 class="sec">{t("phone.plan.changes", { n })}</h2>
        <section class="card">
          {d.added.map((r) => <Diff sign="plus" look="add" row={r} note={t("phone.plan.new")} now={r.at_ms} />)}
          {d.moved.map((m) => <Diff sign="order" look="mov" row={m.after} note={t(`phone.plan.${m.direction}`)} was={m.before.at_ms} now={m.after.at_ms} />)}
          {d.removed.map((m) => <Diff sign="minus" look="rem" row={m.before} note={goneTo(m.after)} was={m.before.at_ms} now={null} out />)}
        </section>
        <h2 class="sec">{t("phone.plan.stays")}</h2>
        <section class="card">
          {done > 0 && <div class="df"><span class="sg same"><Icon name="lock" class="s" /></span><div><p class="n">{t("phone.plan.done", { n: done })}</p><p class="m">{t("phone.plan.untouched")}</p></div><div class="tt" /></div>}
          <div class="df"><span class="sg same">=</span><div><p class="n">{t("phone.plan.same", { n: d.same.length })}</p></div><div class="tt" /></div>
        </section>
      </main>
      <footer class="dock"><div class="btns"><Btn class="huge p" icon="tick" onClick={() => void seen()}>{t("phone.plan.accept")}</Btn></div></footer>
    </>
  );
}

function goneTo(after: PlanRow | null): string {
  const visit = after && visits.value.get(after.id);
  const to = visit?.moved_to_id ? visits.value.get(visit.moved_to_id) : null;
  return to ? t("phone.visit.moved_to", { day: longDay(to.day) }) : t("phone.plan.removed");
}

function Diff(p: { sign: "plus" | "order" | "minus"; look: string; row: PlanRow; note: string; was?: number | null; now: number | null; out?: boolean }) {
  return (
    <div class={`df ${p.out ? "out" : ""}`}>
      <span class={`sg ${p.look}`}><Icon name={p.sign} class="s" /></span>
      <div style="min-width:0"><p class="n ell">{p.row.name}</p><p class="m ell">{[p.note, p.row.place].filter(Boolean).join(" · ")}</p></div>
      <div class="tt">{p.was ? <s>{time(p.was)}</s> : null}{p.now ? time(p.now) : ""}</div>
    </div>
  );
}

// ── install, update, storage ──

export function Install() {
  return (
    <>
      <Top title={t("phone.install.title")} />
      <main tabIndex={0}>
        <section class="card">
          <div class="pad" style="display:grid;place-items:center;padding-top:20px"><div class="logo"><Icon name="arrow" class="xl" /></div><h2 class="big-name" style="margin-top:12px">fieldcrm</h2><p class="small muted" style="text-align:center">{t("phone.install.like_app")}</p></div>
          <div class="list" style="border-top:1px solid var(--line)">
            <div><Icon name="disk" class="c-acc" /><div class="t"><p>{t("phone.install.keeps")}</p><p>{t("phone.install.keeps_sub")}</p></div></div>
            <div><Icon name="cloudOff" class="c-acc" /><div class="t"><p>{t("phone.install.offline")}</p><p>{t("phone.install.offline_sub")}</p></div></div>
          </div>
        </section>
        <h2 class="sec">{t("phone.install.now")}</h2>
        <section class="card"><div class="list"><Persisted /></div></section>
        {!installPrompt.value && !isInstalled.value && <p class="note" style="margin-top:10px">{t("phone.install.by_hand")}</p>}
      </main>
      <footer class="dock">
        <div class="btns" style="margin-bottom:10px"><Btn class="link" onClick={back}>{t("phone.install.later")}</Btn></div>
        {installPrompt.value && <div class="btns"><Btn class="huge p" icon="plus" onClick={() => void install()}>{t("phone.install.do")}</Btn></div>}
      </footer>
    </>
  );
}

function Persisted() {
  const kept = isPersisted.value;
  return (
    <div><Icon name={kept ? "tick" : "warn"} class={kept ? "c-acc" : "c-doubt"} /><div class="t"><p>{t(kept ? "phone.storage.kept" : "phone.storage.may_go")}</p><p>{t(kept ? "phone.storage.kept_sub" : "phone.storage.may_go_sub")}</p></div>
      {!kept && <Btn class="fit" onClick={() => void askForKeeping()}>{t("phone.storage.ask")}</Btn>}
    </div>
  );
}

export function Update() {
  const isOld = progress.value.problem === "too_old";
  const n = unsent.value.length + waitingFiles.value.length;
  if (!isOld && !updateReady.value) return <UpToDate />;
  return (
    <>
      <Top title={t("phone.update.title")} />
      <Truth thin />
      <main tabIndex={0} class="flush" style="display:flex"><section class="empty"><Icon name="again" class="xl" /><h2 class="big-name">{t(isOld ? "phone.update.moved_on" : "phone.update.ready")}</h2>
        <p>{t(isOld ? "phone.update.old_text" : "phone.update.text")}</p>
        {n > 0 && <div class="card" style="width:100%;text-align:left;margin-top:8px"><div class="list"><div><Icon name="onPhone" class="c-acc" /><div class="t"><p>{t("phone.update.stays", { n })}</p><p>{t("phone.update.stays_sub")}</p></div></div></div></div>}
      </section></main>
      <footer class="dock"><div class="btns col"><Btn class="huge p" icon="again" onClick={() => void update()}>{t("phone.update.restart")}</Btn>{isOld && n > 0 && <ExportButton class="big q" />}<Btn class="big q" onClick={back}>{t("phone.update.later")}</Btn></div></footer>
    </>
  );
}

function UpToDate() {
  return (
    <>
      <Top title={t("phone.update.title")} />
      <Truth thin />
      <main tabIndex={0} class="flush" style="display:flex"><section class="empty"><Icon name="tick" class="xl c-acc" /><h2 class="big-name">{t("phone.update.newest")}</h2><p class="mono">{VERSION}</p></section></main>
    </>
  );
}

export function Storage() {
  const stored = files.value.filter((f) => f.state === "stored" && f.has_bytes);
  const size = stored.reduce((sum, f) => sum + f.size, 0);
  const [freed, setFreed] = useState<number | null>(null);
  const free = async () => setFreed(await freeSpace());
  return (
    <>
      <Top title={t("phone.storage.title")} />
      <Truth thin />
      <main tabIndex={0}>
        {isStorageFull.value
          ? <div class="note bad" role="alert"><Icon name="disk" /><div><b>{t("phone.storage.full")}</b>{t("phone.storage.full_text")}</div></div>
          : <div class="note ok"><Icon name="tick" /><div><b>{t("phone.storage.room")}</b>{t("phone.storage.room_text")}</div></div>}
        <ExportNote />
        <h2 class="sec">{t("phone.storage.free")}</h2>
        <section class="card"><div class="list">
          <div><span class="box on"><Icon name="tick" class="s" /></span><div class="t"><p>{t("phone.storage.photos")}</p><p>{t("phone.storage.photos_sub", { n: stored.length })}</p></div><b class="nw">{size ? bytes(size) : ""}</b></div>
          {mapSize.value !== null && <div><span class="box" /><div class="t"><p>{t("phone.settings.map")}</p><p>{t("phone.storage.map_sub")}</p></div><Btn class="fit" onClick={() => void dropMap()}>{bytes(mapSize.value)}</Btn></div>}
          <div><Icon name="lock" /><div class="t"><p>{t("phone.storage.unsent")}</p><p>{[t("phone.truth.waiting", { n: unsent.value.length }), t("phone.outbox.photos", { n: waitingFiles.value.length })].join(" · ")}</p></div></div>
        </div></section>
        {freed !== null && <p class="note ok" role="status" style="margin-top:10px"><Icon name="tick" />{t("phone.storage.freed", { size: bytes(freed) })}</p>}
      </main>
      <footer class="dock"><div class="btns">
        {unsent.value.length > 0 && <ExportButton />}
        <Btn class={`huge c2 ${stored.length ? "p" : "q"}`} onClick={() => void free()}>{stored.length ? t("phone.storage.do", { size: bytes(size) }) : t("phone.storage.retry")}</Btn>
      </div></footer>
    </>
  );
}

// ── settings ──

/** Signing out empties the phone: unsent work is sent first, or leaves as a file the office brings in. */
function SignOut() {
  const [kept, setKept] = useState<"unsent" | "offline" | null>(null);
  const [isExported, setExported] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const out = async (anyway: boolean) => {
    setBusy(true);
    const isOut = await signOut(anyway).finally(() => setBusy(false));
    if (!isOut) setKept(hasUnsent() && !anyway ? "unsent" : "offline");
  };
  const n = unsent.value.length + waitingFiles.value.length;
  return (
    <>
      {kept && (
        <div class="note bad" role="alert" style="margin-top:10px"><Icon name="lock" />
          <div class="grow"><p>{t(`phone.signout.${kept}`)}</p>
            {kept === "unsent" && (
              <>
                {n > 0 && <p class="strong" style="margin-top:6px">{t("phone.signout.what", { n })}</p>}
                <div class="btns col" style="margin-top:10px">
                  <Btn icon="cloudUp" onClick={() => void syncNow()}>{t("phone.outbox.send")}</Btn>
                  <ExportButton class="" done={() => setExported(true)} />
                  {isExported && <Btn class="d" onClick={() => void out(true)}>{t("phone.signout.exported")}</Btn>}
                </div>
              </>
            )}
          </div>
        </div>
      )}
      <div class="btns" style="margin-top:12px"><Btn class="d" disabled={isBusy} onClick={() => void out(false)}>{t("phone.signout")}</Btn></div>
    </>
  );
}

export function Settings() {
  const [map, setMap] = useState<string | null>(null);
  const save = async () => {
    setMap(t("phone.settings.map_saving"));
    setMap((await saveMap()) ? t("phone.settings.map_saved") : t("phone.settings.map_failed"));
  };
  return (
    <>
      <Top title={t("phone.settings")} sub={me.value?.user.name} />
      <main tabIndex={0}>
        <section class="card"><div class="fs"><div class="h"><h2>{t("phone.settings.language")}</h2></div><Languages pick={(l) => void choose("language", l)} /></div></section>
        <section class="card"><div class="fs"><div class="h"><h2>{t("phone.settings.theme")}</h2></div>
          <div class="grid3" role="group" aria-label={t("phone.settings.theme")}>{(["system", "light", "dark"] as const).map((k) => <Chip on={theme.value === k} onClick={() => void choose("theme", k)}>{t(`phone.settings.${k}`)}</Chip>)}</div>
        </div></section>
        <section class="card"><div class="fs"><div class="h"><h2>{t("phone.navigate.with")}</h2></div>
          <div class="grid2" role="group" aria-label={t("phone.navigate.with")}>{(["ask", "geo", "google", "apple"] as const).map((k) => <Chip on={navigator_.value === k} onClick={() => void choose("navigator", k)}>{t(`phone.navigate.${k}`)}</Chip>)}</div>
        </div></section>
        <section class="card pad">
          <button class="opt" type="button" role="switch" aria-checked={keepAwake.value} onClick={() => void choose("keep_awake", !keepAwake.value)}><Icon name="eye" /><span class="grow" style="text-align:left">{t("phone.settings.awake")}</span><span class={`sw ${keepAwake.value ? "on" : ""}`} /></button>
          <p class="small muted">{t("phone.settings.awake_sub")}</p>
        </section>
        <section class="card"><div class="list">
          <div><Icon name="map" /><div class="t"><p>{t("phone.settings.map")}</p><p>{map ?? (mapSize.value ? t("phone.settings.map_has", { size: bytes(mapSize.value) }) : t("phone.settings.map_none"))}</p></div><Btn class="fit" onClick={() => void save()}>{t("phone.settings.map_get")}</Btn></div>
          <Persisted />
          <a href={href("install")}><Icon name="plus" /><div class="t"><p>{t("phone.install.title")}</p></div><Icon name="next" class="s" /></a>
          <a href={href("tasks")}><Icon name="bell" /><div class="t"><p>{t("phone.tasks.title")}</p><p>{t("phone.tasks.wake")}</p></div><Icon name="next" class="s" /></a>
          <a href={href("pair")}><Icon name="link" /><div class="t"><p>{t("phone.pair.title")}</p></div><Icon name="next" class="s" /></a>
        </div></section>
        {updateReady.value && <div class="btns" style="margin-top:10px"><LinkBtn class="soft" icon="again" to={href("update")}>{t("phone.update.ready")}</LinkBtn></div>}
        <SignOut />
        <p class="tiny muted" style="text-align:center;margin-top:10px">fieldcrm {VERSION}</p>
      </main>
    </>
  );
}

