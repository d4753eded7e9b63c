/** The tracker's self-test: a position is sent and seen to arrive; and what each maker's phones want. */
import { useEffect, useState } from "preact/hooks";
import { span, t } from "../i18n";
import { Icon } from "../icons";
import { Btn, Chip } from "../parts";
import { here, watchPosition } from "../positions";
import { me, now, second, offsetMs } from "../store";

interface Heard {
  fix_at_ms: number;
  server_at_ms: number;
  accuracy_m: number | null;
}

const EVERY_MS = 2000;
const PATIENCE_MS = 90_000;

async function heardOf(device: string): Promise<Heard | null> {
  const answer = await fetch(`/api/v1/devices/${device}/heard`, { cache: "no-store" }).catch(() => null);
  return answer?.ok ? ((await answer.json()) as Heard | null) : null;
}

/** One position of this phone, by the tracker's own way: an answer can't be read, its arrival is asked of the office. */
async function sendOne(token: string): Promise<number | null> {
  const at = here.peek();
  if (!at || !me.peek()) return null;
  const fixAt = Math.round((at.fix_at_ms + offsetMs.peek()) / 1000) * 1000;
  const told = new URLSearchParams({
    id: token, lat: String(at.lat), lon: String(at.lng), accuracy: String(at.accuracy_m ?? ""), timestamp: String(fixAt / 1000),
  });
  await fetch(`${me.peek()!.gateway}/ingest/osmand?${told}`, { method: "POST", mode: "no-cors" });
  return fixAt;
}

export function SelfTest({ device, token, name }: { device: string; token: string; name: string }) {
  const [begun, setBegun] = useState<number | null>(null);
  const [own, setOwn] = useState<{ fixAt: number; tookMs: number | null } | null>(null);
  const [other, setOther] = useState<Heard | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (begun === null) return;
    const timer = setInterval(() => void look(), EVERY_MS);
    return () => clearInterval(timer);
  }, [begun, own?.fixAt]);
  const look = async () => {
    const heard = await heardOf(device);
    if (!heard || begun === null || heard.server_at_ms < begun) return;
    if (own && heard.fix_at_ms === own.fixAt) setOwn((o) => o && { ...o, tookMs: o.tookMs ?? Math.max(0, now() - begun) });
    else setOther(heard);
  };
  const begin = async () => {
    watchPosition();
    setBegun(now());
    setFailed(false);
    try {
      const fixAt = await sendOne(token);
      if (fixAt !== null) setOwn({ fixAt, tookMs: null });
    } catch {
      setFailed(true);
    }
  };
  void second.value;
  const waited = begun === null ? 0 : now() - begun;
  return (
    <section class="card" aria-label={t("phone.tracker.test")} style="margin-top:10px"><div class="fs">
      <div class="h"><h2>{t("phone.tracker.test")}</h2></div>
      <p class="small muted">{t("phone.tracker.why")}</p>
      {begun === null ? <div class="btns" style="margin-top:10px"><Btn class="big" icon="play" onClick={() => void begin()}>{t("phone.tracker.begin")}</Btn></div> : (
        <div class="list" role="status">
          <Step ok={own !== null && own.tookMs !== null} bad={failed || (waited > PATIENCE_MS && !own?.tookMs)} title={t("phone.tracker.this")}
            text={own?.tookMs != null ? t("phone.tracker.this_ok", { span: span(own.tookMs) }) : failed ? t("phone.tracker.this_bad") : own ? t("phone.tracker.this_wait") : t("phone.tracker.no_position")} />
          <Step ok={other !== null} bad={waited > PATIENCE_MS} title={t("phone.tracker.app", { name })}
            text={other ? t("phone.tracker.app_ok", { span: span(now() - other.server_at_ms), n: Math.round(other.accuracy_m ?? 0) })
              : t(waited > PATIENCE_MS ? "phone.tracker.app_bad" : "phone.tracker.app_wait", { name, span: span(waited) })} />
        </div>
      )}
      {begun !== null && !own && here.value && <div class="btns"><Btn class="fit" onClick={() => void begin()}>{t("phone.tracker.begin")}</Btn></div>}
      {other && <p class="note" style="margin-top:8px"><Icon name="lock" />{t("phone.tracker.locked")}</p>}
    </div></section>
  );
}

function Step({ ok, bad, title, text }: { ok: boolean; bad: boolean; title: string; text: string }) {
  return <div><Icon name={ok ? "tick" : bad ? "warn" : "ring"} class={ok ? "c-acc" : bad ? "c-doubt" : "c-pause"} /><div class="t"><p>{title}</p><p>{text}</p></div></div>;
}

const MAKERS = ["samsung", "xiaomi", "huawei", "oppo", "vivo", "android", "iphone"] as const;
type Maker = (typeof MAKERS)[number];
const NAMES: Record<Maker, string> = {
  samsung: "Samsung", xiaomi: "Xiaomi, Redmi, POCO", huawei: "Huawei, Honor", oppo: "Oppo, OnePlus, realme", vivo: "vivo",
  android: "", iphone: "iPhone",
};
const SIGNS: [RegExp, Maker][] = [
  [/iPhone|iPad/, "iphone"], [/SM-|Samsung/i, "samsung"], [/Redmi|Xiaomi|POCO|\bMi \d|\b2[0-9]{6,}[A-Z]/i, "xiaomi"],
  [/Huawei|Honor|\bHW-/i, "huawei"], [/Oppo|CPH\d|OnePlus|RMX\d/i, "oppo"], [/vivo|\bV\d{4}[A-Z]?\b/i, "vivo"],
];

/** Phones stop what runs in the background, each maker's in its own way: what to set so that they don't. */
export function Makers() {
  const [maker, setMaker] = useState<Maker>(SIGNS.find(([sign]) => sign.test(navigator.userAgent))?.[1] ?? "android");
  const steps = maker === "iphone" ? [t("phone.tracker.iphone")] : [t("phone.tracker.all"), t(`phone.tracker.${maker}`), t("phone.tracker.power")];
  return (
    <section class="card" style="margin-top:10px"><div class="fs">
      <div class="h"><h2>{t("phone.tracker.list")}</h2></div>
      <div class="chips" role="group" aria-label={t("phone.tracker.maker")} style="margin-bottom:10px">{MAKERS.map((m) => <Chip on={m === maker} onClick={() => setMaker(m)}>{NAMES[m] || t("phone.tracker.other")}</Chip>)}</div>
      <ol class="small" style="padding-left:22px;display:grid;gap:6px;list-style:decimal">{steps.map((step) => <li>{step}</li>)}</ol>
    </div></section>
  );
}
