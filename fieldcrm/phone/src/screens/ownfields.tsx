/** Fields of a card that the administrator made: shown, and filled in by the rep; judged as a visit's form is. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { act } from "../actions";
import { afterAction, storing } from "../app";
import type { Client, Entry } from "../docs";
import { Control } from "../forms/fields";
import { answerText, FieldCard } from "../forms/form";
import { say } from "../forms/pick";
import { check, type Answers, type Problem } from "../forms/rules";
import { t } from "../i18n";
import { isOnline } from "../door";
import { isOpen } from "../sent";
import { Icon } from "../icons";
import { Btn } from "../parts";
import { db, entries, profile, today } from "../store";
import { GiveUp, SendFile, TakeAway, wayOf } from "./sendfile";
import type { ClientFieldDoc, ClientFieldPayload, FormField } from "../wire.gen";

function fieldsOf(kind: string): ClientFieldDoc[] {
  return (profile.value?.client_fields ?? []).filter((f) => f.kinds.some((k) => k === kind));
}

const editable = (kind: string) => fieldsOf(kind).filter((f) => f.is_editable).map((f) => f.field);

/** The card's values with what this phone has set and the server does not show yet. */
export function valuesOf(client: Client, outbox: Entry[]): Answers {
  const mine = outbox.filter((e) => e.kind === "client.field" && e.subject_id === client.id && isOpen(e) && !e.conflicts?.length);
  const told = mine.map((e) => e.payload as unknown as ClientFieldPayload);
  return { ...client.own_fields, ...Object.fromEntries(told.map((p) => [p.name, p.value])) };
}

/** A value in words; null for none. `name` is a field's, of any kind of client. */
export function ownText(name: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const known = profile.value?.client_fields?.find((f) => f.field.name === name);
  return known ? textOf(known.field, value) : String(value);
}

/** A file that the server holds is told with its name and more; in a card's copy it is a text already. */
function textOf(field: FormField, value: unknown): string {
  return (value as { name?: string }).name ?? answerText(field, value);
}

export function OwnFields({ client }: { client: Client }) {
  const [isOpened, setOpened] = useState(false);
  const fields = fieldsOf(client.kind);
  if (fields.length === 0) return null;
  const values = valuesOf(client, entries.value);
  return (
    <>
      <h2 class="sec">{t("phone.own.title")}</h2>
      {isOpened
        ? <Editing client={client} before={values} close={() => setOpened(false)} />
        : <Shown client={client} fields={fields} values={values} edit={() => setOpened(true)} />}
    </>
  );
}

/** A card's file: on its way from this phone, refused with a reason, or the server's; and what the rep can do with it. */
function FileOf({ client, own: { field, is_sent }, value }: { client: Client; own: ClientFieldDoc; value: unknown }) {
  const way = wayOf(client, field.name);
  const refused = way !== null && way !== "waiting" ? way : null;
  const called = refused?.name ?? textOf(field, value ?? "");
  return (
    <>
      {way === null && value !== null && <FileLink client={client} name={field.name} />}
      {way === "waiting" && <p><span class="row"><Icon name="cloudWait" class="s" />{t("phone.own.waits")}</span></p>}
      {refused && <div class="note bad" role="status" style="margin-top:6px"><Icon name="cross" class="s" /><div><b>{t("phone.own.not_taken", { name: refused.name })}</b>{refused.why} {t(refused.isOnCard ? "phone.own.what_now" : "phone.stuck.what_now")}</div></div>}
      {(is_sent || refused) && (
        <div class="btns" style="margin-top:6px;flex-wrap:wrap">
          {is_sent && <SendFile client={client} field={field} now={value} />}
          {refused && !refused.isOnCard && <GiveUp client={client} name={field.name} />}
          {is_sent && value !== null && (!refused || refused.isOnCard) && <TakeAway key={called} client={client} field={field} called={called} />}
        </div>
      )}
    </>
  );
}

/** A file that the card names: fetched from the server, so with a network alone. */
function FileLink({ client, name }: { client: Client; name: string }) {
  if (!isOnline.value) return <p>{t("phone.own.file_offline")}</p>;
  const href = `/api/v1/clients/${client.id}/files/${name}`;
  return <p><a class="btn soft" href={href} target="_blank" rel="noopener" download>{t("phone.own.open")}</a></p>;
}

function Shown({ client, fields, values, edit }: { client: Client; fields: ClientFieldDoc[]; values: Answers; edit: () => void }) {
  return (
    <section class="card" id="own-fields">
      <div class="list">
        {fields.map((own) => <Row key={own.field.name} client={client} own={own} value={values[own.field.name] ?? null} />)}
      </div>
      {fields.some((f) => f.is_editable) && <div class="pad"><Btn class="soft" icon="pen" onClick={edit}>{t("phone.own.edit")}</Btn></div>}
    </section>
  );
}

function Row({ client, own, value }: { client: Client; own: ClientFieldDoc; value: unknown }) {
  const { field, is_editable, is_file, is_of_desk, is_sent } = own;
  const isMissing = value === null && field.required && is_editable;
  return (
    <div>
      <div class="t">
        <p>{value === null ? <span class="muted">{t("phone.own.none")}</span> : textOf(field, value)}</p>
        <p>{say(field.label)}{is_of_desk && !is_sent && ` · ${t("phone.own.at_desk")}`}</p>
        {is_file && <FileOf client={client} own={own} value={value} />}
      </div>
      {isMissing && <span class="req miss">{t("phone.visit.needed")}</span>}
    </div>
  );
}

/** The fields of a card that take a file from the phone: a paper found while putting the card right. */
export function OwnFiles({ client }: { client: Client }) {
  const taking = fieldsOf(client.kind).filter((f) => f.is_sent);
  if (taking.length === 0) return null;
  const values = valuesOf(client, entries.value);
  return (
    <>
      <h2 class="sec">{t("phone.own.files")}</h2>
      <section class="card" id="own-files"><div class="list">
        {taking.map((own) => <Row key={own.field.name} client={client} own={own} value={values[own.field.name] ?? null} />)}
      </div></section>
    </>
  );
}

/** What is typed into the fields of a kind of client; `before`: as it stands. */
interface Filling {
  cards: JSX.Element[];
  problems: Problem[];
  /** The fields that the rep changed, with what is to be kept of each. */
  changed: [FormField, unknown][];
  /** Say of each field what is wrong with it, and go to the first of `these`. */
  judge: (these: Problem[]) => void;
}

function useFilling(kind: string, category: string | null, before: Answers): Filling {
  const [draft, setDraft] = useState<Answers>(before);
  const [isJudged, setJudged] = useState(false);
  const fields = editable(kind);
  const facts = { result: null, kind, category, day: today.value, photos: null, has_next_step: false };
  const { problems, kept } = check({ title: "", kinds: [], fields }, draft, facts);
  const cards = fields.map((field) => {
    const wrong = problems.find((p) => p.field === field.name);
    const isTold = isJudged || (wrong?.code !== "required" && !isSame(draft[field.name], before[field.name]));
    return (
      <FieldCard key={field.name} form={{}} field={field} isDone={field.name in kept} problem={isTold ? wrong : undefined}>
        <Control field={field} value={draft[field.name]} set={(value) => setDraft((d) => ({ ...d, [field.name]: value }))} />
      </FieldCard>
    );
  });
  const changed = fields.filter((f) => !isSame(kept[f.name], before[f.name])).map((f): [FormField, unknown] => [f, kept[f.name] ?? null]);
  const judge = ([first]: Problem[]) => {
    setJudged(true);
    if (first) document.getElementById(`f-${first.field}`)?.scrollIntoView({ block: "center" });
  };
  return { cards, problems, changed, judge };
}

function Editing({ client, before, close }: { client: Client; before: Answers; close: () => void }) {
  const { cards, problems, changed, judge } = useFilling(client.kind, client.category, before);
  const save = async () => {
    if (problems.length > 0) return judge(problems);
    if (!(await storing(() => setAll(client, changed, before)))) return;
    await afterAction(10);
    close();
  };
  return (
    <>
      {cards}
      <div class="btns"><Btn class="q" onClick={close}>{t("phone.cancel")}</Btn><Btn class="p" onClick={() => void save()}>{t("phone.save")}</Btn></div>
    </>
  );
}

const NOTHING: Answers = {};

/** The fields of a client that is being written. What is asked for and not known yet holds up nobody; the card names it. */
export function useNewOwn(kind: string) {
  const { cards, problems, changed, judge } = useFilling(kind, null, NOTHING);
  const wrong = problems.filter((p) => p.code !== "required");
  return {
    section: cards.length > 0 && <><h2 class="sec">{t("phone.own.title")}</h2>{cards}</>,
    /** Nothing is written that the server would refuse; otherwise it is shown. */
    isRight: () => {
      if (wrong.length > 0) judge(wrong);
      return wrong.length === 0;
    },
    keep: (client: Kept) => setAll(client, changed, NOTHING),
  };
}

type Kept = Pick<Client, "id" | "name"> & { version: number | null };

async function setAll(client: Kept, changed: [FormField, unknown][], before: Answers): Promise<true> {
  for (const [field, value] of changed) await set(client, field, value, before[field.name] ?? null);
  return true;
}

/** One action a field: what one of them is refused for holds up no other. */
function set(client: Kept, field: FormField, value: unknown, base: unknown): Promise<Entry> {
  const subject = { id: client.id, version: client.version, title: `${client.name} · ${say(field.label)}` };
  const settled = typeof value === "string" ? value.trim() || null : value;
  return act(db, "client.field", subject, { name: field.name, value: settled, base });
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}
