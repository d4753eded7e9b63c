/** Signing in: drawn before the rest of the app is here, with words that lie in the page. */
import { useState } from "preact/hooks";
import { Btn, Chip } from "../buttons";
import { isOnline } from "../door";
import { type Language, language, LANGUAGES, t, speakAtOnce } from "../i18n";
import { Icon } from "../icons";
import { theApp } from "../shell";

const LANGUAGE_NAMES = { en: "English", ru: "Русский", ro: "Română" } as const;

export function Languages({ pick }: { pick: (l: Language) => void }) {
  return (
    <div class="grid3" role="group" aria-label={t("phone.settings.language")}>
      {LANGUAGES.map((l) => <Chip on={language.value === l} onClick={() => pick(l)}><span lang={l}>{LANGUAGE_NAMES[l]}</span></Chip>)}
    </div>
  );
}

async function enter(login: string, password: string): Promise<string | null> {
  const app = await theApp().catch(() => null);
  return app ? app.signIn(login, password) : t("phone.signin.offline");
}

/** Asks for login and password; of somebody who is `known` only for the password. */
export function SignInForm({ submit, login: known, done }: { submit: string; login?: string; done?: () => void }) {
  const [login, setLogin] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (!login.trim() || !password) return setError(t("phone.signin.both"));
    setBusy(true);
    const refusal = await enter(login, password).finally(() => setBusy(false));
    setError(refusal);
    if (!refusal) done?.();
  };
  return (
    <form onSubmit={(e) => void send(e)}>
      <label class="fld"><span>{t("phone.signin.login")}</span><input class="inp" name="login" autocomplete="username" autocapitalize="none" spellcheck={false} value={login} readOnly={Boolean(known)} onInput={(e) => setLogin(e.currentTarget.value)} /></label>
      <label class="fld"><span>{t("phone.signin.password")}</span><input class="inp" name="password" type="password" autocomplete="current-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} /></label>
      {error && <p class="note bad" role="alert" style="margin-bottom:12px">{error}</p>}
      <div class="btns"><Btn class="huge p" type="submit" disabled={isBusy}>{isBusy ? t("phone.signin.busy") : submit}</Btn></div>
    </form>
  );
}

/** While the server is asked who this is: the app's mark, no form that would vanish under a finger. */
export function Opening() {
  return <main class="welcome" aria-busy="true"><div class="logo"><Icon name="arrow" class="xl" /></div><h1>fieldcrm</h1></main>;
}

export function SignIn() {
  const pick = (l: Language) => {
    speakAtOnce(l);
    void theApp().then((app) => app.choose("language", l));
  };
  return (
    <main tabIndex={0} class="welcome">
      <div class="logo"><Icon name="arrow" class="xl" /></div>
      <h1>fieldcrm</h1>
      <p class="muted small">{t("phone.signin.about")}</p>
      <section class="card pad"><SignInForm submit={t("phone.signin.enter")} /></section>
      {!isOnline.value && <div class="note warn"><Icon name="cloudOff" /><div><b>{t("phone.truth.no_network")}</b>{t("phone.signin.offline")}</div></div>}
      <Languages pick={pick} />
    </main>
  );
}
