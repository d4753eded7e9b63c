/** What stands open of the office's messages, and when the phone reminds of them. Pure. */
import type { Entry } from "../docs";
import { metresBetween } from "../geo";
import { isOpen } from "../sent";
import type { MessageAnswerPayload, MessageDoc } from "../wire.gen";

/** A message with the rep's own answers laid over it, sent or not. */
export interface Message extends MessageDoc {
  unsent?: boolean;
}

type Answer = MessageAnswerPayload["answer"];

/** The server's messages with open answers in order on top; the first moment of each answer stays. */
export function overlayMessages(docs: MessageDoc[], entries: Entry[]): Message[] {
  const all = new Map<string, Message>(docs.map((m) => [m.id, m]));
  const answers = entries.filter((e) => e.kind === "message.answer" && isOpen(e)).sort((a, b) => a.seq - b.seq);
  for (const e of answers) {
    const m = all.get(e.subject_id);
    if (m) all.set(m.id, { ...answered(m, e.payload.answer as Answer, e.device_at_ms + e.offset_ms), unsent: true });
  }
  return [...all.values()].sort((a, b) => order(a) - order(b) || b.created_at_ms - a.created_at_ms);
}

/** As the server has it: who has done or declined it has seen it; done takes a refusal back. */
export function answered<T extends MessageDoc>(m: T, answer: Answer, at: number): T {
  const accepted = answer === "accepted" || answer === "done";
  return {
    ...m,
    seen_at_ms: m.seen_at_ms ?? at,
    accepted_at_ms: accepted ? (m.accepted_at_ms ?? at) : m.accepted_at_ms,
    declined_at_ms: accepted ? null : answer === "declined" && m.done_at_ms === null ? (m.declined_at_ms ?? at) : m.declined_at_ms,
    done_at_ms: answer === "done" ? (m.done_at_ms ?? at) : m.done_at_ms,
  };
}

/** Whether the rep still has something to do or to say. */
export function isWaiting(m: MessageDoc): boolean {
  if (m.done_at_ms !== null || m.declined_at_ms !== null) return false;
  return m.kind === "plan" ? m.accepted_at_ms === null : true;
}

function order(m: MessageDoc): number {
  return isWaiting(m) ? (m.due_at_ms ?? 8e15) : 9e15;
}

export interface Fix {
  lat: number;
  lng: number;
  accuracy_m?: number | null;
}

/** Within the radius as far as the fix can tell; one that tells little counts by its centre. */
export function isAt(m: MessageDoc, at: Fix | null): boolean {
  if (!at || m.lat === null || m.lng === null || m.radius_m === null) return false;
  const doubt = Math.min(at.accuracy_m ?? 0, m.radius_m / 2);
  return metresBetween(at, { lat: m.lat, lng: m.lng }) - doubt <= m.radius_m;
}

/** For what the phone reminds now, each once: `told` holds what it has reminded of, as `due:<id>` and `near:<id>`. */
export function reminders(all: MessageDoc[], nowMs: number, at: Fix | null, told: ReadonlySet<string>): { key: string; message: MessageDoc }[] {
  const due = all.filter((m) => m.due_at_ms !== null && m.due_at_ms <= nowMs).map((message) => ({ key: `due:${message.id}`, message }));
  const near = all.filter((m) => isAt(m, at)).map((message) => ({ key: `near:${message.id}`, message }));
  return [...due, ...near].filter(({ key, message }) => message.kind !== "plan" && isWaiting(message) && !told.has(key));
}
