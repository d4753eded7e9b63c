/** Parts of the second chunk, shown once it is here. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { later } from "./later";

const more = later(() => import("./more"));
/** At rest, so that the first of these screens opens at once. */
export const loadFurther = more.load;
export type Show = (code: typeof import("./more")) => JSX.Element | null;

export function Further({ show, waiting = null, missing = null }: { show: Show; waiting?: JSX.Element | null; missing?: JSX.Element | null }) {
  useEffect(more.load, []);
  return more.here.value ? show(more.here.value) : more.isMissing.value ? missing : waiting;
}

/** Ends a recording under way and waits until it is kept: a visit closes with all that was said. */
export const endRecording = signal<(() => Promise<void>) | null>(null);
