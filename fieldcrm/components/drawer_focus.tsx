// The keyboard and the drawer of a list's row: a row opened by a key has the focus in its drawer, the next
// one is said and scrolled to, and what closes gives the focus back to the row that was open.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { isByKey } from "$/public/external/fieldcrm/components/behaviour/focus_kept.ts";

/** A list in another order, or of another search, is read from its first row on. */
export function FromTop({ order }: { order: string }) {
  const spot = useRef<HTMLSpanElement>(null);
  useEffect(() => { spot.current?.closest(".scr")?.scrollTo({ top: 0 }); }, [order]);
  return <span ref={spot} hidden />;
}

const OPEN_ROW = "main tr[aria-selected=true]";

export function DrawerFocus({ opened, name }: { opened: string; name: string }) {
  const spot = useRef<HTMLSpanElement>(null);
  const opener = useRef<HTMLElement | null>(null);
  const isFirst = useRef(true);
  const [said, say] = useState("");
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const row = document.querySelector<HTMLElement>(OPEN_ROW);
      const at = document.activeElement;
      opener.current = row?.querySelector<HTMLElement>("button") ?? null;
      row?.scrollIntoView({ block: "nearest" });
      const isNowhere = isFirst.current && (at === document.body || at?.id === "main"); // an address named the row
      const isHere = isByKey() && (isNowhere || !!row?.contains(at));
      isFirst.current = false;
      if (isHere) spot.current?.closest("aside")?.querySelector<HTMLElement>(".dr-b")?.focus();
      say(isHere ? "" : name); // the pane that has the focus says its name itself
    });
    return () => cancelAnimationFrame(frame);
  }, [opened]);
  useLayoutEffect(() => {
    const drawer = spot.current?.closest("aside");
    return () => {
      if (drawer?.contains(document.activeElement) && opener.current?.isConnected) opener.current.focus();
    };
  }, []);
  return <span ref={spot} role="status" className="vh">{said}</span>;
}
