// Moving visits by hand: a visit's handle is dragged onto a rep (in the list or on the map) or
// between other visits; Alt with the arrows does the same from the keyboard. While a visit is dragged,
// what is within <HoldStill> stands still, and the page's other keys wait.
//
// Sources:  [data-drag-visit="<visit id>"] holds [data-handle]; [data-order="<place in the day>"]
// Targets:  [data-drop-rep="<rep id>"], whoever the map says is under the pointer, and the sources that
//           have a place in the day (above or below their middle)
import { useEffect, useRef } from "react";
import { type Carrier, carry, type Point } from "$/public/external/fieldcrm/components/dragging/carry.ts";
import { hold, release } from "$/public/external/fieldcrm/components/dragging/still_store.ts";

declare global {
  interface Window {
    fieldcrmRepAt?: (x: number, y: number) => string; // the live map's rep at a point of the page
  }
}
type Target = { element: Element; rep: string; order: number; isBelow: boolean };

export function VisitDrag({ rep, isOff, onMove }: {
  rep: string; isOff: boolean;
  onMove: (visitId: string, repId: string, order: number, after: string) => void;
}) {
  const now = useRef({ rep, isOff, onMove });
  now.current = { rep, isOff, onMove };

  useEffect(() => {
    let target: Target | null = null;

    const mark = (found: Target | null) => {
      target?.element.removeAttribute("data-over");
      target = found;
      target?.element.setAttribute("data-over", target.rep ? "on" : target.isBelow ? "below" : "above");
      document.body.classList.toggle("can-drop", !!found);
    };

    const find = (source: HTMLElement, { x, y }: Point): Target | null => {
      const under = document.elementFromPoint(x, y);
      const onRep = under?.closest("[data-drop-rep]");
      if (onRep) {
        const id = onRep.getAttribute("data-drop-rep")!;
        const isOwn = id === now.current.rep && source.dataset.order !== undefined;
        return isOwn ? null : { element: onRep, rep: id, order: 0, isBelow: false };
      }
      const onMap = under?.closest(".gl") ? (window.fieldcrmRepAt?.(x, y) ?? "") : "";
      if (onMap) return { element: under!.closest(".gl")!, rep: onMap, order: 0, isBelow: false };
      const row = under?.closest("[data-drag-visit]") as HTMLElement | null;
      if (!row || row === source || !row.dataset.order || !row.querySelector("[data-handle]")) return null;
      const box = row.getBoundingClientRect();
      const isBelow = y > box.top + box.height / 2;
      const own = Number(source.dataset.order ?? Infinity), there = Number(row.dataset.order);
      const order = there + (isBelow ? 1 : 0) - (own < there ? 1 : 0);
      return order === own ? null : { element: row, rep: "", order, isBelow };
    };

    // the visit that would come before a row at a place of the day (1 is the first)
    const before = (moved: HTMLElement, order: number) => {
      const rows = [...document.querySelectorAll<HTMLElement>("[data-drag-visit][data-order]")];
      return rows.filter((row) => row !== moved)[order - 2]?.dataset.dragVisit ?? "";
    };

    const carrier: Carrier = {
      pick: (event) => {
        const handle = (event.target as Element).closest?.("[data-handle]");
        return now.current.isOff ? null : handle?.closest<HTMLElement>("[data-drag-visit]");
      },
      list: (source) => source.closest(".tl"),
      lift: ({ source, ghost }) => {
        hold();
        ghost.textContent = source.dataset.title ?? "";
      },
      move: ({ source }, at) => mark(find(source, at)),
      letGo: ({ source }) => {
        if (!target) return null;
        const { rep, order } = target, after = order ? before(source, order) : "";
        return () => now.current.onMove(source.dataset.dragVisit!, rep || now.current.rep, order, after);
      },
      end: () => {
        mark(null);
        release();
      },
    };

    const key = (event: KeyboardEvent) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const row = (event.target as Element).closest?.("[data-drag-visit]") as HTMLElement | null;
      if (!step || !event.altKey || !row?.dataset.order || !row.querySelector("[data-handle]") || now.current.isOff) return;
      event.preventDefault();
      const order = Number(row.dataset.order) + step;
      now.current.onMove(row.dataset.dragVisit!, now.current.rep, order, before(row, order));
    };

    const putDown = carry(carrier);
    document.addEventListener("keydown", key);
    return () => {
      putDown();
      document.removeEventListener("keydown", key);
    };
  }, []);
  return null;
}
