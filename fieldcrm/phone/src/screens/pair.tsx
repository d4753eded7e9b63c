/** Pairing a tracker app, which goes on while the screen is off; a web page can't. */
import { useEffect, useState } from "preact/hooks";
import { problemOf, refusalText } from "../app";
import { longDay, dayOf, t } from "../i18n";
import { Icon } from "../icons";
import { Btn, Chip, LinkBtn, Top } from "../parts";
import { href } from "../router";
import { db, me, shift } from "../store";
import { Makers, SelfTest } from "./selftest";

const KINDS = ["osmand", "owntracks", "overland", "gpslogger"] as const;
type Kind = (typeof KINDS)[number];

const NAMES: Record<string, string> = {
  osmand: "Traccar Client", owntracks: "OwnTracks", overland: "Overland", gpslogger: "GPSLogger", pwa: "fieldcrm",
};

interface Device {
  id: string;
  kind: string;
  name: string;
  paired_at: string;
  revoked_at: string | null;
}
interface Paired {
  device: Device;
  token: string;
  uri: string;
  qr_svg: string;
}

export function Pair() {
  const [kind, setKind] = useState<Kind>("osmand");
  const [paired, setPaired] = useState<Paired | null>(null);
  const [devices, setDevices] = useState<Device[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [own, setOwn] = useState<string | undefined>();
  const list = async () => {
    setOwn(await db.get<string>("device_id"));
    const answer = await fetch("/api/v1/devices", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) setDevices((await answer.json()) as Device[]);
    else setError(answer ? refusalText(await problemOf(answer)) : t("phone.pair.offline"));
  };
  useEffect(() => void list(), []);
  const make = async () => {
    const body = JSON.stringify({ rep_id: me.value?.user.id, kind, name: NAMES[kind] });
    const answer = await fetch("/api/v1/devices", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
    if (!answer) return setError(t("phone.pair.offline"));
    if (!answer.ok) return setError(refusalText(await problemOf(answer)));
    setError(null);
    setPaired((await answer.json()) as Paired);
    await list();
  };
  return (
    <>
      <Top title={t("phone.pair.title")} sub={t("phone.pair.why")} />
      <main tabIndex={0}>
        {!paired && (
          <section class="card"><div class="fs"><div class="h"><h2>{t("phone.pair.which")}</h2></div>
            <div class="grid2">{KINDS.map((k) => <Chip on={kind === k} onClick={() => setKind(k)}>{NAMES[k]}</Chip>)}</div>
            <p class="small muted" style="margin-top:10px">{t(`phone.pair.about_${kind}`)}</p>
          </div></section>
        )}
        {paired && <Code paired={paired} />}
        {paired && <SelfTest key={paired.device.id} device={paired.device.id} token={paired.token} name={NAMES[paired.device.kind] ?? paired.device.kind} />}
        <ShiftFirst />
        <Makers />
        {error && <p class="note warn" role="alert" style="margin-top:10px"><Icon name="cloudOff" />{error}</p>}
        {devices && <h2 class="sec">{t("phone.pair.devices")}</h2>}
        {devices && <section class="card"><div class="list">
          {devices.filter((d) => !d.revoked_at).map((d) => <DeviceRow device={d} isThis={d.id === own} />)}
          {devices.length === 0 && <div class="small muted">{t("phone.pair.none")}</div>}
        </div></section>}
      </main>
      <footer class="dock"><div class="btns">
        {paired ? <Btn class="huge q" onClick={() => setPaired(null)}>{t("phone.pair.another")}</Btn> : <Btn class="huge p" icon="link" onClick={() => void make()}>{t("phone.pair.make")}</Btn>}
      </div></footer>
    </>
  );
}

/** An app that may send positions: its name, whether it is this very phone, since when. */
function DeviceRow({ device, isThis }: { device: Device; isThis: boolean }) {
  const isApp = device.kind === "pwa";
  const name = NAMES[device.kind] ?? device.kind;
  const since = t("phone.pair.since", { day: longDay(dayOf(Date.parse(device.paired_at))) });
  const sub = [device.name && device.name !== name ? name : "", since].filter(Boolean).join(" · ");
  return (
    <div><Icon name={isApp ? "onPhone" : "link"} />
      <div class="t"><p>{device.name || name}</p><p>{sub}</p></div>
      {isThis && <span class="tag ok">{t("phone.pair.this")}</span>}
    </div>
  );
}

/** A tracker alone shows nothing: positions count only while its rep is on shift. */
function ShiftFirst() {
  const isOn = shift.value !== null;
  return (
    <div class={`note ${isOn ? "ok" : "warn"}`} style="margin-top:10px">
      <Icon name={isOn ? "tick" : "ring"} />
      <div class="grow"><b>{t(isOn ? "phone.pair.on_shift" : "phone.pair.shift_first")}</b>{t(isOn ? "phone.pair.on_shift_text" : "phone.pair.shift_first_text")}
        {!isOn && <div class="btns" style="margin-top:10px"><LinkBtn class="soft" icon="play" to={href("shift")}>{t("phone.pair.to_shift")}</LinkBtn></div>}
      </div>
    </div>
  );
}

function Code({ paired }: { paired: Paired }) {
  const name = NAMES[paired.device.kind] ?? paired.device.kind;
  const opens = /^(owntracks|overland):/.test(paired.uri);
  return (
    <section class="card pad">
      <div class="row" style="gap:14px;align-items:flex-start">
        <div class="qr" style="width:150px;flex:none" role="img" aria-label={t("phone.pair.code", { name })} dangerouslySetInnerHTML={{ __html: paired.qr_svg }} />
        <div class="grow"><h2>{name}</h2><p class="small muted" style="margin:4px 0 8px">{t("phone.pair.scan")}</p></div>
      </div>
      <div class="btns" style="margin-top:12px">
        {opens && <a class="btn" href={paired.uri}><Icon name="link" /><span>{t("phone.pair.open", { name })}</span></a>}
        <Btn class="q" onClick={() => void navigator.clipboard?.writeText(paired.uri)}>{t("phone.pair.copy")}</Btn>
      </div>
      <p class="small muted" style="margin-top:10px">{t("phone.pair.once")}</p>
    </section>
  );
}
