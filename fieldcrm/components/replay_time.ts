// The time that is played: days in a row without the nights between them. A place on the slider is
// the milliseconds played so far; a moment is epoch milliseconds.
export type Window = { from_ms: number; to_ms: number };

/** How long all the windows last. */
export const wholeOf = (windows: Window[]) => windows.reduce((sum, w) => sum + w.to_ms - w.from_ms, 0);

/** How much has been played at a moment; one of the night counts as the morning after it. */
export function playedAt(windows: Window[], at: number): number {
  let sum = 0;
  for (const w of windows) {
    if (at < w.to_ms) return sum + Math.max(0, at - w.from_ms);
    sum += w.to_ms - w.from_ms;
  }
  return sum;
}

/** The moment at which so much has been played. */
export function momentOf(windows: Window[], played: number): number {
  let left = Math.max(0, played);
  for (const w of windows) {
    const long = w.to_ms - w.from_ms;
    if (left < long) return w.from_ms + left;
    left -= long;
  }
  return windows[windows.length - 1].to_ms;
}

/** The window that holds a moment, or the next one. */
export function windowAt(windows: Window[], at: number): number {
  const found = windows.findIndex((w) => at < w.to_ms);
  return found < 0 ? windows.length - 1 : found;
}

/** Every how many hours the time line can bear a label; 0: only days. */
export function labelHours(windows: Window[], widthPx: number): number {
  const perHour = (widthPx * 3_600_000) / Math.max(1, wholeOf(windows));
  return [1, 2, 3, 4, 6].find((hours) => hours * perHour >= 42) ?? 0;
}
