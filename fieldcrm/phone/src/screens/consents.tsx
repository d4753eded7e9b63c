/** A client's consents by channel, and another word of his noted by the rep. */
import { useState } from "preact/hooks";
import { act } from "../actions";
import { afterAction, storing } from "../app";
import type { Client } from "../docs";
import { t } from "../i18n";
import { Icon } from "../icons";
import { Btn, Chip } from "../parts";
import { db, today } from "../store";
import type { ClientConsentPayload } from "../wire.gen";
import { CHANNELS, consentsOf, said } from "./standing";

const STATES = ["given", "withdrawn", "asked"] as const;
const SIGNS = { given: "tick", withdrawn: "cross", asked: "hour" } as const;

export function Consents({ client }: { client: Client }) {
  const [isOpen, setOpen] = useState(false);
  const all = consentsOf(client);
  const known = CHANNELS.flatMap((channel) => (all[channel] ? [{ channel, told: all[channel] }] : []));
  return (
    <>
      <h2 class="sec">{t("consent.title")}</h2>
      <section class="card"><div class="list">
        {known.map(({ channel, told }) => (
          <div><Icon name={SIGNS[told.state]} class={told.state === "withdrawn" ? "c-doubt" : ""} />
            <div class="t"><p>{t(`consent.channel.${channel}`)}: {t(`consent.state.${told.state}`)}</p><p>{said("consent", told)}</p></div>
          </div>
        ))}
        {known.length === 0 && <div><Icon name="hour" /><div class="t"><p class="muted">{t("phone.consent.none")}</p></div></div>}
      </div>
      {isOpen ? <Word client={client} close={() => setOpen(false)} />
        : <div class="pad"><Btn class="q" icon="pen" onClick={() => setOpen(true)}>{t("phone.consent.note")}</Btn></div>}
      </section>
    </>
  );
}

function Word({ client, close }: { client: Client; close: () => void }) {
  const [channel, setChannel] = useState<(typeof CHANNELS)[number]>("visit");
  const [state, setState] = useState<(typeof STATES)[number]>("given");
  const [text, setText] = useState("");
  const save = async () => {
    const payload: ClientConsentPayload = { channel, state, on: today.value, source: "visit", text: text.trim() };
    await storing(() => act(db, "client.consent", { id: client.id, version: client.version, title: client.name }, payload));
    close();
    await afterAction(10);
  };
  return (
    <div class="pad">
      <div class="scrollx" role="group" aria-label={t("phone.consent.channel")}>{CHANNELS.map((c) => <Chip on={channel === c} onClick={() => setChannel(c)}>{t(`consent.channel.${c}`)}</Chip>)}</div>
      <div class="scrollx" role="group" aria-label={t("consent.title")} style="margin:10px 0">{STATES.map((s) => <Chip on={state === s} onClick={() => setState(s)}>{t(`consent.state.${s}`)}</Chip>)}</div>
      <label class="fld"><span>{t("phone.consent.said")}</span><input class="inp" maxLength={300} autocomplete="off" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
      <div class="btns"><Btn class="q" onClick={close}>{t("phone.cancel")}</Btn><Btn class="p" onClick={() => void save()}>{t("phone.save")}</Btn></div>
    </div>
  );
}
