/** A signature drawn with the finger, kept as lines on a canvas of 1000 by 1000. */
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Btn } from "../parts";
import type { FormField } from "../wire.gen";
import { say } from "./pick";
import { CANVAS } from "./rules";

export interface Signed {
  name: string;
  strokes: number[][];
}
const STROKES_MAX = 150;
const POINTS_MAX = 4000;
/** Nearer points are left out: a finger says more than a line needs. */
const STEP = 6;

export function Signature({ field, value, set }: { field: FormField; value: Signed | null | undefined; set: (value: Signed | null) => void }) {
  const signed: Signed = value ?? { name: "", strokes: [] };
  const pad = useRef<SVGSVGElement>(null);
  const drawn = useRef<number[] | null>(null);
  const line = useRef<SVGPolylineElement>(null);
  const at = (e: PointerEvent): [number, number] => {
    const box = pad.current!.getBoundingClientRect();
    const share = (v: number, from: number, size: number) => Math.max(0, Math.min(CANVAS, Math.round(((v - from) / size) * CANVAS)));
    return [share(e.clientX, box.left, box.width), share(e.clientY, box.top, box.height)];
  };
  const begin = (e: PointerEvent) => {
    const points = signed.strokes.reduce((n, s) => n + s.length / 2, 0);
    if (signed.strokes.length >= STROKES_MAX || points >= POINTS_MAX) return;
    pad.current!.setPointerCapture(e.pointerId);
    drawn.current = at(e);
  };
  const go = (e: PointerEvent) => {
    const points = drawn.current;
    if (!points) return;
    const [x, y] = at(e);
    if (Math.hypot(x - points[points.length - 2]!, y - points[points.length - 1]!) < STEP) return;
    points.push(x, y);
    line.current!.setAttribute("points", points.join(" "));
  };
  const end = () => {
    const points = drawn.current;
    drawn.current = null;
    line.current?.setAttribute("points", "");
    if (points) set({ ...signed, strokes: [...signed.strokes, points.length > 2 ? points : [...points, points[0]! + 1 > CANVAS ? points[0]! - 1 : points[0]! + 1, points[1]!]] });
  };
  useEffect(() => {
    const stay = (e: TouchEvent) => e.preventDefault();
    pad.current!.addEventListener("touchmove", stay, { passive: false });
    return () => pad.current?.removeEventListener("touchmove", stay);
  }, []);
  return (
    <>
      <input class="inp" aria-label={t("forms.signer")} placeholder={t("forms.signer")} maxLength={200} value={signed.name} onInput={(e) => set({ ...signed, name: e.currentTarget.value })} />
      <svg ref={pad} class="pad-sign" viewBox={`0 0 ${CANVAS} ${CANVAS}`} preserveAspectRatio="none" role="img" aria-label={`${say(field.label)}. ${t(signed.strokes.length ? "forms.signed" : "forms.sign_here")}`}
        onPointerDown={begin} onPointerMove={go} onPointerUp={end} onPointerCancel={end}>
        {signed.strokes.map((s) => <polyline points={s.join(" ")} />)}<polyline ref={line} />
      </svg>
      <div class="btns" style="margin-top:8px"><p class="small muted grow">{t(signed.strokes.length ? "forms.signed" : "forms.sign_here")}</p>
        {signed.strokes.length > 0 && <Btn class="q fit" onClick={() => set({ ...signed, strokes: [] })}>{t("forms.sign_again")}</Btn>}
      </div>
    </>
  );
}

/** A signature as it was drawn. */
export function Strokes({ strokes, label }: { strokes: number[][]; label: string }) {
  return <svg class="pad-sign read" viewBox={`0 0 ${CANVAS} ${CANVAS}`} preserveAspectRatio="none" role="img" aria-label={label}>{strokes.map((s) => <polyline points={s.join(" ")} />)}</svg>;
}
