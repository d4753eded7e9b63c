// Something carried by the pointer: pressed, lifted once the pointer has gone far enough, then let go of
// or put back (Escape, another window, a button let go where the page could not hear it). While it is
// carried a ghost follows the pointer, a list scrolls at its edges and the page's other keys wait.
export type Point = { x: number; y: number };
export type Carried = { source: HTMLElement; ghost: HTMLElement };
export type Carrier = {
  pick: (event: PointerEvent) => HTMLElement | null | undefined; // what a press takes up
  list: (source: HTMLElement) => Element | null; // what scrolls
  lift: (carried: Carried) => void;
  move: (carried: Carried, at: Point) => void;
  letGo: (carried: Carried) => (() => void) | null; // what is done by it; null: it is put back
  end: () => void; // after either, before what is done
  putBack?: () => void;
};
const FAR_ENOUGH_PX = 5, EDGE_PX = 24, SCROLL_PX = 14;

// Listens for presses on the page; the answer stops that, and puts back what is carried.
export function carry(carrier: Carrier): () => void {
  let source: HTMLElement | null = null, carried: Carried | null = null;
  let start = { x: 0, y: 0 };

  const finish = (done: (() => void) | null) => {
    const wasCarried = !!carried;
    carried?.ghost.remove();
    source?.classList.remove("lifted");
    document.body.classList.remove("dragging", "can-drop");
    source = carried = null;
    listen("removeEventListener");
    if (!wasCarried) return;
    carrier.end();
    (done ?? carrier.putBack)?.();
  };
  const stop = () => finish(null);

  const lift = (from: HTMLElement): Carried => {
    const ghost = document.createElement("div");
    ghost.className = "float drag-ghost";
    document.body.append(ghost);
    document.body.classList.add("dragging");
    from.classList.add("lifted");
    return { source: from, ghost };
  };

  const move = (event: PointerEvent) => {
    if (!source) return;
    if (!event.buttons) return stop();
    const at = { x: event.clientX, y: event.clientY };
    if (!carried && Math.hypot(at.x - start.x, at.y - start.y) < FAR_ENOUGH_PX) return;
    if (!carried) carrier.lift((carried = lift(source)));
    event.preventDefault();
    carried.ghost.style.transform = `translate(${at.x + 12}px, ${at.y + 8}px)`;
    carrier.move(carried, at);
    scroll(carrier.list(source), at);
  };

  const drop = () => finish(carried && carrier.letGo(carried));

  const key = (event: KeyboardEvent) => {
    if (!carried && event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    if (event.key === "Escape") stop();
  };

  const listen = (how: "addEventListener" | "removeEventListener") => {
    document[how]("pointermove", move as EventListener);
    document[how]("pointerup", drop);
    document[how]("pointercancel", stop);
    document[how]("keydown", key as EventListener, true);
    window[how]("blur", stop);
  };

  const press = (event: PointerEvent) => {
    if (event.button !== 0 || source) return;
    source = carrier.pick(event) ?? null;
    if (!source) return;
    event.preventDefault();
    start = { x: event.clientX, y: event.clientY };
    listen("addEventListener");
  };

  document.addEventListener("pointerdown", press);
  return () => {
    stop();
    document.removeEventListener("pointerdown", press);
  };
}

function scroll(list: Element | null, at: Point) {
  const box = list?.getBoundingClientRect();
  if (list && box && at.y < box.top + EDGE_PX) list.scrollTop -= SCROLL_PX;
  if (list && box && at.y > box.bottom - EDGE_PX) list.scrollTop += SCROLL_PX;
}
