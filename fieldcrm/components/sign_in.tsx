// The sign-in form: posts straight to the API, since only an HTTP answer can set the session's cookie.
import { useEffect, useState } from "react";
import { Glyph, Icon } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";

type Words = Record<string, Record<string, string>>;
type Sample = { login: string; name: string; role: Record<string, string> };
const NAMES: Record<string, string> = { en: "English", ru: "Русский", ro: "Română" };
const REFUSALS: Record<string, string> = {
  wrong_login: "sign_in.wrong", sign_in_throttled: "sign_in.throttled", sample_login_remote: "sign_in.remote",
};

function firstLanguage(): string {
  const kept = localStorage.getItem("fieldcrm-language");
  const wished = [kept, ...navigator.languages.map((l) => l.slice(0, 2))];
  return wished.find((l) => l && l in NAMES) ?? "en";
}

function ownPath(text: string | null): string {
  return text && /^\/(?![/\\])/.test(text) ? text : "/";
}

export function SignInForm({ words, samples, password }: { words: Words; samples: Sample[]; password: string }) {
  const [lang, setLang] = useState("en");
  const [login, setLogin] = useState("");
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState("");
  const [problem, setProblem] = useState<{ key: string; n?: number; code?: string } | null>(null);
  const [next, setNext] = useState("/");
  const t = (key: string) => words[key][lang];

  useEffect(() => {
    setLang(firstLanguage());
    setNext(ownPath(new URLSearchParams(location.search).get("next")));
  }, []);
  useEffect(() => {
    document.documentElement.lang = lang;
  }, [lang]);
  useEffect(() => {
    if (problem?.key !== "sign_in.throttled" || !problem.n) return;
    const timer = setTimeout(() => setProblem({ ...problem, n: problem.n! - 1 }), 1000);
    return () => clearTimeout(timer);
  }, [problem]);

  const choose = (code: string) => {
    localStorage.setItem("fieldcrm-language", code);
    setLang(code);
  };

  async function enter(name: string, word: string) {
    if (!name.trim() || !word) return setProblem({ key: "sign_in.missing" });
    setBusy(name);
    setProblem(null);
    try {
      const answer = await fetch("/api/v1/session", {
        method: "POST", headers: { "Content-Type": "application/json" }, credentials: "same-origin",
        body: JSON.stringify({ login: name.trim(), password: word }),
      });
      const body = await answer.json().catch(() => ({}));
      if (answer.ok) {
        const role = body.user?.role;
        return location.assign(next !== "/" ? next : role === "rep" ? "/rep/" : role === "manager" ? "/manager" : role === "admin" ? "/admin" : "/dispatch");
      }
      const wait = Number(answer.headers.get("Retry-After") ?? body.retry_after_s ?? body.params?.retry_after_s ?? 0);
      setProblem({ key: REFUSALS[body.code] ?? (answer.status === 429 ? "sign_in.throttled" : "sign_in.failed"), n: wait, code: body.code ?? String(answer.status) });
    } catch {
      setProblem({ key: "sign_in.unreachable" });
    }
    setBusy("");
  }

  const problemText = problem && t(problem.key).replace("{n}", String(Math.max(0, Math.ceil(problem.n ?? 0)))).replace("{code}", problem.code ?? "");
  return (
    <main className="enter" id="main">
      <section className="card enter-c" aria-labelledby="enter-h">
        <div className="row">
          <svg viewBox="0 0 28 28" className="enter-l" aria-hidden="true"><rect width="28" height="28" rx="7" fill="var(--accent)" /><path d="M14 5.5c-3.6 0-6.3 2.7-6.3 6.1 0 4.4 6.3 10.9 6.3 10.9s6.3-6.5 6.3-10.9c0-3.4-2.7-6.1-6.3-6.1Z" fill="var(--on-accent)" /><path d="m11.3 11.7 1.9 1.9 3.6-3.9" fill="none" stroke="var(--accent)" strokeWidth="1.9" strokeLinecap="round" strokeLinejoin="round" /></svg>
          <b className="enter-n">fieldcrm</b><span className="sp" />
          <div className="seg" role="group" aria-label="English, Русский, Română">
            {Object.keys(NAMES).map((code) => (
              <button key={code} type="button" aria-pressed={code === lang} lang={code} title={NAMES[code]} onClick={() => choose(code)}>{code.toUpperCase()}</button>
            ))}
          </div>
        </div>
        <p className="muted">{t("sign_in.claim")}</p>
        {next !== "/" && <div className="note info"><Icon name="info" size="s" /><span>{t("sign_in.ended")}</span></div>}
        <form className="enter-f" noValidate onSubmit={(event) => { event.preventDefault(); enter(login, secret); }}>
          <h1 id="enter-h">{t("sign_in.title")}</h1>
          <div className="field"><label htmlFor="login">{t("sign_in.login")}</label>
            <input id="login" name="login" className="input" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus
              value={login} onChange={(event) => setLogin(event.target.value)} /></div>
          <div className="field"><label htmlFor="password">{t("sign_in.password")}</label>
            <input id="password" name="password" type="password" autoComplete="current-password"
              className={`input ${problem?.key === "sign_in.wrong" ? "is-err" : ""}`} aria-describedby={problem ? "enter-p" : undefined}
              value={secret} onChange={(event) => setSecret(event.target.value)} /></div>
          <div id="enter-p" role="alert">{problemText && <div className="note err"><Glyph name="contradicted" /><span>{problemText}</span></div>}</div>
          <button type="submit" className="btn primary" disabled={!!busy}>{busy ? t("sign_in.entering") : t("sign_in.enter")}</button>
        </form>
        {samples.length > 0 ? (
          <div className="enter-s">
            <h2 className="t1 muted">{t("sign_in.sample")}</h2>
            <div className="row wrap">
              {samples.map((who) => (
                <button key={who.login} type="button" className="btn sm" disabled={!!busy} onClick={() => enter(who.login, password)}>
                  {who.role[lang]}<span className="faint">{who.login}</span>
                </button>
              ))}
            </div>
          </div>
        ) : <p className="t1 faint">{t("sign_in.no_account")}</p>}
      </section>
    </main>
  );
}
