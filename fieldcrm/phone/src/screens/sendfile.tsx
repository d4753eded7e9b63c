/** A file for a client's card: chosen on the phone, kept at once, sent as photos are; until then it waits here. */
import { useRef, useState } from "preact/hooks";
import { act, keepPhoto } from "../actions";
import { afterAction, storing } from "../app";
import type { Client } from "../docs";
import { say } from "../forms/pick";
import { bytes, t } from "../i18n";
import { Btn } from "../parts";
import { shrink } from "../photo";
import { db, entries, files } from "../store";
import type { FieldFile, FormField } from "../wire.gen";
import { valuesOf } from "./ownfields";

const ENDINGS = [".pdf", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".jpg", ".jpeg", ".png", ".webp", ".m4a", ".mp3", ".ogg", ".wav"];
const ACCEPTED = ["image/*", ...ENDINGS].join();

/** Where the newest file is that this phone gave a field: still here, refused, or (null) with the server. */
export function wayOf(clientId: string, name: string): "waiting" | "refused" | null {
  const mine = entries.value.filter((e) => e.kind === "client.field" && e.subject_id === clientId && e.payload.name === name && e.status !== "refused");
  const told = mine.sort((a, b) => b.seq - a.seq)[0];
  const sha = (told?.payload.file as FieldFile | undefined)?.sha256;
  const state = files.value.find((f) => f.sha256 === sha && f.entry_id === told?.id)?.state;
  return state === "waiting" || state === "refused" ? state : null;
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
      <div class="btns" style="margin-top:6px"><Btn class="soft fit" icon="plus" onClick={() => box.current?.click()}>{t(isBusy ? "phone.truth.writing" : now === null ? "phone.own.send" : "phone.own.again")}</Btn></div>
      <input ref={box} id={`file-${field.name}`} type="file" accept={ACCEPTED} class="vh" tabIndex={-1} aria-label={say(field.label)} onChange={(e) => void take(e.currentTarget)} />
      <p role="alert" class="c-contra" style={error ? "margin-top:6px" : ""}>{error}</p>
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
    const payload = { name: field.name, value: `${name} · ${bytes(told.size)}`, base: valuesOf(client, entries.peek())[field.name] ?? null, file: told };
    const subject = { id: client.id, version: client.version, title: `${client.name} · ${say(field.label)}` };
    return act(db, "client.field", subject, payload, there?.state === "stored" ? [] : [sha256]);
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
