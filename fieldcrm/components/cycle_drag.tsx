// A visit of a cycle dragged onto a day or a rep: once it is lifted the page asks what it would cost on
// each day, and what is held tells the cost of the day below it before it is let go. Escape puts it back.
//
// Sources:  [data-cy-visit="<visit id>"], [data-cy-client="<client id>"], named by data-title
// Targets:  [data-day="<ISO day>"][data-cy-open], [data-drop-rep="<rep id>"]; data-price and data-breaks
//           say what it costs there, data-tone="no" that it can't be
// Fingers scroll; for them and for the keyboard there is the list of days beside the calendar.
import { useEffect, useRef } from "react";
import { type Carried, type Carrier, carry } from "$/public/external/fieldcrm/components/dragging/carry.ts";

type Calls = {
  onPick: (visitId: string, clientId: string) => void;
  onDrop: (visitId: string, clientId: string, day: string, repId: string) => void;
  onPutBack: () => void;
};
const LOOK_MS = 120;

export function CycleDrag({ isOff, working, ...calls }: Calls & { isOff: boolean; working: string }) {
  const now = useRef({ isOff, working, ...calls });
  now.current = { isOff, working, ...calls };

  useEffect(() => {
    let target: Element | null = null;
    let at = { x: 0, y: 0 }, looking = 0;

    const find = (source: HTMLElement) => {
      const under = document.elementFromPoint(at.x, at.y);
      const found = under?.closest("[data-cy-open],[data-drop-rep]") ?? null;
      return found?.contains(source) ? null : found;
    };

    // the prices come while it is held already
    const look = ({ source, ghost }: Carried) => {
      const found = find(source);
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

    const carrier: Carrier = {
      pick: (event) => {
        const from = event.target as Element;
        if (now.current.isOff || event.pointerType === "touch") return null;
        return from.closest?.<HTMLElement>("[data-cy-visit],[data-cy-client]");
      },
      list: () => document.querySelector(".cy-c"),
      lift: (carried) => {
        const { cyVisit = "", cyClient = "" } = carried.source.dataset;
        carried.ghost.classList.add("cy-ghost");
        now.current.onPick(cyVisit, cyClient);
        looking = window.setInterval(() => look(carried), LOOK_MS);
      },
      move: (carried, point) => {
        at = point;
        look(carried);
      },
      letGo: (carried) => {
        look(carried);
        if (!target || target.getAttribute("data-over") === "no") return null;
        const { cyVisit = "", cyClient = "" } = carried.source.dataset;
        const day = target.getAttribute("data-day") ?? "", rep = target.getAttribute("data-drop-rep") ?? "";
        return () => now.current.onDrop(cyVisit, cyClient, day, rep);
      },
      end: () => {
        window.clearInterval(looking);
        target?.removeAttribute("data-over");
        target = null;
      },
      putBack: () => now.current.onPutBack(),
    };
    return carry(carrier);
  }, []);
  return null;
}
