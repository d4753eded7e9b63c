/** Which form a visit is asked, and its code, fetched when a visit's form is first shown. */
import { language } from "../i18n";
import { later } from "../later";
import { forms } from "../store";
import type { FormDoc } from "../wire.gen";

/** The code of the form's screens. */
export const { here: code, isMissing, load: loadCode } = later(() => import("./form"));

/** The form asked of clients of a kind; null where none is. */
export function formFor(kind: string | undefined): FormDoc | null {
  return forms.value.find((f) => f.is_active && f.definition.kinds.some((k) => k === kind)) ?? null;
}

/** A form's text in the rep's language; the first one it has where it lacks that. */
export function say(text: string | Record<string, string> | null | undefined): string {
  if (text == null || typeof text === "string") return text ?? "";
  return text[language.value] ?? text.en ?? Object.values(text)[0] ?? "";
}
