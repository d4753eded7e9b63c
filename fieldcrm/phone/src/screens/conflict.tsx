/** Both versions side by side, of a field or of a whole visit; the rep chooses, nothing is preselected. */
import { useState } from "preact/hooks";
import { afterAction, refusalText, storing } from "../app";
import { canKeepBoth, keepAsNote, keepMine, refusedOf, settleFields, takeTheirs, wayToKeep, type Choice } from "../choose";
import type { Entry, Visit } from "../docs";
import { longDay, dayOf, t, time, type Params } from "../i18n";
import { Icon } from "../icons";
import { Btn, Top, Truth } from "../parts";
import { back, fromHere, turn } from "../router";
import { say } from "../forms/pick";
import { clients, db, entries, me, profile, visits } from "../store";
import type { FieldConflict, VisitDetails } from "../wire.gen";
import { detailLines, reasonWord } from "./closed";
import { entryTitle } from "./outbox";
import { ownText } from "./ownfields";
import { NotHere } from "./visit";

export function ConflictScreen({ id }: { id: string }) {
  const entry = entries.value.find((e) => e.id === id);
  if (!entry || entry.dismissed) return <NotHere />;
  return entry.status === "refused" ? <WholeVisit entry={entry} /> : <Fields entry={entry} />;
}

interface Side {
  who: string;
  value: string | null;
  by: string;
  at_ms: number | null;
}

function Pick({ side, on, choose }: { side: Side; on: boolean; choose: () => void }) {
  return (
    <button type="button" class={`pk ${on ? "on" : ""}`} role="radio" aria-checked={on} onClick={choose}>
      <span class="hd">{side.who}<i class="radio" /></span>
      <span class={`v ${side.value ? "" : "nul"}`} style="white-space:pre-line">{side.value ?? t("phone.conflict.empty")}</span>
      <span class="w">{side.by}{side.at_ms && <><br />{moment(side.at_ms)}</>}</span>
    </button>
  );
}

function moment(ms: number): string {
  return `${longDay(dayOf(ms))}, ${time(ms)}`;
}

function Choose(p: { label: string; mine: Side; theirs: Side; choice?: Choice; choose: (c: Choice) => void; canMine: boolean; both?: string }) {
  return (
    <>
      <div class="pick" role="radiogroup" aria-label={p.label}>
        {p.canMine ? <Pick side={p.mine} on={p.choice === "mine"} choose={() => p.choose("mine")} />
          : <div class="pk"><span class="hd">{p.mine.who}</span><span class="v" style="white-space:pre-line">{p.mine.value}</span><span class="w">{t("phone.conflict.cannot")}</span></div>}
        <Pick side={p.theirs} on={p.choice === "theirs"} choose={() => p.choose("theirs")} />
      </div>
      {p.both && <div class="btns" style="margin-top:8px"><button type="button" class={`btn ${p.choice === "both" ? "soft" : ""}`} aria-pressed={p.choice === "both"} onClick={() => p.choose("both")}>{p.choice === "both" && <Icon name="tick" />}<span>{p.both}</span></button></div>}
    </>
  );
}

function Frame(p: { title: string; text: string; left: number; save: () => void; children: preact.ComponentChildren }) {
  return (
    <>
      <Top title={t("phone.conflict.title")} sub={p.title} />
      <Truth thin />
      <main tabIndex={0}><div class="note" style="margin-bottom:4px"><Icon name="two" /><p>{p.text} <b style="display:inline;font-size:inherit">{t("phone.conflict.nothing_lost")}</b></p></div>{p.children}</main>
      <footer class="dock"><div class="btns"><Btn class="big q c1" onClick={back}>{t("phone.conflict.later")}</Btn>
        <Btn class={`big c2 ${p.left ? "wait" : "p"}`} onClick={() => !p.left && p.save()}>{t("phone.save")}{p.left > 0 && <span class="count dark">{p.left}</span>}</Btn>
      </div></footer>
    </>
  );
}

// ── fields ──

function Fields({ entry }: { entry: Entry }) {
  const [choices, setChoices] = useState<Record<string, Choice>>({});
  const all = entry.conflicts ?? [];
  const save = async () => {
    const leave = fromHere();
    await storing(() => settleFields(db, entry, choices, visits.value.get(entry.subject_id), clients.value.get(entry.subject_id)));
    await afterAction(30);
    leave(() => turn("outbox"));
  };
  return (
    <Frame title={entry.title} text={t("phone.conflict.text")} left={all.filter((c) => !choices[c.field]).length} save={() => void save()}>
      {all.map((c) => (
        <>
          <h2 class="sec">{fieldWord(c.field)}</h2>
          <Choose
            label={fieldWord(c.field)} canMine choice={choices[c.field]} choose={(choice) => setChoices({ ...choices, [c.field]: choice })}
            mine={{ who: t("phone.conflict.mine"), value: valueText(c.field, c.mine), by: me.value?.user.name ?? "", at_ms: entry.device_at_ms + entry.offset_ms }}
            theirs={{ who: t("phone.conflict.theirs"), value: valueText(c.field, c.theirs), by: c.by ?? t("phone.conflict.office"), at_ms: c.at_ms }}
            both={canKeepBoth(c) ? t("phone.conflict.both_texts") : undefined}
          />
        </>
      ))}
    </Frame>
  );
}

function fieldWord(field: string): string {
  const own = profile.value?.client_fields?.find((f) => `own.${f.field.name}` === field);
  return own ? say(own.field.label) : t(field.startsWith("own.") ? "phone.conflict.field_own" : `phone.conflict.field_${field}`);
}

function valueText(field: string, value: FieldConflict["mine"]): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (field.startsWith("own.")) return ownText(field.slice("own.".length), value);
  if (field === "result") return t(`phone.result.${String(value)}`);
  if (field !== "details") return String(value);
  const { shown, samples, out } = detailLines(value as VisitDetails);
  return [...shown, ...samples, ...out].join(", ") || null;
}

// ── a visit the office changed before the rep's work arrived ──

function WholeVisit({ entry }: { entry: Entry }) {
  const [choice, setChoice] = useState<Choice | undefined>();
  const mine = refusedOf(entries.value, entry.subject_id);
  const visit = visits.value.get(entry.subject_id);
  const client = clients.value.get(visit?.client_id ?? entry.client_id ?? "");
  const way = wayToKeep(mine, visit);
  const said = mineText(mine);
  const save = async () => {
    const leave = fromHere();
    await storing(async () => {
      if (choice === "mine") await keepMine(db, mine, visit);
      else if (choice === "both" && client) await keepAsNote(db, client, mine, `${moment(mine[0]!.device_at_ms + mine[0]!.offset_ms)}: ${said}`);
      else await takeTheirs(db, mine);
    });
    await afterAction(30);
    leave(() => turn("outbox"));
  };
  const p = entry.params as { by?: string; at_ms?: number; reason?: string };
  return (
    <Frame title={entry.title} text={t("phone.conflict.visit_text")} left={choice ? 0 : 1} save={() => void save()}>
      <h2 class="sec">{t("phone.conflict.which")}</h2>
      <Choose
        label={t("phone.conflict.which")} choice={choice} choose={setChoice} canMine={way !== null}
        mine={{ who: t("phone.conflict.mine"), value: said, by: me.value?.user.name ?? "", at_ms: mine[0] ? mine[0].device_at_ms + mine[0].offset_ms : null }}
        theirs={{ who: t("phone.conflict.theirs"), value: theirText(visit, entry, p.reason), by: p.by ?? t("phone.conflict.office"), at_ms: p.at_ms ?? null }}
        both={client ? t("phone.conflict.as_note") : undefined}
      />
      {choice && <p class="small muted" style="padding:10px 4px">{t(choice === "mine" ? `phone.conflict.then_${way}` : choice === "both" ? "phone.conflict.then_note" : "phone.conflict.then_theirs")}</p>}
    </Frame>
  );
}

/** What the rep did, in a few lines: each press with its time, the result, the words. */
function mineText(mine: Entry[]): string {
  return mine.map((e) => {
    const p = e.payload as { result?: string; comment?: string; reason?: string; day?: string };
    const parts = [
      `${entryTitle({ ...e, title: "" })} ${time(e.device_at_ms + e.offset_ms)}`, p.result ? t(`phone.result.${p.result}`) : "",
      p.day ? longDay(p.day) : "", p.reason ? reasonWord(p.reason) : "", p.comment ?? "",
    ];
    return parts.filter(Boolean).join(" · ");
  }).join("\n");
}

function theirText(visit: Visit | undefined, entry: Entry, reason: string | undefined): string {
  if (!visit) return t("phone.gone.title");
  const why = reason ?? visit.reason;
  const state = visit.state === "planned" ? refusalText({ code: entry.code, params: entry.params as Params }) : t(`phone.state.${visit.state}`);
  return [state, why ? reasonWord(why) : ""].filter(Boolean).join(" · ");
}
