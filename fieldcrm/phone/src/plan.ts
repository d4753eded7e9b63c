/** What changed in a day's plan, told as the rep needs it. Pure. */
import type { PlanRow } from "./docs";

export interface PlanDifference {
  added: PlanRow[];
  moved: { before: PlanRow; after: PlanRow; direction: "earlier" | "later" }[];
  removed: { before: PlanRow; after: PlanRow | null }[];
  same: PlanRow[];
}

const isOpen = (row: PlanRow) => row.state === "planned";

/** Rows that came, left, or changed their place in the order; small shifts of time are "same". */
export function planDifference(before: PlanRow[], after: PlanRow[]): PlanDifference {
  const old = new Map(before.map((r) => [r.id, r]));
  const fresh = new Map(after.map((r) => [r.id, r]));
  const open = byOrder(after.filter(isOpen));
  const stayed = open.filter((r) => old.has(r.id) && isOpen(old.get(r.id)!));
  const kept = longestInOrder(stayed.map((r) => old.get(r.id)!.position));
  const moved = stayed.filter((_, i) => !kept.has(i)).map((r) => {
    const was = old.get(r.id)!;
    return { before: was, after: r, direction: (r.at_ms ?? r.position) < (was.at_ms ?? was.position) ? "earlier" as const : "later" as const };
  });
  const movedIds = new Set(moved.map((m) => m.after.id));
  return {
    added: open.filter((r) => !old.has(r.id) || !isOpen(old.get(r.id)!)),
    moved,
    removed: byOrder(before.filter(isOpen)).filter((r) => gone(fresh.get(r.id))).map((r) => ({ before: r, after: fresh.get(r.id) ?? null })),
    same: stayed.filter((r) => !movedIds.has(r.id)),
  };
}

/** The day before, in the order after it where that is the rep's own: what he did himself is no news. */
export function withOwnOrder(before: PlanRow[], after: PlanRow[], asked: string[]): PlanRow[] {
  const open = byOrder(after.filter(isOpen)).map((r) => r.id).filter((id) => asked.includes(id));
  if (open.join() !== asked.filter((id) => open.includes(id)).join()) return before;
  const at = new Map(after.map((r) => [r.id, r.position]));
  return before.map((r) => ({ ...r, position: at.get(r.id) ?? r.position }));
}

export function isChange(d: PlanDifference): boolean {
  return d.added.length + d.moved.length + d.removed.length > 0;
}

/** Gone from the day by somebody else's hand; what the rep did himself is no news. */
function gone(row: PlanRow | undefined): boolean {
  return row === undefined || row.state === "cancelled" || row.state === "moved";
}

function byOrder(rows: PlanRow[]): PlanRow[] {
  return [...rows].sort((a, b) => a.position - b.position);
}

/** Indices of a longest run of numbers that never falls (not adjacent): what kept its order; visits without a place share one. */
function longestInOrder(numbers: number[]): Set<number> {
  const best: number[] = [];
  const from: number[] = [];
  let end = -1;
  numbers.forEach((n, i) => {
    best[i] = 1;
    from[i] = -1;
    for (let j = 0; j < i; j++)
      if (numbers[j]! <= n && best[j]! + 1 > best[i]!) {
        best[i] = best[j]! + 1;
        from[i] = j;
      }
    if (end < 0 || best[i]! > best[end]!) end = i;
  });
  const kept = new Set<number>();
  for (let i = end; i >= 0; i = from[i]!) kept.add(i);
  return kept;
}
