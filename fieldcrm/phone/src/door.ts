/** What is known before the app itself is here: who uses this phone, and whether the server was asked. */
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { Me } from "./docs";

export const me = signal<Me | null>(null);
/** Whether we are still finding out who this is; the sign-in waits for the answer. */
export const isAsking = signal(true);
export const isOnline = signal(navigator.onLine);
/** The app's screens, once they are here. */
export const screens = signal<ComponentType | null>(null);

const KNOWN = "fieldcrm.known";

/** Whether somebody used this phone last time: his day is opened then, without looking at the sign-in. */
export function isKnown(): boolean {
  return localStorage.getItem(KNOWN) !== null;
}

export function setKnown(known: boolean): void {
  if (known) localStorage.setItem(KNOWN, "1");
  else localStorage.removeItem(KNOWN);
}

const ASK_MS = 4000;

/** Who the server takes this browser for; null for nobody, and without a network. */
export async function whoIsThis(): Promise<Me | null> {
  if (!navigator.onLine) return null;
  const answer = await fetch("/api/v1/me", { cache: "no-store", signal: AbortSignal.timeout(ASK_MS) }).catch(() => null);
  return answer?.ok ? ((await answer.json()) as Me) : null;
}

// ── light or dark ──

export type Theme = "system" | "light" | "dark";

const dark = matchMedia("(prefers-color-scheme: dark)");
const THEME = "fieldcrm.theme";

export const theme = signal<Theme>((localStorage.getItem(THEME) as Theme | null) ?? "system");
export const isDark = signal(false);

/** Show the chosen look, and know it the next time before anything is drawn. */
export function wear(chosen: Theme): void {
  localStorage.setItem(THEME, chosen);
  theme.value = chosen;
  isDark.value = chosen === "dark" || (chosen === "system" && dark.matches);
  document.documentElement.dataset.theme = isDark.value ? "dark" : "light";
}

dark.addEventListener("change", () => wear(theme.peek()));
