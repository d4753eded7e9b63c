const AT_MOST_MS = 1000;

/** Resolves once the screen shows what was drawn; a hidden page draws nothing, so it isn't waited for. */
export function painted(): Promise<void> {
  if (document.hidden) return Promise.resolve();
  return new Promise((done) => {
    setTimeout(done, AT_MOST_MS);
    requestAnimationFrame(() => setTimeout(done));
  });
}

const REST_AT_MOST_MS = 300;

/** Resolves when the screen shows what was drawn and nothing else is under way. */
export async function atRest(): Promise<void> {
  await painted();
  if (document.hidden || !("requestIdleCallback" in window)) return;
  await new Promise<void>((done) => requestIdleCallback(() => done(), { timeout: REST_AT_MOST_MS }));
}
