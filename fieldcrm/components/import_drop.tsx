// A place to drop a table: sends the file itself to the API, which authorises, reads and keeps it,
// and tells the page only the run's id (or why not).
import { useRef, useState } from "react";
import { Icon } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { sendFile } from "$/public/external/fieldcrm/components/own_file/file_send.ts";

type Words = Record<string, Record<string, string>>;

export function ImportDrop({ words, lang, limitMb, onKept, onRefused }: {
  words: Words; lang: string; limitMb: number; onKept: (runId: string, fileName: string) => void; onRefused: (why: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState("");
  const [over, setOver] = useState(false);
  const t = (key: string) => words[key][lang];

  async function send(file: File | undefined) {
    if (!file || busy) return;
    setBusy(file.name);
    onRefused("");
    const told = await sendFile("/api/v1/clients/imports?look=false&", file, limitMb, words, lang);
    if (typeof told === "string") onRefused(told);
    else onKept(told.run_id, file.name);
    setBusy("");
  }

  return (
    <div className={over ? "drop over" : "drop"}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
      onDrop={(event) => { event.preventDefault(); setOver(false); send(event.dataTransfer.files[0]); }}>
      <Icon name="file-spreadsheet" size="l" />
      <h2>{busy ? t("admin.import.reading") : t("admin.import.drop")}</h2>
      <p className="muted">{busy || t("admin.import.formats")}</p>
      <button type="button" className="btn primary" data-lands="" aria-disabled={!!busy} onClick={() => busy || input.current?.click()}>
        <Icon name="upload" />{t("admin.import.choose")}
      </button>
      <span role="status" className="vh">{busy ? t("admin.import.reading") : ""}</span>
      <input ref={input} type="file" className="vh" accept=".csv,.tsv,.txt,.xlsx,.xls,.ods,.geojson,.json,.js,.vcf" tabIndex={-1}
        aria-label={t("admin.import.choose")} onChange={(event) => { send(event.target.files?.[0]); event.target.value = ""; }} />
    </div>
  );
}
