// Small behaviours of the desk that plain elements can't have: the product's clock and ages that
// tick, the theme, keys, a timer, toasts, and the search palette. No dependency but React.
import { useEffect, useRef, useState } from "react";

export { KeptFocus } from "./focus_kept";

type Words = Record<string, Record<string, string>>;

// ── the product's clock ────────────────────────────────────────────────────────────────────────
// A sample day may run elsewhere in time and faster: the server tells its time, we count on.
type Told = { ms: number; speed: number; at: number };
declare global {
  interface Window {
    fieldcrmClock?: Told;
    fieldcrmFixAt?: (repId: string) => number | undefined; // what the live map's socket told last
  }
}

export function productNow(): number {
  const told = window.fieldcrmClock;
  return told ? told.ms + (performance.now() - told.at) * told.speed : Date.now();
}

export function Clock({ ms, speed, lang, title }: { ms: number; speed: number; lang: string; title: string }) {
  useEffect(() => {
    if (ms) window.fieldcrmClock = { ms, speed, at: performance.now() };
  }, [ms, speed]);
  useEffect(() => {
    const isNew = document.documentElement.lang !== lang;
    document.documentElement.lang = lang;
    if (isNew) window.dispatchEvent(new Event("fieldcrm:theme")); // maps are asked for anew, with names in it
    document.title = `${title} · fieldcrm`;
  }, [lang, title]);
  return null;
}

const UNITS: Record<string, [string, string, string, string]> = {
  en: ["s", "min", "h", "d"],
  ru: ["с", "мин", "ч", "д"],
  ro: ["s", "min", "h", "z"],
};

export function ageText(seconds: number, lang: string): string {
  const [s, min, h, d] = UNITS[lang] ?? UNITS.en;
  const n = Math.max(0, Math.round(seconds));
  if (n < 60) return `${n}\u00a0${s}`;
  if (n < 3600) return `${Math.floor(n / 60)}\u00a0${min}`;
  if (n < 86400) return `${Math.floor(n / 3600)}\u00a0${h}`;
  return `${Math.floor(n / 86400)}\u00a0${d}`;
}

export function Age({ repId, atMs, lang, title, className }: {
  repId: string; atMs: number; lang: string; title?: string; className?: string;
}) {
  const [, tick] = useState(0);
  useEffect(() => {
    const again = () => tick((n) => n + 1);
    const timer = setInterval(again, 1000);
    return () => clearInterval(timer);
  }, []);
  if (!atMs) return <span className={className} title={title}>—</span>;
  const newest = Math.max(atMs, (typeof window !== "undefined" && window.fieldcrmFixAt?.(repId)) || 0);
  return <span className={className} title={title}>{ageText((productNow() - newest) / 1000, lang)}</span>;
}

// ── timer ──────────────────────────────────────────────────────────────────────────────────────
export function Ticker({ everyMs, onTick }: { everyMs: number; onTick: () => void }) {
  const call = useRef(onTick);
  call.current = onTick;
  useEffect(() => {
    call.current();
    const tick = () => document.visibilityState === "visible" && call.current();
    const timer = setInterval(tick, everyMs);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [everyMs]);
  return null;
}

// ── theme ──────────────────────────────────────────────────────────────────────────────────────
const THEMES = ["light", "dark", "system"] as const;
const THEME_ICON = { light: "sun", dark: "moon", system: "monitor" };

function applyTheme(theme: string) {
  const isDark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  window.dispatchEvent(new Event("fieldcrm:theme"));
}

export function ThemeButton({ words, lang }: { words: Words; lang: string }) {
  const [theme, setTheme] = useState("system");
  useEffect(() => {
    setTheme(localStorage.getItem("fieldcrm-theme") ?? "system");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => applyTheme(localStorage.getItem("fieldcrm-theme") ?? "system");
    system.addEventListener("change", follow);
    window.addEventListener("fieldcrm:next-theme", next);
    return () => {
      system.removeEventListener("change", follow);
      window.removeEventListener("fieldcrm:next-theme", next);
    };
  }, []);
  function next() {
    const now = localStorage.getItem("fieldcrm-theme") ?? "system";
    const chosen = THEMES[(THEMES.indexOf(now as "light") + 1) % THEMES.length];
    localStorage.setItem("fieldcrm-theme", chosen);
    setTheme(chosen);
    applyTheme(chosen);
  }
  const says = `${words["desk.theme"][lang]}: ${words[`desk.theme.${theme}`][lang]}`;
  return (
    <button type="button" className="btn ghost icon" aria-label={says} title={says} onClick={next}>
      <Icon name={THEME_ICON[theme as "light"]} />
    </button>
  );
}

export function Icon({ name, size = "" }: { name: string; size?: string }) {
  return <svg className={`i ${size}`} aria-hidden="true"><use href={`/icons.svg#i-${name}`} /></svg>;
}

export function Glyph({ name, size = "" }: { name: string; size?: string }) {
  return <svg className={`g ${size}`} aria-hidden="true"><use href={`/icons.svg#g-${name}`} /></svg>;
}

// ── keys ───────────────────────────────────────────────────────────────────────────────────────
export function isTyping(target: EventTarget | null): boolean {
  const el = target as HTMLElement | null;
  return !!el?.closest?.("input, textarea, select, [contenteditable=true], dialog[open]");
}

const SIGNS: Record<string, string> = { BracketLeft: "[", BracketRight: "]", Comma: ",", Period: "." };

/** What a key types on a Latin keyboard, whichever alphabet it types now: shortcuts lie on the same keys for everybody. */
export function latinKey({ key, code }: { key: string; code: string }): string {
  if (key.length !== 1) return key;
  if (key <= "\u007f") return key.toLowerCase();
  return /^Key[A-Z]$/.test(code) ? code[3].toLowerCase() : SIGNS[code] ?? key.toLowerCase();
}

export function Keys({ keys, onKey }: { keys: string[]; onKey: (key: string) => void }) {
  const call = useRef(onKey);
  call.current = onKey;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const key = latinKey(event);
      if (!keys.includes(key) || isTyping(event.target)) return;
      // Enter belongs to a focused button or link before it belongs to the page
      if (key === "Enter" && (event.target as HTMLElement).closest("button, a, [role=button], summary")) return;
      if (document.querySelector("[popover]:popover-open")) return;
      const option = (event.target as HTMLElement).closest<HTMLElement>("[role=option][aria-selected=false]");
      if (key === "Enter" && option) { event.preventDefault(); option.click(); return; }
      event.preventDefault();
      call.current(key);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [keys.join()]);
  return null;
}

// ── toasts ─────────────────────────────────────────────────────────────────────────────────────
type Toast = {
  id: string; tone: string; glyph: string; title: string; text: string; stays: boolean; phone: string;
  actions: { name: string; label: string; key: string }[];
};

export function Toasts({ items, words, lang, onAct, onGone }: {
  items: Toast[]; words: Words; lang: string;
  onAct: (id: string, name: string) => void; onGone: (id: string) => void;
}) {
  return (
    <div className="toasts" role="region" aria-label={words["desk.messages"][lang]}>
      {items.slice(0, 3).map((toast) => (
        <ToastCard key={toast.id} toast={toast} words={words} lang={lang} onAct={onAct} onGone={onGone} />
      ))}
    </div>
  );
}

function ToastCard({ toast, words, lang, onAct, onGone }: {
  toast: Toast; words: Words; lang: string;
  onAct: (id: string, name: string) => void; onGone: (id: string) => void;
}) {
  const gone = useRef(onGone);
  gone.current = onGone;
  const held = useRef(false);
  useEffect(() => {
    if (toast.stays) return;
    const timer = setInterval(() => held.current || gone.current(toast.id), 6000);
    return () => clearInterval(timer);
  }, [toast.id, toast.stays, toast.title, toast.text]); // another message under the same id has its own time
  const hold = (is: boolean) => () => { held.current = is; };
  return (
    <div className="float toast" role={toast.tone === "err" ? "alert" : "status"}
      onMouseEnter={hold(true)} onMouseLeave={hold(false)} onFocus={hold(true)} onBlur={hold(false)}>
      <span className={`ico ${toast.tone}`}>
        {toast.glyph.startsWith("i-") ? <Icon name={toast.glyph.slice(2)} /> : <Glyph name={toast.glyph} size="l" />}
      </span>
      <h3>{toast.title}</h3>
      <button type="button" className="btn ghost icon sm" aria-label={words["desk.dismiss"][lang]} onClick={() => onGone(toast.id)}>
        <Icon name="x" size="s" />
      </button>
      {toast.text && <p>{toast.text}</p>}
      {(toast.actions.length > 0 || toast.phone) && (
        <div className="act">
          {toast.phone && (
            <a className="btn sm" href={`tel:${toast.phone}`}><Icon name="phone" size="s" />{words["desk.call"][lang]}</a>
          )}
          {toast.actions.map((action) => (
            <button type="button" key={action.name} className={`btn sm ${action.name === "snooze" ? "ghost" : ""}`}
              onClick={() => onAct(toast.id, action.name)}>
              {action.name === "undo" && <Icon name="undo-2" size="s" />}
              {action.label}{action.key && <kbd className="kbd">{action.key}</kbd>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

// ── search palette ─────────────────────────────────────────────────────────────────────────────
type Found = { group: string; kind: string; id: string; glyph: string; title: string; note: string; badge: string };

export function Palette({ items, query, busy, words, lang, onSearch, onPick }: {
  items: Found[]; query: string; busy: boolean; words: Words; lang: string;
  onSearch: (text: string) => void; onPick: (kind: string, id: string) => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const t = (key: string) => words[key][lang];
  const open = () => {
    if (dialog.current?.open) return;
    setText(""); setAt(0); onSearch("");
    dialog.current?.showModal();
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && latinKey(event) === "k") { event.preventDefault(); open(); }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => onSearch(text), 150);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => setAt(0), [items]);
  const pick = (item?: Found) => {
    if (!item) return;
    dialog.current?.close();
    onPick(item.kind, item.id);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); setAt((n) => Math.min(items.length - 1, Math.max(0, n + step))); }
    if (event.key === "Enter") { event.preventDefault(); pick(items[at]); }
  };
  return (
    <>
      <button type="button" className="find" onClick={open} aria-label={t("desk.search")} aria-keyshortcuts="Control+K">
        <Icon name="search" /><span className="sp el">{t("desk.search")}</span><kbd className="kbd">Ctrl K</kbd>
      </button>
      <dialog ref={dialog} className="float pal" aria-label={t("desk.search")}
        onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
        <div className="pal-i">
          <Icon name="search" />
          <input value={text} autoFocus onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown}
            placeholder={t("desk.search")} aria-label={t("desk.search")} role="combobox" aria-expanded="true"
            aria-controls="palette-list" aria-activedescendant={items[at] ? `pal-${at}` : undefined} />
          <kbd className="kbd">Esc</kbd>
        </div>
        <ul id="palette-list" role="listbox" aria-label={t("desk.search")}>
          {items.map((item, n) => (
            <li key={`${item.kind}:${item.id}`} id={`pal-${n}`} role="option" aria-selected={n === at}
              className={n === 0 || items[n - 1].group !== item.group ? "first" : ""} data-group={item.group}
              onMouseMove={() => setAt(n)} onClick={() => pick(item)}>
              {item.glyph.startsWith("i-") ? <Icon name={item.glyph.slice(2)} /> : <Glyph name={item.glyph} />}
              <span className="el">{item.title}</span><span className="faint el">{item.note}</span>
              <span className="sp" />
              {item.badge && <span className={`cat ${item.badge.toLowerCase()}`}>{item.badge}</span>}
              {n === at && <kbd className="kbd">↵</kbd>}
            </li>
          ))}
        </ul>
        {!items.length && <p className="pal-n muted">{busy || query !== text ? t("desk.searching") : t("desk.nothing_found")}</p>}
      </dialog>
    </>
  );
}
