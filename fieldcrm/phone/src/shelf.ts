/** What stood on a client's shelf when it was last looked at: the server's figures, the rep's own on top. Pure. */
import type { Client, Visit } from "./docs";
import type { ShelfFigure, VisitDetails } from "./wire.gen";

/** Each product as the last look found it; the rep's own visits count as they stand on this phone. */
export function shelfOf(client: Client, visits: Iterable<Visit>, repName: string): ShelfFigure[] {
  const mine = new Map([...visits].filter((v) => v.state === "closed" && (v.place_id ?? v.client_id) === client.id).map((v) => [v.id, v]));
  const told = (client.shelf ?? []).filter((f) => !mine.has(f.visit_id));
  const last = new Map<string, ShelfFigure>();
  for (const f of [...told, ...[...mine.values()].flatMap((v) => seenIn(v, repName))].sort((a, b) => a.at_ms - b.at_ms)) last.set(f.product_id, f);
  return [...last.values()];
}

function seenIn(visit: Visit, rep_name: string): ShelfFigure[] {
  return Object.entries(visit.details.stock ?? {}).map(([product_id, is_there]) => ({
    product_id, is_there, price: is_there ? priceIn(visit.details, product_id) : null, day: visit.day,
    at_ms: visit.closed_at_ms ?? 0, rep_name, visit_id: visit.id,
  }));
}

/** The price noted beside a product: whatever the form calls its shelf, a row of it tells `there`. */
function priceIn(details: VisitDetails, productId: string): number | null {
  let noted: number | null = null;
  for (const answer of Object.values(details.form?.answers ?? {})) {
    const row = (answer as Record<string, { there?: boolean; price?: number | null } | undefined> | null)?.[productId];
    if (row?.there) noted = row.price ?? null;
  }
  return noted;
}
