// Where the keyboard stands, kept when what it stood on goes away: a drawer, an editor or a menu that
// closes gives the focus back to the button that opened it; a step that follows another has it where it
// is marked to land. Escape leaves what the focus is in. The skip link and the rail's own place, too.
import { useEffect } from "react";

type Place = { node: HTMLElement; tag: string; said: string; row: string; pane: string; nth: number; menu: HTMLElement | null; drawer: Element | null };

const REMEMBERED = 20;
const SETTLED_MS = 60; // the page may draw a list anew in the same breath in which it takes an editor away
const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const CLOSERS = "[data-leave]";
const LANDS = "main [data-lands]";
const CLOSED_WITH = "tr, form, aside, section";

let isPointed = false; // what was pressed last was pressed by the pointer
let pagesSeen = 0;

/** Whether the keyboard was used last. */
export function isByKey(): boolean {
  return !isPointed;
}

function saidBy(node: HTMLElement): string {
  const label = (node as HTMLInputElement).labels?.[0]?.textContent;
  return (node.getAttribute("aria-label") ?? label ?? node.getAttribute("name") ?? node.textContent ?? "").trim().slice(0, 120);
}

/** What a place lies in that no named pane is around. */
function page(): HTMLElement {
  return document.querySelector("main") ?? document.body;
}

/** Where a page's own content begins. */
function beginning(): HTMLElement {
  return document.querySelector<HTMLElement>("main [data-begins]") ?? page();
}

function placeOf(node: HTMLElement): Place {
  const pane = node.closest<HTMLElement>("[aria-label]:not(button, a, input, select, textarea)");
  const alike = [...(pane ?? page()).querySelectorAll<HTMLElement>(node.tagName)];
  return {
    node, tag: node.tagName, said: saidBy(node), row: node.closest("tr, li")?.textContent ?? "",
    pane: pane?.getAttribute("aria-label") ?? "", nth: alike.indexOf(node),
    menu: node.closest("details")?.querySelector("summary") ?? null,
    drawer: node.closest("aside.drawer"),
  };
}

function isThere(node: HTMLElement): boolean {
  return node.isConnected && node.getClientRects().length > 0;
}

/** The same place in a pane that was drawn anew; where it says something else by now, the one that lies there. */
function again(place: Place, isOld: boolean): HTMLElement | undefined {
  if (isThere(place.node)) return place.node;
  if (place.menu && isThere(place.menu)) return place.menu;
  const named = [...document.querySelectorAll<HTMLElement>("[aria-label]")].find((n) => n.getAttribute("aria-label") === place.pane && isThere(n));
  const pane = place.pane ? named : page();
  if (!pane) return undefined;
  const alike = [...pane.querySelectorAll<HTMLElement>(place.tag)];
  const same = alike.find((n) => saidBy(n) === place.said && (n.closest("tr, li")?.textContent ?? "") === place.row);
  return same ?? (isOld && place.pane ? alike[place.nth] : undefined);
}

function isTyped(target: Element | null): boolean {
  return !!target?.closest("input:not([type=checkbox], [type=radio]), textarea, select");
}

/** Whether something was written that would be lost. */
function isTouched(pane: Element): boolean {
  return [...pane.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input, textarea")].some((field) =>
    field.type === "checkbox" ? field.checked !== (field as HTMLInputElement).defaultChecked : field.value !== field.defaultValue);
}

/** A menu is closed once somebody goes on elsewhere. */
function closeOthers(at: Element) {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.of-d[open]")) if (!menu.contains(at)) menu.open = false;
}

/** Closes the menu or leaves the pane that the focus is in; whether there was one. */
function left(at: Element | null): boolean {
  const menu = at?.closest<HTMLDetailsElement>("details.of-d[open]") ?? (isTyped(at) ? null : document.querySelector<HTMLDetailsElement>("details.of-d[open]"));
  if (menu) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
    return true;
  }
  const closers = [...document.querySelectorAll<HTMLElement>(CLOSERS)].filter(isThere);
  const inner = closers.filter((n) => n.closest(CLOSED_WITH)?.contains(at)).pop();
  const closer = inner ?? (isTyped(at) ? undefined : closers[0]);
  const pane = closer?.closest(CLOSED_WITH);
  if (closer && pane && !isTouched(pane)) closer.click();
  return !!closer;
}

/** The skip link's own work: the router that handles links changes the address and leaves the focus where it is. */
function skip(event: MouseEvent) {
  if (!(event.target as Element).closest?.("a.skip")) return;
  event.preventDefault();
  beginning().focus();
}

export function KeptFocus(): null {
  useEffect(() => {
    const places: Place[] = [];
    let timer = 0;
    let landed: Element | null = null;
    let here: Element[] = [];
    const land = () => {
      const found = [...document.querySelectorAll<HTMLElement>(LANDS)].find(isThere);
      if (!found || found === landed) return false;
      landed = found;
      found.focus();
      return true;
    };
    const showPlace = () => {
      const now = [...document.querySelectorAll(":is(.rail, .tabs) [aria-current=page]")];
      if (now.some((node, n) => node !== here[n])) now.forEach((node) => node.scrollIntoView({ block: "nearest", inline: "nearest" }));
      here = now;
    };
    const keep = (node: EventTarget | null) => {
      const found = (node as Element | null)?.closest?.<HTMLElement>(FOCUSABLE);
      if (!found || places[places.length - 1]?.node === found) return;
      places.push(placeOf(found));
      if (places.length > REMEMBERED) places.shift();
    };
    const onFocus = (event: FocusEvent) => {
      // words that are pressed give the focus to what is around them: their own menu stays
      if (isByKey()) closeOthers(event.target as Element);
      keep(event.target);
    };
    const onPress = (event: PointerEvent) => {
      isPointed = true;
      closeOthers(event.target as Element);
      if (!(event.target as Element).closest?.(FOCUSABLE)) places.length = 0; // the focus was left on purpose
      keep(event.target); // a button that is pressed by the pointer is not focused everywhere
    };
    const restore = () => {
      timer = 0;
      const last = places[places.length - 1];
      if (!last || document.activeElement !== document.body || isThere(last.node)) return;
      if (land()) return;
      const gone = places.filter((p) => !p.node.isConnected && p.pane === last.pane);
      const body = last.drawer?.isConnected && last.drawer.querySelector<HTMLElement>(".dr-b"); // another row may be open in it by now
      for (const place of places.reverse()) {
        if (body && place.drawer !== last.drawer) continue;
        const found = again(place, !gone.includes(place));
        if (!found) continue;
        found.focus({ preventScroll: isPointed });
        break;
      }
      places.length = 0;
      if (body && document.activeElement === document.body) body.focus({ preventScroll: true });
      if (document.activeElement === document.body) page().focus({ preventScroll: true });
      keep(document.activeElement);
    };
    const watch = new MutationObserver(() => {
      showPlace();
      if (!timer && document.activeElement === document.body && places.length) timer = window.setTimeout(restore, SETTLED_MS);
    });
    const onKey = (event: KeyboardEvent) => {
      isPointed = false;
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], [popover]:popover-open")) return;
      if (left(document.activeElement)) event.preventDefault();
    };
    watch.observe(document.body, { childList: true, subtree: true });
    document.addEventListener("focusin", onFocus);
    document.addEventListener("pointerdown", onPress, true);
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("click", skip, true);
    showPlace();
    // a link of the page before is gone with it: the next one is begun at its content, not in the rail
    if (pagesSeen++ && isByKey() && document.activeElement === document.body) beginning().focus({ preventScroll: true });
    return () => {
      watch.disconnect();
      clearTimeout(timer);
      document.removeEventListener("focusin", onFocus);
      document.removeEventListener("pointerdown", onPress, true);
      document.removeEventListener("keydown", onKey, true);
      document.removeEventListener("click", skip, true);
    };
  }, []);
  return null;
}
