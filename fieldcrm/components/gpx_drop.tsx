// A button that adds a GPX file to a rep's track and says what became of its points, and what is
// wrong with the file.
import { useRef, useState } from "react";
import { Icon } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";

type Trouble = { code: string; line: number; count: number };
type Added = { recorded: number; known: number; off_shift: number; without_time: number; in_future: number; troubles: Trouble[] };
type Props = { rep: string; words: Record<string, Record<string, string>>; lang: string; onAdded: () => void };
const LARGEST = 16_000_000;

export function GpxDrop({ rep, words, lang, onAdded }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ tone: string; lines: string[] } | null>(null);
  const t = (key: string, params: Record<string, string | number> = {}) =>
    Object.entries(params).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), words[`replay.${key}`]?.[lang] ?? "");
  const told = (trouble: Trouble) => {
    const text = t(`gpx.${trouble.code}`);
    return trouble.line ? t("gpx.line", { text, line: trouble.line, count: trouble.count }) : text;
  };

  async function add(file: File) {
    if (file.size > LARGEST) return setSaid({ tone: "err", lines: [t("gpx.too_large")] });
    setBusy(true);
    setSaid(null);
    try {
      const answer = await fetch(`/api/v1/tracks/${rep}/gpx`, { method: "POST", body: file, headers: { "Content-Type": "application/gpx+xml" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const added: Added = await answer.json();
      const counts = t("gpx.added", { recorded: added.recorded, known: added.known, off_shift: added.off_shift + added.in_future, without_time: added.without_time });
      setSaid({ tone: added.recorded ? "ok" : "warn", lines: [counts, ...added.troubles.map(told)] });
      if (added.recorded) onAdded();
    } catch {
      setSaid({ tone: "err", lines: [t("gpx.failed")] });
    }
    setBusy(false);
  }

  return (
    <>
      <button type="button" className="btn sm" disabled={isBusy} onClick={() => input.current?.click()}><Icon name="upload" size="s" />{t("gpx.add")}</button>
      <input ref={input} type="file" accept=".gpx,application/gpx+xml" hidden aria-label={t("gpx.add")}
        onChange={(event) => { const file = event.target.files?.[0]; event.target.value = ""; if (file) void add(file); }} />
      {said && (
        <div className={`note ${said.tone} rp-said`} role={said.tone === "err" ? "alert" : "status"}>
          <Icon name="info" size="s" /><span>{said.lines.map((line, n) => <span key={n} className={n ? "t1" : "med"}>{line}</span>)}</span>
          <button type="button" className="btn ghost icon sm" aria-label={t("gpx.close")} onClick={() => setSaid(null)}><Icon name="x" size="s" /></button>
        </div>
      )}
    </>
  );
}
