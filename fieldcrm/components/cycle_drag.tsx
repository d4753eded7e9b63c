// A visit of a cycle dragged onto a day or a rep: once it is lifted the page asks what it would cost on
// each day, and what is held tells the cost of the day below it before it is let go. Escape puts it back.
//
// Sources:  [data-cy-visit="<visit id>"], [data-cy-client="<client id>"], named by data-title
// Targets:  [data-day="<ISO day>"][data-cy-open], [data-drop-rep="<rep id>"]; data-price and data-breaks
//           say what it costs there, data-tone="no" that it can't be
// Fingers scroll; for them and for the keyboard there is the list of days beside the calendar.
import { useEffect, useRef } from "react";

type Calls = {
  onPick: (visitId: string, clientId: string) => void;
  onDrop: (visitId: string, clientId: string, day: string, repId: string) => void;
  onPutBack: () => void;
};
const FAR_ENOUGH_PX = 5;
const LOOK_MS = 120;

export function CycleDrag({ isOff, working, ...calls }: Calls & { isOff: boolean; working: string }) {
  const now = useRef({ isOff, working, ...calls });
  now.current = { isOff, working, ...calls };

  useEffect(() => {
    let source: HTMLElement | null = null, ghost: HTMLElement | null = null, target: Element | null = null;
    let start = { x: 0, y: 0 }, at = { x: 0, y: 0 }, looking = 0;

    const find = () => {
      const under = document.elementFromPoint(at.x, at.y);
      const found = under?.closest("[data-cy-open],[data-drop-rep]") ?? null;
      return found?.contains(source) ? null : found;
    };

    // the prices come while it is held already
    const look = () => {
      if (!ghost || !source) return;
      const found = find();
      if (found !== target) target?.removeAttribute("data-over");
      target = found;
      const price = found?.getAttribute("data-price") ?? "";
      const breaks = found?.getAttribute("data-breaks") ?? "";
      const isNo = found?.getAttribute("data-tone") === "no";
      found?.setAttribute("data-over", isNo ? "no" : "on");
      document.body.classList.toggle("can-drop", !!found && !isNo);
      const lines = [source.dataset.title ?? "", found ? price || now.current.working : "", breaks];
      ghost.replaceChildren(...lines.filter(Boolean).map((text, n) => {
        const line = document.createElement(n ? "span" : "b");
        line.textContent = text;
        if (text === breaks) line.className = "warn";
        return line;
      }));
    };

    const lift = () => {
      ghost = document.createElement("div");
      ghost.className = "float drag-ghost cy-ghost";
      document.body.append(ghost);
      document.body.classList.add("dragging");
      source!.classList.add("lifted");
      now.current.onPick(source!.dataset.cyVisit ?? "", source!.dataset.cyClient ?? "");
      looking = window.setInterval(look, LOOK_MS);
    };

    const end = () => {
      window.clearInterval(looking);
      target?.removeAttribute("data-over");
      ghost?.remove();
      source?.classList.remove("lifted");
      document.body.classList.remove("dragging", "can-drop");
      source = ghost = target = null;
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", drop);
      document.removeEventListener("pointercancel", putBack);
      document.removeEventListener("keydown", escape, true);
      window.removeEventListener("blur", putBack);
    };

    const putBack = () => {
      const wasHeld = !!ghost;
      end();
      if (wasHeld) now.current.onPutBack();
    };

    const move = (event: PointerEvent) => {
      if (!source) return;
      if (!event.buttons) return putBack(); // let go where the page could not hear it
      at = { x: event.clientX, y: event.clientY };
      if (!ghost && Math.hypot(at.x - start.x, at.y - start.y) < FAR_ENOUGH_PX) return;
      if (!ghost) lift();
      event.preventDefault();
      ghost!.style.transform = `translate(${at.x + 12}px, ${at.y + 8}px)`;
      look();
      const list = document.querySelector(".cy-c");
      const box = list?.getBoundingClientRect();
      if (list && box && at.y < box.top + 24) list.scrollTop -= 14;
      if (list && box && at.y > box.bottom - 24) list.scrollTop += 14;
    };

    const drop = () => {
      if (!ghost) return end();
      look();
      const { cyVisit = "", cyClient = "" } = source!.dataset;
      const day = target?.getAttribute("data-day") ?? "", rep = target?.getAttribute("data-drop-rep") ?? "";
      if (!target || target.getAttribute("data-over") === "no") return putBack();
      end();
      now.current.onDrop(cyVisit, cyClient, day, rep);
    };

    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      putBack();
    };

    const press = (event: PointerEvent) => {
      const from = event.target as Element;
      if (now.current.isOff || event.button !== 0 || event.pointerType === "touch") return;
      source = from.closest?.("[data-cy-visit],[data-cy-client]") as HTMLElement | null;
      if (!source) return;
      event.preventDefault();
      start = { x: event.clientX, y: event.clientY };
      document.addEventListener("pointermove", move);
      document.addEventListener("pointerup", drop);
      document.addEventListener("pointercancel", putBack);
      document.addEventListener("keydown", escape, true);
      window.addEventListener("blur", putBack);
    };

    document.addEventListener("pointerdown", press);
    return () => {
      end();
      document.removeEventListener("pointerdown", press);
    };
  }, []);
  return null;
}
