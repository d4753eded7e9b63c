/** Which form a visit is asked, and its code, fetched when a visit's form is first shown. */
import { signal } from "@preact/signals";
import { language } from "../i18n";
import { forms } from "../store";
import type { FormDoc } from "../wire.gen";

type Code = typeof import("./form");

/** The code of the form's screens; null until it is here. */
export const code = signal<Code | null>(null);
export const isMissing = signal(false);

export function loadCode(): void {
  if (code.peek()) return;
  import("./form").then((found) => {
    code.value = found;
  }, () => {
    isMissing.value = true;
  });
}

/** The form asked of clients of a kind; null where none is. */
export function formFor(kind: string | undefined): FormDoc | null {
  return forms.value.find((f) => f.is_active && f.definition.kinds.some((k) => k === kind)) ?? null;
}

/** A form's text in the rep's language; the first one it has where it lacks that. */
export function say(text: string | Record<string, string> | null | undefined): string {
  if (text == null || typeof text === "string") return text ?? "";
  return text[language.value] ?? text.en ?? Object.values(text)[0] ?? "";
}
