/** What the server would not take as it was: each action and file with why, and what the rep can do. */
import { refusalText } from "../app";
import { takeTheirs } from "../choose";
import type { Entry } from "../docs";
import { t, time, type Params } from "../i18n";
import { Icon } from "../icons";
import { Btn, LinkBtn } from "../parts";
import { go, href } from "../router";
import { db, refresh, undecided, visits } from "../store";
import { entryTitle } from "./outbox";
import { StuckFiles } from "./stuck";

export function NeedsYou() {
  return (
    <>
      {undecided.value.length > 0 && <h2 class="sec">{t("phone.outbox.needs_you", { n: undecided.value.length })}</h2>}
      {undecided.value.map((e) => (e.status === "refused" ? <Refused entry={e} /> : <Both entry={e} />))}
      <StuckFiles />
    </>
  );
}

/** Where a refused action of another kind can be put right. */
const NEXT: Record<string, (e: Entry) => string> = {
  "client.correct": (e) => href("correct", e.subject_id),
  "client.field": (e) => href("client", e.subject_id),
  "client.consent": (e) => href("client", e.subject_id),
  "day.order": (e) => href("order", String(e.payload.day)),
  "day.replan": (e) => href("order", String(e.payload.day)),
  "joint.ask": (e) => href("together", String(e.payload.visit_id)),
};

function Refused({ entry }: { entry: Entry }) {
  const visit = visits.value.get(entry.subject_id);
  const quoted = [entry.payload.comment, entry.payload.note, entry.payload.reason, String(entry.payload.value ?? "")].find((x): x is string => typeof x === "string" && x !== "");
  const dismiss = async () => {
    await takeTheirs(db, [entry]);
    await refresh();
  };
  const again = async () => {
    await keepAsDraft(entry);
    await dismiss();
    go(entry.kind === "client.note" ? "client" : "visit", entry.subject_id);
  };
  const isVisit = entry.kind.startsWith("visit.");
  const next = NEXT[entry.kind]?.(entry);
  const canRetry = entry.kind === "client.note" || (visit !== undefined && (visit.state === "planned" || visit.state === "under_way"));
  return (
    <section class="card" style="border-color:var(--contradicted)"><div class="ob">
      <Icon name="cloudMark" class="c-contra" />
      <div><p class="n">{entryTitle(entry)}</p><p class="m">{t("phone.outbox.your_change", { time: time(entry.device_at_ms + entry.offset_ms) })}</p></div>
      <div class="s c-contra">{t("phone.outbox.refused")}</div>
      <div class="x">
        <p class="small" style="margin:6px 0 10px">{refusalText({ code: entry.code, params: entry.params as Params })}{quoted && <><br />{t("phone.outbox.kept")} <b>“{quoted}”</b></>}</p>
        <div class="btns">
          {(canRetry || !isVisit) && <Btn class="q" onClick={() => void dismiss()}>{t("phone.outbox.give_up")}</Btn>}
          {next && <LinkBtn class="soft" to={next}>{t("phone.outbox.correct")}</LinkBtn>}
          {canRetry ? <Btn class="soft" onClick={() => void again()}>{t("phone.outbox.correct")}</Btn>
            : isVisit && <LinkBtn class="soft" icon="two" to={href("conflict", entry.id)}>{t("phone.conflict.choose")}</LinkBtn>}
        </div>
      </div>
    </div></section>
  );
}

/** The server took it in, but somebody else had changed the same: both values are kept. */
function Both({ entry }: { entry: Entry }) {
  return (
    <section class="card" style="border-color:var(--doubtful)">
      <a class="ob" href={href("conflict", entry.id)}>
        <Icon name="two" class="c-doubt" />
        <div><p class="n">{entryTitle(entry)}</p><p class="m">{t("phone.conflict.fields", { n: entry.conflicts!.length })}</p></div>
        <div class="s c-doubt">{t("phone.conflict.choose")}</div>
      </a>
    </section>
  );
}

/** What the rep wrote in a refused closing goes back into the form. */
async function keepAsDraft(entry: Entry): Promise<void> {
  if (entry.kind !== "visit.close" || (await db.drafts.get(entry.subject_id))) return;
  const p = entry.payload as { result?: never; comment?: string; details?: never; next_step?: { text: string; due_on: string | null } | null };
  await db.drafts.put({
    visit_id: entry.subject_id, result: p.result ?? null, comment: p.comment ?? "",
    details: p.details ?? { products: [], samples: {}, stock: {} }, next_text: p.next_step?.text ?? "",
    next_on: p.next_step?.due_on ?? null, saved_at_ms: Date.now(),
  });
  await db.files.where("visit_id").equals(entry.subject_id).and((f) => f.entry_id === entry.id && f.state !== "stored").modify({ state: "held", entry_id: null });
}
