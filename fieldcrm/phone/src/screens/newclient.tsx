/** A client found in the field: kept on the phone, usable at once. */
import { useRef, useState } from "preact/hooks";
import { act } from "../actions";
import { afterAction, storing } from "../app";
import type { Client } from "../docs";
import { metresBetween } from "../geo";
import { t } from "../i18n";
import { Icon } from "../icons";
import { newId } from "../ids";
import { Ava, Btn, Chip, clientLine, LinkBtn, Top, Truth } from "../parts";
import { here, permission, watchPosition } from "../positions";
import { fromHere, href, turn } from "../router";
import { similar } from "../search";
import { clients, db } from "../store";
import { useNewOwn } from "./ownfields";
import type { ClientCreatePayload } from "../wire.gen";

const KINDS = ["doctor", "pharmacist", "buyer", "organisation", "pharmacy"] as const;
const PLACES: ReadonlySet<string> = new Set(["organisation", "pharmacy"]);

interface FieldProps {
  label: string;
  value: string;
  set: (text: string) => void;
  mode?: "text" | "tel";
}

export function Field({ label, value, set, mode = "text" }: FieldProps) {
  return <label class="fld"><span>{label}</span><input class="inp" inputmode={mode} maxLength={200} autocomplete="off" value={value} onInput={(e) => set(e.currentTarget.value)} /></label>;
}

/** Places near the rep, for saying where a person works. */
function nearPlaces(): Client[] {
  const at = here.value;
  if (!at) return [];
  const far = (c: Client) => (c.lat === null || c.lng === null ? Infinity : metresBetween(at, { lat: c.lat, lng: c.lng }));
  return [...clients.value.values()].filter((c) => PLACES.has(c.kind) && far(c) < 300).sort((a, b) => far(a) - far(b)).slice(0, 3);
}

export function NewClient({ name: prefilled }: { name?: string }) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>("doctor");
  const [name, setName] = useState(prefilled ?? "");
  const [phone, setPhone] = useState("");
  const [address, setAddress] = useState("");
  const [placeId, setPlace] = useState<string | null>(null);
  const [isHere, setHere] = useState(true);
  const [isOther, setOther] = useState(false);
  useState(() => permission.value === "granted" && watchPosition());
  const at = here.value;
  const found = isOther ? [] : similar(clients.value.values(), name, phone, at);
  const isPerson = !PLACES.has(kind);
  const near = isPerson ? nearPlaces() : [];
  const own = useNewOwn(kind);
  const isSaving = useRef(false); // a second press means the same client
  const isReady = name.trim() !== "" && found.length === 0;
  const save = async (thenVisit: boolean) => {
    if (!own.isRight() || isSaving.current) return;
    isSaving.current = true;
    const leave = fromHere();
    const id = newId();
    const payload: ClientCreatePayload = {
      kind, name: name.trim(), phone: phone.trim() || null, address: address.trim() || null, place_id: isPerson ? placeId : null,
      lat: isHere && at && !placeId ? at.lat : null, lng: isHere && at && !placeId ? at.lng : null,
    };
    const store = async () => {
      await act(db, "client.create", { id, version: null, title: payload.name }, payload);
      return own.keep({ id, name: payload.name, version: null });
    };
    const isKept = await storing(store).finally(() => { isSaving.current = false; });
    if (!isKept) return;
    await afterAction(30);
    leave(() => turn(thenVisit ? "new-visit" : "client", id));
  };
  return (
    <>
      <Top title={t("phone.newclient.title")} />
      <Truth thin />
      <main tabIndex={0}>
        <div class="scrollx" style="margin-bottom:12px">{KINDS.map((k) => <Chip on={kind === k} onClick={() => setKind(k)}>{t(`phone.kind.${k}`)}</Chip>)}</div>
        <Field label={t("phone.newclient.name")} value={name} set={setName} />
        <Field label={t("phone.newclient.phone")} value={phone} set={setPhone} mode="tel" />
        {found.map((hit) => <Twin client={hit.client} why={hit.why} />)}
        {found.length > 0 && <div class="btns" style="margin-bottom:14px"><Btn onClick={() => setOther(true)}>{t("phone.newclient.other")}</Btn></div>}
        {near.length > 0 && (
          <section class="card" style="margin-bottom:14px"><div class="fs"><div class="h"><h2>{t("phone.newclient.works_at")}</h2></div>
            <div class="btns col">{near.map((p) => <Chip class="start" on={placeId === p.id} onClick={() => setPlace(placeId === p.id ? null : p.id)}>{p.name}</Chip>)}</div>
          </div></section>
        )}
        <Field label={t("phone.newclient.address")} value={address} set={setAddress} />
        {!placeId && (
          <button type="button" class="opt card pad" role="switch" aria-checked={isHere && at !== null} disabled={!at} onClick={() => setHere(!isHere)}>
            <Icon name="pin" /><span class="grow">{t("phone.newclient.pin")}<small class="small muted" style="display:block">{at ? t("phone.shift.accuracy", { n: Math.round(at.accuracy_m ?? 0) }) : t("phone.checkin.no_fix_yet")}</small></span><span class={`sw ${isHere && at ? "on" : ""}`} />
          </button>
        )}
        {own.section}
      </main>
      <footer class="dock">
        <p class="small muted row" style="margin-bottom:8px"><Icon name="onPhone" class="s" />{t("phone.newclient.kept")}</p>
        <div class="btns"><Btn class="big q c1" onClick={() => isReady && void save(false)}>{t("phone.save")}</Btn><Btn class={`big c2 ${isReady ? "p" : "wait"}`} icon="pin" onClick={() => isReady && void save(true)}>{t("phone.newclient.visit")}</Btn></div>
      </footer>
    </>
  );
}

/** Somebody on this phone who may be the same. */
function Twin({ client, why }: { client: Client; why: string[] }) {
  return (
    <section class="card" style="border:2px solid var(--doubtful);margin-bottom:14px"><div class="pad">
      <div class="row" style="gap:10px;margin-bottom:10px"><Icon name="two" class="c-doubt" /><h2>{t("phone.newclient.maybe")}</h2></div>
      <div class="row" style="gap:12px"><Ava client={client} small /><div class="grow"><p class="strong">{client.name}</p><p class="small muted">{[clientLine(client), client.workplaces[0]?.name ?? client.address].filter(Boolean).join(" · ")}</p></div></div>
      <p class="small" style="margin:8px 0 10px">{why.map((w) => t(`phone.newclient.same_${w}`)).join(" ")}</p>
      <div class="btns"><LinkBtn class="soft" to={href("client", client.id)}>{t("phone.newclient.open")}</LinkBtn></div>
    </div></section>
  );
}
