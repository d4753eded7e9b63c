/** The app itself, fetched once: right away for a known phone, behind the sign-in for a new one. */
import { lastLanguage, speak } from "./i18n";

type App = typeof import("./main");

let coming: Promise<App> | null = null;

/** The app and its words; fetched anew when that failed before. */
export function theApp(): Promise<App> {
  coming ??= Promise.all([import("./main"), speak(lastLanguage())]).then(([app]) => app).catch((error: unknown) => {
    coming = null;
    throw error;
  });
  return coming;
}
