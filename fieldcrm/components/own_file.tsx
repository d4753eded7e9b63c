// The input of an own field that holds a file: the file goes to the API at once, the form carries its id.
// While it is on its way the form doesn't go off without it; the button keeps the focus, so it is never disabled.
import { useEffect, useRef, useState } from "react";
import { Icon } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { sendFile } from "$/public/external/fieldcrm/components/own_file/file_send.ts";

type Words = Record<string, Record<string, string>>;
type Props = {
  name: string; field: string; label: string; value: string; shown: string; href: string;
  accept: string; limitMb: number; words: Words; lang: string;
};

export function OwnFile({ name, field, label, value, shown, href, accept, limitMb, words, lang }: Props) {
  const chooser = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [kept, setKept] = useState({ id: value, shown, href: value ? href : "" });
  const [busy, setBusy] = useState("");
  const [wrong, setWrong] = useState("");
  const t = (key: string) => words[`own_fields.file.${key}`][lang];

  useEffect(() => {
    const form = chooser.current?.form;
    if (!busy || !form) return;
    const wait = (event: Event) => { event.preventDefault(); event.stopImmediatePropagation(); };
    form.addEventListener("submit", wait, true);
    return () => form.removeEventListener("submit", wait, true);
  }, [busy]);

  async function send(file: File | undefined) {
    if (!file || busy) return;
    setBusy(file.name);
    setWrong("");
    const told = await sendFile(`/api/v1/client-fields/${field}/files?`, file, limitMb, words, lang);
    setBusy("");
    if (typeof told === "string") setWrong(told);
    else setKept({ id: told.id, shown: told.name, href: "" });
    button.current?.focus();
  }

  const labelId = `${name}-label`;
  return (
    <div className="field" role="group" aria-labelledby={labelId}>
      <span className="lb" id={labelId}>{label}</span>
      <input type="hidden" name={name} value={kept.id} />
      <input ref={chooser} type="file" hidden accept={accept} aria-label={label}
        onChange={(event) => { void send(event.target.files?.[0]); event.target.value = ""; }} />
      <div className="row own-file">
        {kept.id && (kept.href ? <a href={kept.href} download className="way el"><Icon name="download" size="s" />{kept.shown}</a>
          : <span className="el">{kept.shown}</span>)}
        <button ref={button} type="button" className="btn sm" aria-disabled={!!busy} onClick={() => busy || chooser.current?.click()}>
          <Icon name="upload" size="s" />{t(busy ? "sending" : kept.id ? "replace" : "choose")}
        </button>
        {kept.id && !busy && (
          <button type="button" className="btn ghost icon sm" aria-label={`${t("remove")}: ${kept.shown}`} title={t("remove")}
            onClick={() => { setKept({ id: "", shown: "", href: "" }); button.current?.focus(); }}><Icon name="x" size="s" /></button>
        )}
      </div>
      <span role="status" className="vh">{busy ? t("sending") : ""}</span>
      {wrong && <p role="alert" className="note err t1">{wrong}</p>}
    </div>
  );
}
