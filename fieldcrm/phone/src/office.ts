/** The office's page for a file that a rep's phone exported: sends it to the server, says what became of it. */
import { has, lastLanguage, speak, t } from "./i18n";
import type { ExportReport } from "./wire.gen";

const input = document.querySelector<HTMLInputElement>("#file")!;
const said = document.querySelector<HTMLElement>("#said")!;

function say(text: string, tone: "ok" | "bad" | "" = ""): void {
  said.className = `note ${tone}`;
  said.textContent = text;
}

async function send(file: File): Promise<void> {
  say(t("phone.office.sending"));
  const answer = await fetch("/api/v1/sync/export", {
    method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" },
  }).catch(() => null);
  if (!answer) return say(t("phone.office.offline"), "bad");
  if (answer.ok) return say(told((await answer.json()) as ExportReport), "ok");
  if (answer.status === 401) return say(t("phone.office.sign_in"), "bad");
  const { code } = (await answer.json().catch(() => ({}))) as { code?: string };
  say(has(`error.${code}`) ? t(`error.${code}`) : t("phone.refused.unknown", { code: code ?? answer.status }), "bad");
}

function told(report: ExportReport): string {
  const lines = [
    report.rep_name, t("phone.office.applied", { n: report.applied }), t("phone.outbox.photos", { n: report.photos }),
    report.refused ? t("phone.truth.refused", { n: report.refused }) : "", report.waiting ? t("phone.office.waiting", { n: report.waiting }) : "",
  ];
  return lines.filter(Boolean).join(" · ");
}

async function begin(): Promise<void> {
  await speak(lastLanguage());
  for (const element of document.querySelectorAll<HTMLElement>("[data-word]")) element.textContent = t(element.dataset.word!);
  document.title = t("phone.office.title");
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) void send(file);
  });
  document.documentElement.dataset.ready = "1";
}

void begin();
