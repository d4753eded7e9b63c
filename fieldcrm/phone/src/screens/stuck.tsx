/** Photos and notes that the server will never take: each by name, with why and what the rep can do. */
import { afterAction, refusalText } from "../app";
import type { StoredFile } from "../docs";
import { bytes, t, time } from "../i18n";
import { Icon } from "../icons";
import { Btn, LinkBtn } from "../parts";
import { href } from "../router";
import { clientOf, clients, db, visits } from "../store";
import { stuckFiles } from "../stuck";
import { FILE_WORD } from "./outbox";

export function StuckFiles() {
  const stuck = stuckFiles.value;
  if (stuck.length === 0) return null;
  return (
    <>
      <h2 class="sec">{t("phone.stuck.title", { n: stuck.length })}</h2>
      {stuck.map((f) => <Stuck key={f.sha256} file={f} />)}
    </>
  );
}

const ICON = { photo: "camera", audio: "mic", file: "pen" } as const;

/** Why the server will never take a file, in words. */
export function whyNever({ code, kind }: StoredFile): string {
  if (code === "file_too_large" || code === "given_up") return t(`phone.stuck.${code}`);
  return refusalText({ code: kind === "file" && code === "wrong_file_type" ? "own_file_unfit" : code });
}

function Stuck({ file }: { file: StoredFile }) {
  const visit = visits.value.get(file.visit_id);
  const client = visit ? clientOf(visit) : clients.value.get(file.visit_id);
  const giveUp = async () => {
    await db.files.update(file.sha256, { code: "given_up" });
    await afterAction();
  };
  return (
    <section class="card" style="border-color:var(--contradicted)"><div class="ob">
      <Icon name={ICON[file.kind]} class="c-contra" />
      <div><p class="n">{t(FILE_WORD[file.kind])} · {client?.name ?? ""}</p><p class="m">{time(file.taken_at_ms)} · {bytes(file.size)}</p></div>
      <div class="s c-contra">{t("phone.outbox.refused")}</div>
      <div class="x">
        <p class="small" style="margin:6px 0 10px">{whyNever(file)} {t("phone.stuck.what_now")}</p>
        <div class="btns">
          <Btn class="q" onClick={() => void giveUp()}>{t("phone.outbox.give_up")}</Btn>
          <LinkBtn class="soft" to={visit ? href("visit", visit.id) : href(file.kind === "file" ? "client" : "correct", file.visit_id)}>{t("phone.stuck.open")}</LinkBtn>
        </div>
      </div>
    </div></section>
  );
}
