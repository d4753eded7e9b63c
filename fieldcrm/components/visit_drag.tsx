// Moving visits by hand: a visit's handle is dragged onto a rep (in the list or on the map) or
// between other visits; Alt with the arrows does the same from the keyboard. While a visit is dragged,
// what is within <HoldStill> stands still, and the page's other keys wait.
//
// Sources:  [data-drag-visit="<visit id>"] holds [data-handle]; [data-order="<place in the day>"]
// Targets:  [data-drop-rep="<rep id>"], whoever the map says is under the pointer, and the sources that
//           have a place in the day (above or below their middle)
import { useEffect, useRef } from "react";
import { hold, release } from "$/public/external/fieldcrm/components/dragging/still_store.ts";

declare global {
  interface Window {
    fieldcrmRepAt?: (x: number, y: number) => string; // the live map's rep at a point of the page
  }
}
type Target = { element: Element; rep: string; order: number; isBelow: boolean };
const FAR_ENOUGH_PX = 5;

export function VisitDrag({ rep, isOff, onMove }: {
  rep: string; isOff: boolean;
  onMove: (visitId: string, repId: string, order: number, after: string) => void;
}) {
  const now = useRef({ rep, isOff, onMove });
  now.current = { rep, isOff, onMove };

  useEffect(() => {
    let source: HTMLElement | null = null;
    let ghost: HTMLElement | null = null;
    let target: Target | null = null;
    let start = { x: 0, y: 0 };

    const mark = (found: Target | null) => {
      target?.element.removeAttribute("data-over");
      target = found;
      target?.element.setAttribute("data-over", target.rep ? "on" : target.isBelow ? "below" : "above");
      document.body.classList.toggle("can-drop", !!found);
    };

    const find = (x: number, y: number): Target | null => {
      const under = document.elementFromPoint(x, y);
      const onRep = under?.closest("[data-drop-rep]");
      if (onRep) {
        const id = onRep.getAttribute("data-drop-rep")!;
        const isOwn = id === now.current.rep && source?.dataset.order !== undefined;
        return isOwn ? null : { element: onRep, rep: id, order: 0, isBelow: false };
      }
      const onMap = under?.closest(".gl") ? (window.fieldcrmRepAt?.(x, y) ?? "") : "";
      if (onMap) return { element: under!.closest(".gl")!, rep: onMap, order: 0, isBelow: false };
      const row = under?.closest("[data-drag-visit]") as HTMLElement | null;
      if (!row || row === source || !row.dataset.order || !row.querySelector("[data-handle]")) return null;
      const box = row.getBoundingClientRect();
      const isBelow = y > box.top + box.height / 2;
      const own = Number(source!.dataset.order ?? Infinity), there = Number(row.dataset.order);
      const order = there + (isBelow ? 1 : 0) - (own < there ? 1 : 0);
      return order === own ? null : { element: row, rep: "", order, isBelow };
    };

    // the visit that would come before a row at a place of the day (1 is the first)
    const before = (moved: HTMLElement, order: number) => {
      const rows = [...document.querySelectorAll<HTMLElement>("[data-drag-visit][data-order]")];
      return rows.filter((row) => row !== moved)[order - 2]?.dataset.dragVisit ?? "";
    };

    const lift = () => {
      hold();
      ghost = document.createElement("div");
      ghost.className = "float drag-ghost";
      ghost.textContent = source!.dataset.title ?? "";
      document.body.append(ghost);
      document.body.classList.add("dragging");
      source!.classList.add("lifted");
    };

    const end = () => {
      mark(null);
      ghost?.remove();
      source?.classList.remove("lifted");
      document.body.classList.remove("dragging", "can-drop");
      source = ghost = null;
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", drop);
      document.removeEventListener("pointercancel", end);
      document.removeEventListener("keydown", escape, true);
      window.removeEventListener("blur", end);
      release();
    };

    const move = (event: PointerEvent) => {
      if (!source) return;
      if (!event.buttons) return end(); // let go where the page could not hear it
      if (!ghost && Math.hypot(event.clientX - start.x, event.clientY - start.y) < FAR_ENOUGH_PX) return;
      if (!ghost) lift();
      event.preventDefault();
      ghost!.style.transform = `translate(${event.clientX + 12}px, ${event.clientY + 8}px)`;
      mark(find(event.clientX, event.clientY));
      const list = source.closest(".tl");
      if (list) {
        const box = list.getBoundingClientRect();
        if (event.clientY < box.top + 24) list.scrollTop -= 12;
        if (event.clientY > box.bottom - 24) list.scrollTop += 12;
      }
    };

    const drop = () => {
      const visit = source?.dataset.dragVisit, found = target, { rep, onMove } = now.current;
      const after = source && found?.order ? before(source, found.order) : "";
      end();
      if (visit && found) onMove(visit, found.rep || rep, found.order, after);
    };

    const escape = (event: KeyboardEvent) => {
      if (!ghost && event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      if (event.key === "Escape") end();
    };

    const press = (event: PointerEvent) => {
      const handle = (event.target as Element).closest?.("[data-handle]");
      if (!handle || event.button !== 0 || now.current.isOff) return;
      source = handle.closest("[data-drag-visit]");
      if (!source) return;
      event.preventDefault();
      start = { x: event.clientX, y: event.clientY };
      document.addEventListener("pointermove", move);
      document.addEventListener("pointerup", drop);
      document.addEventListener("pointercancel", end);
      document.addEventListener("keydown", escape, true);
      window.addEventListener("blur", end);
    };

    const key = (event: KeyboardEvent) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const row = (event.target as Element).closest?.("[data-drag-visit]") as HTMLElement | null;
      if (!step || !event.altKey || !row?.dataset.order || !row.querySelector("[data-handle]") || now.current.isOff) return;
      event.preventDefault();
      const order = Number(row.dataset.order) + step;
      now.current.onMove(row.dataset.dragVisit!, now.current.rep, order, before(row, order));
    };

    document.addEventListener("pointerdown", press);
    document.addEventListener("keydown", key);
    return () => {
      end();
      document.removeEventListener("pointerdown", press);
      document.removeEventListener("keydown", key);
    };
  }, []);
  return null;
}
