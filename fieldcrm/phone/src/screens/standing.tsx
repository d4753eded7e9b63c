/** What speaks for a client's category and loyalty, and what the client consented to. */
import type { Client } from "../docs";
import { dayOfYear, has, t } from "../i18n";
import { Icon } from "../icons";
import { isOpen } from "../sent";
import { entries } from "../store";
import type { Consent, Proof } from "../wire.gen";

export const CHANNELS = ["visit", "call", "email", "message"] as const;

/** In words: when, how it is known, what it says. */
export function said(kind: "evidence" | "consent", told: Proof): string {
  return [told.on && dayOfYear(told.on), t(`${kind}.source.${told.source}`), told.text].filter(Boolean).join(" · ");
}

/** The server's, with what the rep noted since on top; an older server tells none. */
export function consentsOf(client: Client): Record<string, Consent> {
  const mine = entries.value.filter((e) => e.kind === "client.consent" && e.subject_id === client.id && isOpen(e)).sort((a, b) => a.seq - b.seq);
  return { ...client.consents, ...Object.fromEntries(mine.map((e) => [e.payload.channel, e.payload as unknown as Consent])) };
}

/** Loyalty is free text of the client base; the usual grades are shown in the rep's language. */
export function loyaltyWord(text: string): string {
  const key = `phone.loyalty.${text.toLowerCase()}`;
  return has(key) ? t(key) : text;
}

export function Why({ client }: { client: Client }) {
  const lines = [[client.category, client.evidence?.category], [client.loyalty && loyaltyWord(client.loyalty), client.evidence?.loyalty]] as const;
  return <>{lines.map(([value, proof]) => value && proof && <p class="small muted">{value}: {said("evidence", proof)}</p>)}</>;
}

/** Channels that are no longer the rep's to use. */
export function Withdrawn({ client }: { client: Client }) {
  const known = consentsOf(client);
  const gone = CHANNELS.filter((c) => known[c]?.state === "withdrawn");
  if (gone.length === 0) return null;
  const channels = gone.map((c) => t(`consent.by.${c}`)).join(", ");
  return <p class="note warn" role="alert" style="margin-top:8px"><Icon name="warn" /><span>{t("consent.withdrawn", { channels })}</span></p>;
}
