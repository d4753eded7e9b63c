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
import { SendFile, wayOf } from "./sendfile";
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

/** A card's file: on its way from this phone, or the server's. */
function FileOf({ client, name }: { client: Client; name: string }) {
  const way = wayOf(client.id, name);
  if (way === null) return <FileLink client={client} name={name} />;
  const isRefused = way === "refused";
  return <p class={isRefused ? "c-contra" : ""}><span class="row"><Icon name={isRefused ? "cross" : "cloudWait"} class="s" />{t(isRefused ? "phone.own.refused" : "phone.own.waits")}</span></p>;
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
        {fields.map(({ field, is_editable, is_file, is_of_desk, is_sent }) => {
          const value = values[field.name] ?? null;
          const isMissing = value === null && field.required && is_editable;
          return (
            <div>
              <div class="t">
                <p>{value === null ? <span class="muted">{t("phone.own.none")}</span> : textOf(field, value)}</p>
                <p>{say(field.label)}{is_of_desk && !is_sent && ` · ${t("phone.own.at_desk")}`}</p>
                {is_file && value !== null && <FileOf client={client} name={field.name} />}
                {is_sent && <SendFile client={client} field={field} now={value} />}
              </div>
              {isMissing && <span class="req miss">{t("phone.visit.needed")}</span>}
            </div>
          );
        })}
      </div>
      {fields.some((f) => f.is_editable) && <div class="pad"><Btn class="soft" icon="pen" onClick={edit}>{t("phone.own.edit")}</Btn></div>}
    </section>
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
