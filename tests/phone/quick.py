"""A rep with quick hands: a visit on the app's own screens, driven from within the page.

It goes on from what the screens show, and waits for what they show, never for a time.
"""

from __future__ import annotations

_VISIT = """async ({ visit, name, photos, comment, kept }) => {
  const one = (find) => document.querySelector(find);
  const sees = (find) => new Promise((ok, no) => {
    const late = setTimeout(() => look() || no(new Error(`not seen: ${find}\\n${document.body.innerText}`)), 120_000);
    const again = setInterval(look, 500);
    const watch = new MutationObserver(look);
    function look() {
      const found = find();
      if (!found) return false;
      clearTimeout(late);
      clearInterval(again);
      watch.disconnect();
      ok(found);
      return true;
    }
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  });
  const screen = () => {
    if (one("h1")?.textContent !== name) return null;
    if (one("footer a[href^='#/check-in/']")) return "planned";
    if (one(".timer") && one("#camera")) return "under way";
    return one("main table") && "closed";
  };
  const isWritten = () => one("nav.truth a:first-child.ok");
  const did = (what) => void told(`${visit} ${what}`);

  location.hash = `#/visit/${visit}`;
  let stands = await sees(screen);
  if (stands === "planned") {
    if (kept.begun) throw new Error("a visit that was begun is not");
    one("footer a[href^='#/check-in/']").click();
    (await sees(() => one("section.sheet .btn.huge.p"))).click();
    stands = await sees(() => screen() === "under way" && isWritten() && screen());
    did("begun");
  }
  if (stands === "closed") return;
  const there = () => document.querySelectorAll(".ph:not(.add)").length;
  if (there() < kept.photos) throw new Error(`${kept.photos} photos were kept, ${there()} are here`);
  for (let n = there(); n < photos.length; n++) {
    const roll = new DataTransfer();
    const bytes = Uint8Array.from(atob(photos[n]), (c) => c.charCodeAt(0));
    roll.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
    one("#camera").files = roll.files;
    one("#camera").dispatchEvent(new Event("change", { bubbles: true }));
    did(`photo ${n} taken`);
    await sees(() => there() > n);
    did(`photo ${n} kept`);
  }
  one("#comment textarea").value = comment;
  one("#comment textarea").dispatchEvent(new Event("input", { bubbles: true }));
  one("#result .ch").click();
  const isReady = () => one("#result .ch[aria-pressed=true]") && one("footer.dock .btn.huge.p");
  (await sees(isReady)).click();
  await sees(() => screen() === "closed");
  did("closed");
}"""


def make_visit(
    page: object, visit: str, name: str, photos: list[str], comment: str, kept: dict[str, int]
) -> None:
    """Begin a visit, take its photos (JPEG in base64), write, close it.

    `kept` is what was called kept before the phone died: `begun` and the count of `photos`. Raises
    Playwright's Error when less than that is shown.
    """
    asked = {"visit": visit, "name": name, "photos": photos, "comment": comment, "kept": kept}
    page.evaluate(_VISIT, asked)  # type: ignore[attr-defined]
