// Sends a file itself to the API, which authorises, reads and keeps it; the page hears only what it answers.
type Words = Record<string, Record<string, string>>;
type Answer = Record<string, string>;

export async function sendFile(url: string, file: File, limitMb: number, words: Words, lang: string): Promise<Answer | string> {
  const t = (key: string) => words[key][lang];
  if (file.size > limitMb * 2 ** 20) return t("admin.import.too_large").replace("{n}", String(limitMb));
  try {
    const answer = await fetch(`${url}file_name=${encodeURIComponent(file.name)}`, {
      method: "POST", credentials: "same-origin", body: file,
      headers: { "Content-Type": "application/octet-stream", "Accept-Language": lang },
    });
    const body = await answer.json().catch(() => ({}));
    return answer.ok ? body : body.detail || body.title || t("admin.import.failed");
  } catch {
    return t("sign_in.unreachable");
  }
}
