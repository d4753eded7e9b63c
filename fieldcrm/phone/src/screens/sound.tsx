/** A spoken note of a visit: recorded without a network, kept at once, sent like a photo. */
import { useEffect, useState } from "preact/hooks";
import { dropPhoto, keepPhoto } from "../actions";
import { afterAction, storing } from "../app";
import type { StoredFile, Visit } from "../docs";
import { endRecording } from "../further";
import { bytes, t, time } from "../i18n";
import { Icon } from "../icons";
import { Btn } from "../parts";
import { asPosition } from "../positions";
import { db, files } from "../store";

/** Longest note; at 24 kbit/s about half a megabyte. */
export const LONGEST_S = 180;
const BITS_PER_S = 24_000;
export const LARGEST_BYTES = 4_000_000;
/** What browsers can record, the smallest first; the server knows each by its first bytes. */
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

type State = "idle" | "recording" | "denied" | "unsupported" | "too_large";

export function SoundNote({ visit }: { visit: Visit }) {
  const [state, setState] = useState<State>("idle");
  const [seconds, setSeconds] = useState(0);
  useEffect(() => () => void endRecording.peek()?.(), []);
  useEffect(() => {
    if (state !== "recording") return;
    const tick = setInterval(() => setSeconds((s) => s + 1), 1000);
    return () => clearInterval(tick);
  }, [state]);
  useEffect(() => {
    if (seconds >= LONGEST_S) void endRecording.peek()?.();
  }, [seconds]);
  const start = async () => {
    const made = await listen();
    if (typeof made === "string") return setState(made);
    setSeconds(0);
    setState("recording");
    endRecording.value = async () => {
      endRecording.value = null;
      setState((await keep(visit, await made())) ? "idle" : "too_large");
    };
    navigator.vibrate?.(10);
  };
  return (
    <section class="card" id="sound"><div class="fs">
      <div class="h"><h2>{t("phone.sound.title")}</h2><span class="req">{t("phone.sound.limit", { n: LONGEST_S / 60 })}</span></div>
      <Sounds visitId={visit.id} bare />
      {state === "recording"
        ? <Btn class="big p" icon="square" onClick={() => void endRecording.value?.()}>{t("phone.sound.stop")} <span class="count dark" role="timer">{clock(seconds)}</span></Btn>
        : <Btn class="q" icon="mic" onClick={() => void start()}>{t("phone.sound.start")}</Btn>}
      <p class="small muted" style="margin-top:8px" role="status">{t(state === "idle" || state === "recording" ? "phone.sound.consent" : `phone.sound.${state}`, { size: bytes(LARGEST_BYTES) })}</p>
    </div></section>
  );
}

function clock(s: number): string {
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** Begin to record; what it returns ends the recording and gives the whole note. */
async function listen(): Promise<(() => Promise<Blob>) | "denied" | "unsupported"> {
  const type = typeof MediaRecorder === "undefined" ? undefined : TYPES.find((x) => MediaRecorder.isTypeSupported(x));
  if (!type || !navigator.mediaDevices) return "unsupported";
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, noiseSuppression: true } }).catch(() => null);
  if (!stream) return "denied";
  const made = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: BITS_PER_S });
  const parts: Blob[] = [];
  made.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise<void>((done) => { made.onstop = () => done(); });
  made.start(1000);
  return async () => {
    if (made.state !== "inactive") made.stop();
    await ended;
    stream.getTracks().forEach((track) => track.stop());
    return new Blob(parts, { type: type.split(";")[0]! });
  };
}

async function keep(visit: Visit, sound: Blob): Promise<boolean> {
  if (sound.size === 0) return true;
  if (sound.size > LARGEST_BYTES) return false;
  const content = await sound.arrayBuffer();
  await storing(() => keepPhoto(db, visit.id, content, sound.type, asPosition(), "audio"));
  await afterAction(10);
  return true;
}

/** A visit's spoken notes on this phone. */
export function Sounds({ visitId, bare = false }: { visitId: string; bare?: boolean }) {
  const mine = files.value.filter((f) => f.visit_id === visitId && f.kind === "audio");
  if (mine.length === 0) return null;
  const list = mine.map((f) => <Sound key={f.sha256} file={f} />);
  return bare ? <>{list}</> : <section class="card pad" style="margin-top:10px"><h2 class="small strong">{t("phone.sound.title")}</h2>{list}</section>;
}

function Sound({ file }: { file: StoredFile }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    void db.blobs.get(file.sha256).then((kept) => {
      if (kept) setUrl((made = URL.createObjectURL(new Blob([kept.bytes], { type: file.content_type }))));
    });
    return () => {
      if (made) URL.revokeObjectURL(made);
    };
  }, [file.sha256]);
  const remove = async () => {
    await dropPhoto(db, file.sha256);
    await afterAction();
  };
  return (
    <div class="row snd">
      {url ? <audio controls preload="metadata" src={url} aria-label={t("phone.sound.at", { time: time(file.taken_at_ms) })} /> : <span class="grow muted">{t("phone.sound.gone")}</span>}
      {file.state === "held"
        ? <button type="button" class="ib" aria-label={t("phone.sound.remove")} onClick={() => void remove()}><Icon name="bin" class="s" /></button>
        : <Icon name={file.state === "stored" ? "cloudTick" : "onPhone"} class="s" />}
    </div>
  );
}
