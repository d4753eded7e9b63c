/** What is wrong on a card: asked for with photos, decided by the office, whose word is shown here. */
import { useRef, useState } from "preact/hooks";
import { act, attachmentsOf, heldPhotos } from "../actions";
import { afterAction, storing } from "../app";
import type { Client } from "../docs";
import { metresBetween } from "../geo";
import { distance, longDay, dayOf, t } from "../i18n";
import { Icon } from "../icons";
import { Btn, Top, Truth } from "../parts";
import { asPosition, here, permission, watchPosition } from "../positions";
import { back, fromHere } from "../router";
import { clients, corrections, db, files, laidAside, refresh } from "../store";
import type { ClientCorrectPayload, CorrectionDoc } from "../wire.gen";
import { takePhoto } from "./checkin";
import { Field } from "./newclient";
import { OwnFiles } from "./ownfields";
import { NotHere, Photo } from "./visit";

const MOST_PHOTOS = 5;

export function CorrectClient({ id }: { id: string }) {
  const client = clients.value.get(id);
  return client ? <Correct client={client} /> : <NotHere />;
}

function Correct({ client }: { client: Client }) {
  const word = corrections.value.filter((c) => c.client_id === client.id).sort((a, b) => b.asked_at_ms - a.asked_at_ms)[0];
  const again = word?.status === "declined" ? (word.wanted as { name?: string; address?: string }) : {};
  const [name, setName] = useState(again.name ?? client.name);
  const [address, setAddress] = useState(again.address ?? client.address ?? "");
  const [isHere, setHere] = useState(false);
  const [comment, setComment] = useState("");
  useState(() => permission.value === "granted" && watchPosition());
  const at = here.value;
  const changes: ClientCorrectPayload = {
    ...(name.trim() && name.trim() !== client.name ? { name: name.trim() } : {}),
    ...(address.trim() !== (client.address ?? "") ? { address: address.trim() || null } : {}),
    ...(isHere && at ? { lat: at.lat, lng: at.lng } : {}),
  };
  const isReady = Object.keys(changes).length > 0;
  const far = at && client.lat !== null && client.lng !== null ? metresBetween(at, { lat: client.lat, lng: client.lng }) : null;
  const save = async () => {
    const leave = fromHere();
    if (!isReady) return;
    const subject = { id: client.id, version: client.version, title: client.name };
    const hashes = await heldPhotos(db, client.id);
    const payload = { ...changes, comment: comment.trim() || null, attachments: await attachmentsOf(db, hashes) };
    if (!(await storing(() => act(db, "client.correct", subject, payload, hashes)))) return;
    if (word) await layAside(word.id);
    await afterAction(30);
    leave(back);
  };
  return (
    <>
      <Top title={t("phone.correct.title")} sub={client.name} />
      <Truth thin />
      <main tabIndex={0}>
        {word ? <Word word={word} /> : <p class="note" style="margin-bottom:12px">{t("phone.correct.note")}</p>}
        <Field label={t("phone.newclient.name")} value={name} set={setName} />
        <Field label={t("phone.newclient.address")} value={address} set={setAddress} />
        <button type="button" class="opt card pad" role="switch" aria-checked={isHere} disabled={!asPosition()} onClick={() => setHere(!isHere)}>
          <Icon name="pin" /><span class="grow">{t("phone.correct.pin")}<small class="small muted" style="display:block">{at ? (far === null ? t("phone.shift.accuracy", { n: Math.round(at.accuracy_m ?? 0) }) : t("phone.correct.moves", { distance: distance(far) })) : t("phone.checkin.no_fix_yet")}</small></span><span class={`sw ${isHere ? "on" : ""}`} />
        </button>
        <Shots clientId={client.id} />
        <label class="fld" style="margin-top:12px"><span>{t("phone.visit.comment")}</span><textarea class="ta" style="min-height:72px" maxLength={1000} value={comment} onInput={(e) => setComment(e.currentTarget.value)} /></label>
        <OwnFiles client={client} />
      </main>
      <footer class="dock"><div class="btns"><Btn class="big q c1" onClick={back}>{t("phone.cancel")}</Btn><Btn class={`big c2 ${isReady ? "p" : "wait"}`} onClick={() => void save()}>{t("phone.correct.save")}</Btn></div></footer>
    </>
  );
}

/** The office's word on what was asked last, and what the rep can do now. */
function Word({ word }: { word: CorrectionDoc }) {
  const isDeclined = word.status === "declined";
  const when = longDay(dayOf(word.decided_at_ms ?? word.asked_at_ms));
  return (
    <div class={`note ${isDeclined ? "warn" : word.status === "accepted" ? "ok" : ""}`} style="margin-bottom:12px" id="word">
      <Icon name={isDeclined ? "cross" : word.status === "accepted" ? "tick" : "hour"} />
      <div class="grow">
        <b>{t(`phone.correct.is_${word.status}`)}</b>
        <p class="small">{[wantedLine(word), word.decided_by, when].filter(Boolean).join(" · ")}</p>
        {isDeclined && <p style="margin-top:6px">{word.reason ? `“${word.reason}”` : t("phone.correct.no_reason")}</p>}
        {isDeclined && !laidAside.value.includes(word.id) && (
          <>
            <p class="small" style="margin-top:6px">{t("phone.correct.what_now")}</p>
            <div class="btns" style="margin-top:8px"><Btn class="q fit" onClick={() => void layAside(word.id).then(back)}>{t("phone.correct.leave")}</Btn></div>
          </>
        )}
      </div>
    </div>
  );
}

function wantedLine(word: CorrectionDoc): string {
  const { name, address, lat } = word.wanted as { name?: string; address?: string | null; lat?: number };
  return [name, address, lat === undefined ? "" : t("phone.correct.a_pin")].filter(Boolean).join(", ");
}

async function layAside(id: string): Promise<void> {
  if (!laidAside.value.includes(id)) await db.put("laid_aside", [...laidAside.value, id].slice(-100));
  await refresh();
}

/** Photos that show it: the sign, the door, the list of names. */
function Shots({ clientId }: { clientId: string }) {
  const camera = useRef<HTMLInputElement>(null);
  const mine = files.value.filter((f) => f.visit_id === clientId && f.state === "held" && f.kind !== "file");
  return (
    <section class="card" style="margin-top:12px"><div class="fs">
      <div class="h"><h2>{t("phone.visit.photos")}</h2><span class="cam"><Icon name="camera" class="xs" />{t("phone.visit.camera_only")}</span></div>
      <div class="scrollx">
        {mine.length < MOST_PHOTOS && <button type="button" class="ph add opt2" onClick={() => camera.current?.click()}><Icon name={mine.length ? "plus" : "camera"} class="l" />{t(mine.length ? "phone.visit.photo_more" : "phone.visit.photo_add")}</button>}
        {mine.map((f) => <Photo sha={f.sha256} state={f.state} at={f.taken_at_ms} canRemove />)}
      </div>
      <input ref={camera} id="camera" type="file" accept="image/*" capture="environment" class="vh" tabIndex={-1} aria-label={t("phone.visit.photo_add")} onChange={(e) => void takePhoto(e.currentTarget, clientId)} />
    </div></section>
  );
}
