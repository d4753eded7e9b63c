// A rep's days played again: the recorded way and the planned one on the map, the days' time line
// below with the nights left out, jumps to whatever is doubtful. Each day's track comes as
// docs/protocol.md tells ("A day for a player"); visits, stops and gaps come from the page. The map
// shows the day that is being played. What moves is drawn here, sixty times a second.
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { GeoJSONSource, Map as GlMap } from "maplibre-gl";
import { Icon, latinKey } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { followPage, regionMap, token } from "$/public/external/fieldcrm/components/region_map/region_map.ts";
import { labelHours, momentOf, playedAt, wholeOf, windowAt } from "$/public/external/fieldcrm/components/replay_player/replay_time.ts";
import { atTime, CALM, doubtsIn, placeOn, readTrack, until, type Doubt, type Timed, type Track } from "$/public/external/fieldcrm/components/replay_player/replay_track.ts";

type LatLng = [number, number];
type Span = { from_ms: number; to_ms: number; title: string };
type Visit = {
  id: string; label: string; title: string; sub: string; kind: string; verdict: string; verdict_word: string;
  lat: number | null; lng: number | null; from_ms: number; to_ms: number; planned_ms: number; planned_end_ms: number;
};
type Stop = Span & { lat: number; lng: number };
export type Day = {
  key: string; url: string; from_ms: number; to_ms: number; start_ms: number; visits: Visit[]; stops: Stop[];
  gaps: Span[]; pauses: Span[]; shifts: Span[]; lines: Timed[][]; plan: LatLng[]; ghost: Timed[];
  label: string; title: string; empty_title: string; empty_why: string;
};
export type Days = { key: string; start_ms: number; days: Day[] };
type Props = { span: Days; words: Record<string, Record<string, string>>; lang: string; zone: string; onStep: (by: number) => void };
type Jump = { day: number; at: number; kind: string; tone: string; text: string };

const SPEEDS = [1, 10, 30, 60, 120, 300];
const PAINT_MS = 100; // the way behind grows so often; the marker moves each frame
const MINUTE = 60_000;

function lineShape(lines: LatLng[][]): GeoJSON.Feature {
  const coordinates = lines.filter((line) => line.length > 1).map((line) => line.map(([lat, lng]) => [lng, lat]));
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates } };
}

function addLines(map: GlMap) {
  const looks: [string, string, number, number, number[] | null][] = [
    ["plan", "--plan-line", 3, 0.75, [2, 1.4]], ["whole", "--track-line", 2.5, 0.32, null], ["passed", "--track-line", 4, 1, null],
  ];
  for (const [name, color, width, opacity, dash] of looks) {
    if (map.getSource(name)) continue;
    map.addSource(name, { type: "geojson", data: lineShape([]) });
    if (name === "passed") {
      map.addLayer({ id: "passed-case", type: "line", source: name, layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": token("--map-halo"), "line-width": width + 3 } });
    }
    map.addLayer({ id: name, type: "line", source: name, layout: { "line-cap": dash ? "butt" : "round", "line-join": "round" },
      paint: { "line-color": token(color), "line-width": width, "line-opacity": opacity, ...(dash ? { "line-dasharray": dash } : {}) } });
  }
}

const setLine = (map: GlMap | null, name: string, lines: LatLng[][]) =>
  (map?.getSource(name) as GeoJSONSource | undefined)?.setData(lineShape(lines));

/** Where the planned rep would be: between the plan's points by time. */
function ghostAt(ghost: Timed[], at: number): LatLng | null {
  if (!ghost.length || at < ghost[0][2] || at > ghost[ghost.length - 1][2]) return null;
  const next = ghost.findIndex((point) => point[2] >= at);
  const [a, b] = [ghost[Math.max(0, next - 1)], ghost[next]];
  const share = b[2] > a[2] ? (at - a[2]) / (b[2] - a[2]) : 0;
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
}

const isTyping = (target: EventTarget | null) => target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)
  && (target as HTMLInputElement).type !== "range";

export function ReplayPlayer({ span, words, lang, zone, onStep }: Props) {
  const days = span.days;
  const t = (key: string, params: Record<string, string> = {}) =>
    Object.entries(params).reduce((text, [name, value]) => text.replace(`{${name}}`, value), words[`replay.${key}`]?.[lang] ?? "");
  const clock = useMemo(() => new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone }), [lang, zone]);
  const minutes = useMemo(() => new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }), [lang, zone]);
  const number = useMemo(() => new Intl.NumberFormat(lang, { maximumFractionDigits: 0 }), [lang]);

  const box = useRef<HTMLDivElement>(null);
  const map = useRef<GlMap | null>(null);
  const [tracks, setTracks] = useState<Track[] | null>(null);
  const strip = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  const [problem, setProblem] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const [at, setAt] = useState(span.start_ms);
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(60);
  const [isFollowing, setFollowing] = useState(false);
  const [hasPlan, setHasPlan] = useState(true);
  const [, redraw] = useState(0);
  const now = useRef(at);
  now.current = at;
  const painted = useRef(0);
  const playing = windowAt(days, at);
  const day = days[playing];
  const track = tracks && tracks[playing] ? tracks[playing] : null;

  // the days' tracks
  useEffect(() => {
    const gone = new AbortController();
    setTracks(null); setProblem(false); setPlaying(false); setAt(span.start_ms);
    const read = (url: string) => fetch(url, { signal: gone.signal })
      .then((r) => { if (!r.ok) throw new Error(String(r.status)); return r.arrayBuffer(); }).then(readTrack);
    Promise.all(days.map((d) => read(d.url)))
      .then((found) => setTracks(found))
      .catch((error) => { if (error.name !== "AbortError") { gone.abort(); setProblem(true); } });
    return () => gone.abort();
  }, [span.key, attempt]);
  useEffect(() => { setAt(span.start_ms); }, [span.start_ms]);

  const lines = useMemo(() => days.flatMap((d) => until(d.lines, Infinity)), [span.key]);
  const jumps = useMemo((): Jump[] => {
    const found: Jump[] = [];
    days.forEach((d, n) => {
      for (const v of d.visits) {
        if (v.from_ms && (v.verdict === "doubtful" || v.verdict === "contradicted")) found.push({ day: n, at: v.from_ms, kind: "visit", tone: v.verdict, text: `${v.title} · ${v.verdict_word}` });
      }
      for (const gap of d.gaps) found.push({ day: n, at: gap.from_ms, kind: "gap", tone: "silent", text: gap.title });
      for (const x of tracks?.[n] ? doubtsIn(tracks[n]) : []) found.push({ day: n, at: x.from_ms, kind: x.kind, tone: toneOf(x), text: wordsOf(x) });
    });
    return found.sort((a, b) => a.at - b.at);
  }, [span.key, tracks, lang]);

  function toneOf(doubt: Doubt): string { return doubt.kind === "mock" ? "contradicted" : CALM.has(doubt.kind) ? "calm" : "doubtful"; }
  function wordsOf(doubt: Doubt): string {
    const text = t(`doubt.${doubt.kind}`);
    return doubt.to_ms - doubt.from_ms < MINUTE ? text : `${text} · ${minutes.format(doubt.from_ms)}–${minutes.format(doubt.to_ms)}`;
  }

  // the map
  useEffect(() => {
    const made = regionMap(box.current!, 12);
    map.current = made;
    made.getCanvas().setAttribute("aria-label", t("map"));
    const again = () => redraw((n) => n + 1);
    made.on("move", again);
    made.on("resize", again);
    made.on("style.load", () => { addLines(made); painted.current = 0; again(); });
    made.on("dragstart", () => setFollowing(false));
    made.on("error", () => undefined);
    const unfollow = followPage(made, () => undefined, () => setWidth(strip.current?.clientWidth || 900));
    return () => { unfollow(); map.current = null; made.remove(); };
  }, []);

  // what doesn't move
  const isStyled = Boolean(map.current?.getSource("passed"));
  useEffect(() => {
    setLine(map.current, "whole", lines);
    setLine(map.current, "plan", hasPlan ? [day.plan] : []);
    painted.current = 0;
  }, [lines, day.key, isStyled, hasPlan]);
  useEffect(() => { if (map.current) fit(); }, [lines]);

  function fit() {
    const points = [...lines.flat(), ...days.flatMap((d) => [...d.plan, ...d.visits.filter((v) => v.lat !== null).map((v): LatLng => [v.lat!, v.lng!])])];
    if (!points.length || !map.current) return;
    const lats = points.map((p) => p[0]);
    const lngs = points.map((p) => p[1]);
    map.current.fitBounds([[Math.min(...lngs), Math.min(...lats)], [Math.max(...lngs), Math.max(...lats)]],
      { padding: { top: 56, left: 56, right: 56, bottom: 40 }, maxZoom: 16, animate: false });
  }

  // time goes on, from the evening to the next morning
  const end = days[days.length - 1].to_ms;
  useEffect(() => {
    if (!isPlaying) return;
    let frame = 0;
    let last = performance.now();
    const step = (moment: number) => {
      const next = momentOf(days, playedAt(days, now.current) + (moment - last) * speed);
      last = moment;
      now.current = next;
      setAt(next);
      if (next >= end) setPlaying(false);
      else frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, speed, span.key]);

  const seen = track ? atTime(track, at) : null;
  const here = seen && { ...seen, ...placeOn(day.lines, at) };
  useEffect(() => {
    if (!track || !map.current || (isPlaying && performance.now() - painted.current < PAINT_MS)) return;
    painted.current = performance.now();
    setLine(map.current, "passed", until(day.lines, at));
    if (isFollowing && here) map.current.easeTo({ center: [here.lng, here.lat], duration: 0 });
  }, [at, track, isPlaying, isStyled, isFollowing]);

  const play = () => { if (!isPlaying && now.current >= end) setAt(days[0].from_ms); setPlaying(!isPlaying); };
  const go = (to: number) => setAt(momentOf(days, playedAt(days, to)));
  const by = (ms: number) => setAt(momentOf(days, playedAt(days, now.current) + ms));
  const jump = (to: Jump) => {
    setPlaying(false); go(to.at);
    const place = tracks?.[to.day] && atTime(tracks[to.day], to.at);
    if (place) map.current?.easeTo({ center: [place.lng, place.lat], zoom: Math.max(15, map.current.getZoom()), duration: 400 });
  };
  const hop = (way: number) => {
    const found = way > 0 ? jumps.find((j) => j.at > now.current + 500) : [...jumps].reverse().find((j) => j.at < now.current - 500);
    if (found) jump(found);
  };
  const faster = (more: number) => setSpeed((was) => SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(was) + more))]);

  const latest = useRef<(event: KeyboardEvent) => void>(() => undefined);
  latest.current = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const minute = (event.shiftKey ? 10 : 1) * MINUTE;
    const onButton = event.target instanceof HTMLElement && /^(BUTTON|A)$/.test(event.target.tagName);
    const acts: Record<string, () => void> = {
      ArrowLeft: () => by(-minute), ArrowRight: () => by(minute),
      j: () => hop(1), k: () => hop(-1), "[": () => onStep(-1), "]": () => onStep(1), ",": () => faster(-1), ".": () => faster(1),
      f: () => setFollowing(!isFollowing), ...(onButton ? {} : { " ": play }),
    };
    const act = acts[latinKey(event)];
    if (!act || event.target === map.current?.getCanvas() && event.key.startsWith("Arrow")) return;
    event.preventDefault();
    act();
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => latest.current(event);
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);

  // what is true at this moment
  const inside = (spans: Span[]) => spans.find((s) => at >= s.from_ms && at < s.to_ms);
  const visit = day.visits.find((v) => v.from_ms && at >= v.from_ms && at < v.to_ms);
  const pause = inside(day.pauses);
  const silence = inside(day.gaps);
  const stop = inside(day.stops);
  const isOff = day.shifts.length > 0 && !inside(day.shifts);
  const isMoving = !stop && here && here.speed >= 0.5;
  const what = visit ? visit.title : pause ? pause.title : silence ? silence.title : isOff ? t("off_shift") : stop ? stop.title
    : isMoving ? t("moving") : here ? t("standing") : t("no_position");
  const look = visit ? "in-visit" : pause || isOff ? "paused" : silence ? "silent" : isMoving ? "moving" : "idle";

  const put = (lat: number, lng: number) => {
    const p = map.current?.project([lng, lat]);
    return p ? `translate(${p.x.toFixed(1)} ${p.y.toFixed(1)})` : "translate(-99 -99)";
  };
  const ghost = hasPlan ? ghostAt(day.ghost, at) : null;
  const whole = wholeOf(days);
  const percent = (played: number) => `${((100 * played) / whole).toFixed(3)}%`;
  const share = (ms: number) => percent(playedAt(days, ms));
  const clip = (d: Day, ms: number) => percent(playedAt(days, d.from_ms) + Math.max(0, Math.min(d.to_ms, ms) - d.from_ms));
  const bar = (d: Day, s: { from_ms: number; to_ms: number }) => ({ left: clip(d, s.from_ms), width: `calc(${clip(d, s.to_ms)} - ${clip(d, s.from_ms)})` });
  const isMany = days.length > 1;
  const hours = useMemo(() => {
    const step = labelHours(days, width) * 60 * MINUTE;
    const found: number[] = [];
    for (const d of step && !isMany ? days : []) {
      for (let ms = Math.ceil(d.from_ms / step) * step; ms <= d.to_ms; ms += step) found.push(ms);
    }
    return found;
  }, [span.key, width]);
  const every = <T,>(pick: (d: Day) => T[], draw: (d: Day, item: T, key: string) => ReactNode) =>
    days.flatMap((d, n) => pick(d).map((item, m) => draw(d, item, `${n}.${m}`)));
  const kmh = here && here.speed >= 0 && !here.isGap ? `${number.format(here.speed * 3.6)} ${t("kmh")}` : "–";
  const nothing = track !== null && track.count === 0;
  const isSilent = tracks !== null && tracks.every((found) => found.count === 0);

  return (
    <div className="rpl" data-state={problem ? "failed" : tracks ? "ready" : "loading"} data-days={days.length} data-at={Math.round(at)}>
      <div className="rpl-map map">
        <div ref={box} className="gl" />
        <svg className="over" aria-hidden="true">
          {day.stops.map((s, n) => <circle key={n} className="rp-stop" r={7} transform={put(s.lat, s.lng)}><title>{s.title}</title></circle>)}
          {day.visits.map((v) => v.lat === null ? null : (
            <g key={v.id} className={`stop ${v.kind} ${v.verdict}`} transform={put(v.lat, v.lng!)}><title>{v.title}</title><circle r="10" /><text y="4">{v.label}</text></g>
          ))}
          {track && jumps.filter((j) => j.day === playing && j.kind !== "visit" && j.kind !== "gap").map((j, n) => {
            const place = atTime(track, j.at);
            return place && <path key={n} className={`rp-doubt ${j.tone}`} d="M0-8 8 6H-8Z" transform={put(place.lat, place.lng)}><title>{j.text}</title></path>;
          })}
          {ghost && <g className="rp-ghost" transform={put(...ghost)}><circle r="9" /><path d="M-4 0h8M0-4v8" /></g>}
          {here && <g className={`rp-me ${look}`} transform={put(here.lat, here.lng)}><circle className="halo" r="17" /><circle className="dot" r="9" />
            {isMoving && <path className="arrow" d="M0-5 4 4.4Q0 2.2-4 4.4Z" transform={`rotate(${here.course.toFixed(0)})`} />}</g>}
        </svg>
        <div className="float rp-card">
          {isMany && <div className="t1 muted rp-on">{day.title}</div>}
          <div className="rp-time num">{clock.format(at)}</div>
          <div className="rp-what"><i className={`rp-dot ${look}`} /><span className="el">{what}</span></div>
          <div className="row t1 muted"><span className="num">{kmh}</span><span className="sp" />
            {here && here.battery >= 0 && <span className="num">{t("battery")} {number.format(here.battery)} %</span>}</div>
        </div>
        <div className="ctl float rp-ctl" role="group" aria-label={t("controls")}>
          <button type="button" aria-label={t("zoom_in")} title={t("zoom_in")} onClick={() => map.current?.zoomIn()}><Icon name="plus" /></button>
          <button type="button" aria-label={t("zoom_out")} title={t("zoom_out")} onClick={() => map.current?.zoomOut()}><Icon name="minus" /></button>
          <button type="button" aria-label={t("fit")} title={t("fit")} onClick={() => { setFollowing(false); fit(); }}><Icon name="locate-fixed" /></button>
          <button type="button" aria-label={t("follow")} title={t("follow")} aria-pressed={isFollowing} onClick={() => setFollowing(!isFollowing)}><Icon name="navigation" /></button>
          <button type="button" aria-label={t("plan")} title={t("plan")} aria-pressed={hasPlan} onClick={() => setHasPlan(!hasPlan)}><Icon name="route" /></button>
        </div>
        <div className="float legend rp-legend" aria-hidden="true">
          <span><svg width="18" height="6"><path className="r-track" d="M1 3h16" /></svg>{t("legend.track")}</span>
          {day.plan.length > 1 && <span><svg width="20" height="6"><path className="r-plan" d="M0 3h20" style={{ strokeDasharray: "5 3" }} /></svg>{t("legend.plan")}</span>}
          <span><i className="rp-key stay" />{t("legend.stop")}</span>
          <span><i className="rp-key gap" />{t("legend.gap")}</span>
        </div>
        {!tracks && !problem && <div className="note info map-n late-in" role="status"><span className="spin" aria-hidden="true" /><span>{t("loading")}</span></div>}
        {problem && <div className="note err map-n" role="alert"><Icon name="info" size="s" /><span>{t("failed")}</span>
          <button type="button" className="btn sm" onClick={() => setAttempt(attempt + 1)}>{t("retry")}</button></div>}
        {nothing && <div className="note info map-n" role="status"><Icon name="info" size="s" /><span><b>{day.empty_title}</b> {day.empty_why}</span></div>}
        <a className="attr" href="https://www.openstreetmap.org/copyright" target="_blank" rel="noreferrer">© OpenStreetMap contributors</a>
      </div>
      <section className="rpl-time" aria-label={t("timeline")}>
        <div className="rp-row">
          <button type="button" className="btn primary rp-play" onClick={play} aria-label={t(isPlaying ? "pause" : "play")} title={t(isPlaying ? "pause" : "play")} disabled={!tracks || isSilent}>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path fill="currentColor" d={isPlaying ? "M4 3h3v10H4ZM9 3h3v10H9Z" : "M4.5 2.5v11l9-5.5Z"} /></svg>
          </button>
          <div className="seg" role="group" aria-label={t("speed")}>
            {SPEEDS.map((s) => <button key={s} type="button" aria-pressed={speed === s} onClick={() => setSpeed(s)}>{s}×</button>)}
          </div>
          <span className="sp" />
          <span className="t1 muted">{t("doubts", { count: number.format(jumps.length) })}</span>
          <button type="button" className="btn sm" onClick={() => hop(-1)} disabled={!jumps.length}><Icon name="chevron-left" size="s" />{t("previous")}<kbd className="kbd">K</kbd></button>
          <button type="button" className="btn sm" onClick={() => hop(1)} disabled={!jumps.length}>{t("next")}<kbd className="kbd">J</kbd><Icon name="chevron-right" size="s" /></button>
        </div>
        <div className="rp-strip" ref={strip}>
          {isMany && days.map((d, n) => <div key={`d${n}`} className={`rp-night ${n === playing ? "on" : ""}`} style={bar(d, d)} aria-hidden="true" />)}
          <div className="rp-lane marks" aria-hidden="true">{jumps.map((j, n) => <i key={n} className={`rp-mark ${j.tone}`} style={{ left: share(j.at) }} title={`${minutes.format(j.at)} ${j.text}`} onClick={() => jump(j)} />)}</div>
          <div className="rp-lane plan" aria-hidden="true">{every((d) => d.visits, (d, v, key) => v.planned_ms ? <i key={key} className="rp-b planned" style={bar(d, { from_ms: v.planned_ms, to_ms: v.planned_end_ms })} title={v.title}>{isMany ? "" : v.label}</i> : null)}</div>
          <div className="rp-lane done" aria-hidden="true">{every((d) => d.visits, (d, v, key) => v.from_ms ? <i key={key} className={`rp-b ${v.verdict || "unjudged"}`} style={bar(d, v)} title={`${v.title} ${minutes.format(v.from_ms)}–${minutes.format(v.to_ms)}`} onClick={() => go(v.from_ms)}>{isMany ? "" : v.label}</i> : null)}</div>
          <div className="rp-lane way" aria-hidden="true">
            {every((d) => d.shifts, (d, s, key) => <i key={`s${key}`} className="rp-b shift" style={bar(d, s)} />)}
            {every((d) => d.stops, (d, s, key) => <i key={key} className="rp-b stay" style={bar(d, s)} title={s.title} />)}
            {every((d) => d.pauses, (d, s, key) => <i key={`p${key}`} className="rp-b pause" style={bar(d, s)} title={s.title} />)}
            {every((d) => d.gaps, (d, s, key) => <i key={`g${key}`} className="rp-b gap" style={bar(d, s)} title={s.title} />)}
          </div>
          <div className="rp-now" style={{ left: share(at) }} aria-hidden="true" />
          <input type="range" className="rp-range" min={0} max={whole} step={1000} value={playedAt(days, at)} aria-label={t("time")}
            aria-valuetext={`${isMany ? `${day.title}, ` : ""}${clock.format(at)}, ${what}`} onChange={(event) => { setPlaying(false); setAt(momentOf(days, Number(event.target.value))); }} />
          <div className="hrs" aria-hidden="true">{hours.map((ms) => <span key={ms} style={{ left: share(ms) }}>{minutes.format(ms)}</span>)}
            {isMany && days.map((d, n) => <span key={`d${n}`} className={`rp-dl ${n === playing ? "on" : ""}`} style={bar(d, d)}>{d.label}</span>)}</div>
        </div>
      </section>
      <aside className="side right rpl-side" aria-label={t("events")}>
        <div className="sec-h"><h2>{t("events")}</h2><span className="sp" /><span className="faint">{number.format(jumps.length)}</span></div>
        {tracks && !jumps.length && <p className="muted t1 rp-none">{t("no_doubts")}</p>}
        <ul className="rp-list">
          {jumps.map((j, n) => (
            <li key={n}>{isMany && (!n || jumps[n - 1].day !== j.day) && <h3 className="rp-dh">{days[j.day].title}</h3>}<button type="button" aria-current={Math.abs(j.at - at) < 1000} onClick={() => jump(j)}>
              <span className="num t1 muted">{minutes.format(j.at)}</span><i className={`rp-mark ${j.tone}`} /><span className="el2">{j.text}</span></button></li>
          ))}
        </ul>
        <div className="sec-h"><h2>{t("visits")}</h2><span className="sp" />{isMany && <span className="faint el">{day.title}</span>}<span className="faint">{number.format(day.visits.length)}</span></div>
        {!day.visits.length && <p className="muted t1 rp-none">{t("no_visits")}</p>}
        <ul className="rp-list">
          {day.visits.map((v) => (
            <li key={v.id}><button type="button" aria-current={visit?.id === v.id} disabled={!v.from_ms && !v.planned_ms}
              onClick={() => { setPlaying(false); go(v.from_ms || v.planned_ms); if (v.lat !== null) map.current?.easeTo({ center: [v.lng!, v.lat], duration: 400 }); }}>
              <span className={`rp-n ${v.kind} ${v.verdict}`}>{v.label}</span>
              <span className="rp-v"><span className="el">{v.title}</span><span className="el t1 muted">{v.sub}</span></span></button></li>
          ))}
        </ul>
      </aside>
    </div>
  );
}
