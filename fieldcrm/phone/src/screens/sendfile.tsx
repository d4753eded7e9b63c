/** A file for a client's card: chosen on the phone, kept at once, sent as photos are; until then it waits here. */
import { useRef, useState } from "preact/hooks";
import { act, keepPhoto } from "../actions";
import { afterAction, refusalText, storing } from "../app";
import { takeTheirs } from "../choose";
import type { Client, Entry } from "../docs";
import { say } from "../forms/pick";
import { bytes, t } from "../i18n";
import { Btn } from "../parts";
import { shrink } from "../photo";
import { isOpen } from "../sent";
import { db, entries, files } from "../store";
import type { FieldFile, FormField } from "../wire.gen";
import { whyNever } from "./stuck";

const ENDINGS = [".pdf", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".jpg", ".jpeg", ".png", ".webp", ".m4a", ".mp3", ".ogg", ".wav"];
const ACCEPTED = ["image/*", ...ENDINGS].join();

/** What this phone said of a field, the newest first. */
function toldOf(clientId: string, name: string): Entry[] {
  const mine = entries.value.filter((e) => e.kind === "client.field" && e.subject_id === clientId && e.payload.name === name);
  return mine.sort((a, b) => b.seq - a.seq);
}

/** On its way, or refused: which, why, and whether the card names it all the same since only its bytes were refused. */
type Way = "waiting" | { name: string; why: string; isOnCard: boolean };

/** Where the newest file is that this phone gave a field: still here, refused (which, and why), or (null) with the server. */
export function wayOf(client: Client, name: string): Way | null {
  const told = toldOf(client.id, name).find((e) => e.status !== "refused" || !e.dismissed);
  const file = fileOf(told);
  if (told?.status === "refused") return { name: file?.name ?? t("phone.own.away"), why: refusalText(told), isOnCard: false };
  if (!file || !isShown(client, name, told!, file)) return null;
  const sent = files.value.find((f) => f.sha256 === file.sha256 && f.entry_id === told!.id);
  if (sent?.state === "refused") return { name: file.name, why: whyNever(sent), isOnCard: true };
  return sent?.state === "waiting" ? "waiting" : null;
}

function fileOf(entry: Entry | undefined): FieldFile | undefined {
  return (entry?.payload.file as FieldFile | null | undefined) ?? undefined;
}

/** Whether the card still names it: the office may have given it another since. */
function isShown(client: Client, name: string, told: Entry, file: FieldFile): boolean {
  return isOpen(told) || String(client.own_fields[name] ?? "").startsWith(file.name.replace(/\.[^.]*$/, ""));
}

/** A field's value as the server will find it: a file of this phone that it has not told us of yet, by its hash. */
function baseOf(client: Client, name: string): unknown {
  const told = toldOf(client.id, name).find((e) => isOpen(e) && !e.conflicts?.length);
  return told ? (fileOf(told) ?? null) : (client.own_fields[name] ?? null);
}

/** Take a file off its card: what of it still waits here is not sent any more. */
async function takeAway(client: Client, field: FormField): Promise<void> {
  const isKept = await storing(async () => {
    await act(db, "client.field", subjectOf(client, field), { name: field.name, value: null, base: baseOf(client, field.name) });
    return letGo(client, field.name);
  });
  if (isKept) await afterAction(10);
}

/** What this phone still has to send for a field, and what was refused of it, is given up. */
async function letGo(client: Client, name: string): Promise<true> {
  const mine = toldOf(client.id, name);
  const others = entries.peek().filter((e) => !mine.includes(e));
  await takeTheirs(db, mine.filter((e) => e.status === "refused" && !e.dismissed));
  const ids = new Set(mine.map((e) => e.id));
  const isWanted = (sha: string) => others.some((e) => !e.dismissed && JSON.stringify(e.payload).includes(sha));
  const left = db.files.filter((f) => ids.has(f.entry_id ?? "") && (f.state === "waiting" || f.state === "refused") && !isWanted(f.sha256));
  await left.modify({ state: "refused", code: "given_up" });
  return true;
}

const subjectOf = (client: Client, field: FormField) => ({ id: client.id, version: client.version, title: `${client.name} · ${say(field.label)}` });

/** Leave at that what the server refused: the card stays as it is. */
export function GiveUp({ client, name }: { client: Client; name: string }) {
  return <Btn class="q fit" onClick={() => void letGo(client, name).then(() => afterAction(10))}>{t("phone.outbox.give_up")}</Btn>;
}

/** Two presses: what is taken away is gone from the card for everybody. */
export function TakeAway({ client, field, called }: { client: Client; field: FormField; called: string }) {
  const [isAsked, setAsked] = useState(false);
  if (!isAsked) return <Btn class="q fit" icon="cross" onClick={() => setAsked(true)}>{t("phone.own.away")}</Btn>;
  return (
    <div role="group" aria-label={t("phone.own.away")} style="flex-basis:100%">
      <p style="margin:6px 0">{t("phone.own.away_sure", { name: called })}</p>
      <div class="btns"><Btn class="q" onClick={() => setAsked(false)}>{t("phone.own.keep")}</Btn><Btn class="p" onClick={() => void takeAway(client, field)}>{t("phone.own.away")}</Btn></div>
    </div>
  );
}

export function SendFile({ client, field, now }: { client: Client; field: FormField; now: unknown }) {
  const box = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const take = async (input: HTMLInputElement) => {
    const [file] = input.files ?? [];
    if (!file) return;
    setBusy(true);
    setError(await send(client, field, file).then(() => null, (why: Error) => (why instanceof Unfit ? t("error.own_file_unfit") : String(why))));
    setBusy(false);
    input.value = "";
  };
  return (
    <>
      <Btn class="soft fit" icon="plus" onClick={() => box.current?.click()}>{t(isBusy ? "phone.truth.writing" : now === null ? "phone.own.send" : "phone.own.again")}</Btn>
      <input ref={box} id={`file-${field.name}`} type="file" accept={ACCEPTED} class="vh" tabIndex={-1} aria-label={say(field.label)} onChange={(e) => void take(e.currentTarget)} />
      <p role="alert" class="c-contra" style={error ? "flex-basis:100%;margin-top:6px" : ""}>{error}</p>
    </>
  );
}

class Unfit extends Error {}

/** Keep the file and one action that names it. Raises Unfit for what no card takes. */
async function send(client: Client, field: FormField, file: File): Promise<void> {
  const { content, name, type } = await madeFit(file);
  await storing(async () => {
    const sha256 = await keepPhoto(db, client.id, content, type, null, "file");
    const there = await db.files.get(sha256);
    const told: FieldFile = { sha256, name, size: content.byteLength };
    const payload = { name: field.name, value: `${name} · ${bytes(told.size)}`, base: baseOf(client, field.name), file: told };
    await letGo(client, field.name);
    return act(db, "client.field", subjectOf(client, field), payload, there?.state === "stored" ? [] : [sha256]);
  });
  await afterAction(10);
}

/** A photo as small as those of visits, another file as it is. */
async function madeFit(file: File): Promise<{ content: ArrayBuffer; name: string; type: string }> {
  if (file.type.startsWith("image/")) {
    const content = await shrink(file).catch(() => { throw new Unfit(); });
    return { content, type: "image/jpeg", name: file.name.replace(/(\.[^.]*)?$/, ".jpg").slice(-120) };
  }
  if (!ENDINGS.some((ending) => file.name.toLowerCase().endsWith(ending))) throw new Unfit();
  return { content: await file.arrayBuffer(), type: file.type || "application/octet-stream", name: file.name.slice(-120) };
}
