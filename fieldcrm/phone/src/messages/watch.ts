/** Keeps the office's messages in view while the app runs: what is open, what is due, where one is. */
import { effect, signal } from "@preact/signals";
import { act } from "../actions";

import { afterAction, storing, syncNow } from "../app";
import type { Notice } from "../docs";
import { t } from "../i18n";
import { openTasks } from "../office_hint";
import { here } from "../positions";
import { screen } from "../router";
import { db, entries, halfMinute, notices, now, offsetMs, today } from "../store";
import type { MessageAnswerPayload, MessageDoc } from "../wire.gen";
import { isWaiting, overlayMessages, reminders, type Message } from "./rules";
import { lookAtWaking } from "./wake";

export const messages = signal<Message[]>([]);
/** What the phone reminds of now, shown above every screen until the rep has seen it. */
export const reminded = signal<MessageDoc | null>(null);

const TOLD = "reminded";
let told: Set<string> | null = null;

/** Begin to watch; called once, when the first screen stands. */
export async function watch(): Promise<void> {
  told = new Set((await db.get<string[]>(TOLD)) ?? []);
  effect(() => {
    entries.value; // set anew after each step that changed the database
    void read();
  });
  effect(() => {
    halfMinute.value;
    here.value;
    void remind(messages.value);
  });
  effect(() => void answerPlans(messages.value, screen.value, notices.value));
  navigator.serviceWorker?.addEventListener("message", (event) => hear(event.data as { t?: string; hash?: string } | null));
  await lookAtWaking();
}

async function read(): Promise<void> {
  messages.value = overlayMessages(await db.messages.toArray(), entries.peek());
  openTasks.value = messages.peek().filter((m) => isWaiting(m) && (m.kind !== "plan" || m.day !== today.peek())).length;
}

function hear(said: { t?: string; hash?: string } | null): void {
  if (said?.t === "pull" || said?.t === "open") void syncNow();
  if (said?.t === "open" && said.hash) location.hash = said.hash;
}

/** Tell the office; kept first, sent when there is a network. */
export async function answer(m: MessageDoc, said: MessageAnswerPayload["answer"], comment: string | null = null): Promise<void> {
  const subject = { id: m.id, version: m.version, title: m.text.slice(0, 80), client_id: m.client_id };
  await storing(() => act(db, "message.answer", subject, { answer: said, comment: comment?.trim() || null }));
  await afterAction(said === "seen" ? null : 30);
}

let isAnswering = false;

/** Say that these were looked at; each once. */
export async function sawAll(all: Message[]): Promise<void> {
  if (isAnswering) return;
  isAnswering = true;
  try {
    for (const m of all) if (m.seen_at_ms === null) await answer(m, "seen");
  } finally {
    isAnswering = false;
  }
}

/** Today's changed plan has a screen of its own: looked at there it is seen, accepted there it is accepted. */
async function answerPlans(all: Message[], shown: string, changes: Notice[]): Promise<void> {
  const mine = all.filter((m) => m.kind === "plan" && m.day === today.peek() && m.accepted_at_ms === null);
  if (mine.length === 0 || isAnswering) return;
  if (shown === "plan-changed") return sawAll(mine);
  const known = changes.filter((n) => n.day === today.peek());
  if (known.length === 0 || known.some((n) => !n.seen)) return;
  const newest = Math.max(...known.map((n) => n.at_ms)) + offsetMs.peek();
  isAnswering = true;
  try {
    for (const m of mine) if (newest >= m.created_at_ms) await answer(m, "accepted");
  } finally {
    isAnswering = false;
  }
}

async function remind(all: Message[]): Promise<void> {
  if (!told) return;
  for (const { key, message } of reminders(all, now(), here.peek(), told)) {
    told.add(key);
    await db.put(TOLD, [...told].slice(-500));
    reminded.value = message;
    navigator.vibrate?.([60, 80, 60]);
    if (document.hidden) await notify(message);
  }
}

async function notify(m: MessageDoc): Promise<void> {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.showNotification(t(`phone.push.${m.kind}`), { body: m.text, tag: m.id, data: { hash: "#/tasks" } });
}
