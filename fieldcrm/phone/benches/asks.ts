/** What passes between a rep, his colleague and the office: visits made by two, an order of his own, words on messages. */
import { act, attachmentsOf, keepPhoto } from "../src/actions";
import { newId } from "../src/ids";
import { isWaiting } from "../src/messages/rules";
import { planned } from "../src/order";
import type { Chance } from "./chance";
import type { Phone } from "./phone";
import { has, here, type Goal } from "./work";

const OPEN = new Set(["planned", "under_way", "closed"]);

/** A colleague is named for a visit; sometimes the rep takes that back. */
export function together(visitId: string): Goal {
  return async (p, c, tag) => {
    const visit = (await p.shown()).get(visitId);
    const colleagues = (await p.db.profiles.get(p.told.rep_id))?.colleagues ?? [];
    const colleague = colleagues[c.whole(0, colleagues.length - 1)];
    if (!visit || !colleague || !OPEN.has(visit.state)) return;
    const named = (await p.joints()).find((j) => j.is_mine && j.visit_id === visitId && j.status !== "withdrawn");
    if (!named) {
      const subject = { id: newId(), version: null, title: colleague.name, client_id: visit.client_id };
      p.noteEntry(await act(p.db, "joint.ask", subject, { visit_id: visitId, colleague_id: colleague.id }));
    } else if (c.happens(0.4) && !has(p, "joint.answer", named.id)) {
      p.noteEntry(await act(p.db, "joint.answer", { id: named.id, version: null, title: tag }, { answer: "withdrawn" }));
    }
  };
}

/** A colleague says that this rep was there too: his own word on it. */
export async function invited(p: Phone, c: Chance): Promise<void> {
  const asked = (await p.joints()).filter((j) => !j.is_mine && j.status === "asked" && !has(p, "joint.answer", j.id));
  for (const j of asked) {
    const position = c.happens(0.7) ? here() : null;
    const word = c.pick(["confirmed", "confirmed", "declined"] as const);
    p.noteEntry(await act(p.db, "joint.answer", { id: j.id, version: null, title: j.client_name }, { answer: word, position }));
  }
}

/** What is left of the day in another order. */
export async function ordered(p: Phone, c: Chance): Promise<void> {
  const day = p.today();
  const left = planned([...(await p.shown()).values()].filter((v) => v.day === day)).map((v) => v.id);
  const some = c.shuffled(left).slice(0, c.whole(2, 8));
  if (some.length > 1) p.noteEntry(await act(p.db, "day.order", { id: p.told.rep_id, version: null, title: "bench" }, { day, visit_ids: some }));
}

/** The office is asked for a better rest of the day. */
export async function replan(p: Phone, _c: Chance, tag: string): Promise<void> {
  if (has(p, "day.replan", p.told.rep_id, tag)) return;
  p.noteEntry(await act(p.db, "day.replan", { id: p.told.rep_id, version: null, title: "bench" }, { day: p.today(), comment: `late ${tag}` }));
}

/** Each message that waits is seen; most get an answer, some of them another later. */
export async function answers(p: Phone, c: Chance, tag: string): Promise<void> {
  for (const m of (await p.messages()).filter(isWaiting)) {
    const subject = { id: m.id, version: m.version, title: m.text.slice(0, 80), client_id: m.client_id };
    if (m.seen_at_ms === null) p.noteEntry(await act(p.db, "message.answer", subject, { answer: "seen", comment: null }));
    if (!c.happens(0.75)) continue;
    const said = c.pick(["accepted", "declined", "done"] as const);
    const comment = said === "accepted" ? null : `${said} ${tag}`;
    p.noteEntry(await act(p.db, "message.answer", subject, { answer: said, comment }));
  }
}

/** A card whose address is wrong, sometimes with a picture that shows it. */
export function correct(clientId: string): Goal {
  return async (p, c, tag) => {
    if (has(p, "client.correct", clientId, tag)) return;
    const card = (await p.client(clientId))!;
    const held = c.happens(0.4) ? [await keepCardPhoto(p, c, clientId)] : [];
    const subject = { id: clientId, version: card.version, title: "bench" };
    const payload = { address: `Katu ${tag}`, comment: "moved", attachments: await attachmentsOf(p.db, held) };
    p.noteEntry(await act(p.db, "client.correct", subject, payload, held));
  };
}

async function keepCardPhoto(p: Phone, c: Chance, clientId: string): Promise<string> {
  const size = c.whole(2000, 30_000);
  const sha = await keepPhoto(p.db, clientId, c.photo(size), "image/jpeg", here());
  p.photos.set(sha, size);
  return sha;
}
