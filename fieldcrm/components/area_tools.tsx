// Areas on the live map: the button, the list, the form, what the API says. The map itself is live_map.tsx's,
// which tells of it by `fieldcrm:map`; drawing is area_draw.ts, showing area_layer.ts.
import { useEffect, useRef, useState } from "react";
import type { Map as GlMap } from "maplibre-gl";
import { Icon } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { AreaDraw, crosses, outline, type LatLng, type Mode, type Shape, size } from "$/public/external/fieldcrm/components/area_tools/area_draw.ts";
import { AreaLayer } from "$/public/external/fieldcrm/components/area_tools/area_layer.ts";

type Area = {
  id: string; name: string; shape: Shape; on_enter: boolean; on_leave: boolean; is_for_all: boolean; team_ids: string[]; rep_ids: string[];
  active_from_min: number | null; active_to_min: number | null; days: string; may_change: boolean; inside: string[]; version: number;
};
type Named = { id: string; name: string; team_id?: string | null };
type Props = { words: Record<string, Record<string, string>>; lang: string; role: string };
declare global { interface Window { fieldcrmMap?: GlMap } }

const AREAS = "/api/v1/areas";
const REFRESH_MS = 20_000;
const SHOWN_KEY = "fieldcrm-areas-shown";
const BLANK: Omit<Area, "shape"> = {
  id: "", name: "", on_enter: true, on_leave: true, is_for_all: false, team_ids: [], rep_ids: [], active_from_min: null,
  active_to_min: null, days: "1234567", may_change: true, inside: [], version: 0,
};

const clock = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const minute = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
const turned = ([lat, lng]: LatLng) => [lng, lat];

function shapeOf(told: { geometry: { type: string; coordinates: any }; radius_m: number | null }): Shape {
  const { type, coordinates } = told.geometry;
  if (type === "Point") return { kind: "circle", centre: [coordinates[1], coordinates[0]], radius: told.radius_m! };
  return { kind: "polygon", ring: coordinates[0].slice(0, -1).map(([lng, lat]: number[]): LatLng => [lat, lng]) };
}

function bodyOf(area: Area, teams: Named[], isAdmin: boolean): Record<string, unknown> {
  const { shape } = area;
  const geometry = shape.kind === "circle" ? { type: "Point", coordinates: turned(shape.centre) }
    : { type: "Polygon", coordinates: [[...shape.ring, shape.ring[0]].map(turned)] };
  const isAll = area.is_for_all || !area.team_ids.length || (!isAdmin && area.team_ids.length === teams.length);
  return {
    name: area.name, geometry, radius_m: shape.kind === "circle" ? Math.round(shape.radius) : null, on_enter: area.on_enter,
    on_leave: area.on_leave, team_ids: isAll ? null : area.team_ids, rep_ids: area.rep_ids, active_from_min: area.active_from_min,
    active_to_min: area.active_to_min, days: area.days,
  };
}

export function AreaTools({ words, lang, role }: Props) {
  const [map, setMap] = useState<GlMap | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [isShown, setShown] = useState(() => localStorage.getItem(SHOWN_KEY) !== "no");
  const [areas, setAreas] = useState<Area[]>([]);
  const [teams, setTeams] = useState<Named[]>([]);
  const [reps, setReps] = useState<Named[]>([]);
  const [draft, setDraft] = useState<Area | null>(null);
  const [mode, setMode] = useState<Mode>(null);
  const [said, setSaid] = useState<{ tone: string; text: string } | null>(null);
  const [isSure, setSure] = useState(false);
  const draw = useRef<AreaDraw | null>(null);
  const layer = useRef<AreaLayer | null>(null);
  const file = useRef<HTMLInputElement>(null);
  const loads = useRef(0); // an answer that a later question has overtaken says nothing
  const latest = useRef({ lang, words });
  latest.current = { lang, words };
  const t = (key: string, params: Record<string, string | number> = {}) => {
    const { words: all, lang: now } = latest.current;
    return Object.entries(params).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), all[`areas.${key}`]?.[now] ?? key);
  };

  async function ask(path: string, method = "GET", body?: BodyInit, more: Record<string, string> = {}): Promise<any> {
    const headers = { "Accept-Language": lang, ...(typeof body === "string" ? { "Content-Type": "application/json" } : {}), ...more };
    const answer = await fetch(path, { method, body, headers });
    const told = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (!answer.ok) throw new Error(told?.detail ?? t("failed"));
    return told;
  }

  async function load() {
    const number = ++loads.current;
    const found = await ask(AREAS).catch(() => null);
    if (found && number === loads.current) setAreas(found.map((one: any) => ({ ...one, shape: shapeOf(one) })));
  }

  // the map comes and goes with the page
  useEffect(() => {
    const met = () => setMap(window.fieldcrmMap ?? null);
    met();
    window.addEventListener("fieldcrm:map", met);
    return () => window.removeEventListener("fieldcrm:map", met);
  }, []);
  useEffect(() => {
    if (!map) return;
    layer.current = new AreaLayer(map);
    draw.current = new AreaDraw(map, (kind, n) => t(`handle.${kind}`, { n }), {
      changed: (shape) => shape && setDraft((was) => was && { ...was, shape }),
      done: (shape) => { setMode(null); setDraft({ ...BLANK, shape }); },
      left: () => cancel(),
    });
    if (mode === "polygon" || mode === "circle") draw.current.begin(mode); // asked for before the map was there
    else if (draft?.may_change) draw.current.edit(draft.shape);
    layer.current.show(areas, isShown, "", "");
    return () => { draw.current?.close(); layer.current?.close(); draw.current = layer.current = null; };
  }, [map]);
  useEffect(() => {
    void load();
    const timer = setInterval(() => document.hidden || void load(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => layer.current?.show(areas, isShown || isOpen, draft?.id ?? "", draft?.may_change ? draft.id || "-" : "-"), [areas, isShown, isOpen, draft?.id]);
  useEffect(() => {
    if (!isOpen || reps.length) return;
    ask("/api/v1/teams").then((found) => setTeams(found)).catch(() => undefined);
    ask("/api/v1/users?role=rep").then((found) => setReps(found.items ?? found)).catch(() => undefined);
  }, [isOpen]);

  function cancel() {
    draw.current?.leave();
    setDraft(null); setMode(null); setSaid(null); setSure(false);
  }
  function begin(kind: "polygon" | "circle") {
    cancel();
    setMode(kind);
    draw.current?.begin(kind);
  }
  function choose(area: Area) {
    cancel();
    setDraft(area);
    if (area.may_change) draw.current?.edit(area.shape);
    const line = outline(area.shape), lats = line.map((p) => p[0]), lngs = line.map((p) => p[1]);
    const isWide = (map?.getContainer().clientWidth ?? 0) > 560; // the panel stands beside the area, else above it
    map?.fitBounds([[Math.min(...lngs), Math.min(...lats)], [Math.max(...lngs), Math.max(...lats)]], { padding: { top: 70, bottom: 110, left: isWide ? 380 : 40, right: isWide ? 80 : 40 }, maxZoom: 16, duration: 500 });
  }
  async function save() {
    if (!draft) return;
    const body = JSON.stringify(bodyOf(draft, teams, role === "admin"));
    try {
      if (draft.id) await ask(`${AREAS}/${draft.id}`, "PUT", body, { "If-Match": `"${draft.version}"` });
      else await ask(AREAS, "POST", body);
      cancel();
      await load();
    } catch (error) { setSaid({ tone: "err", text: (error as Error).message }); }
  }
  async function remove() {
    if (!draft) return;
    if (!isSure) return setSure(true);
    try {
      await ask(`${AREAS}/${draft.id}`, "DELETE");
      cancel();
      await load();
    } catch (error) { setSaid({ tone: "err", text: (error as Error).message }); }
  }
  async function take(chosen: File) {
    try {
      const { added } = await ask(`${AREAS}/import`, "POST", chosen, { "Content-Type": "application/geo+json" });
      setSaid({ tone: "ok", text: t("imported", { n: added }) });
      await load();
    } catch (error) { setSaid({ tone: "err", text: (error as Error).message }); }
  }
  const show = (is: boolean) => { setShown(is); localStorage.setItem(SHOWN_KEY, is ? "yes" : "no"); };
  const number = (value: number, most: number) => new Intl.NumberFormat(lang, { maximumFractionDigits: most }).format(value);
  const sized = (shape: Shape) => {
    const square = size(shape) / 1e6;
    const extent = square < 0.1 ? `${number(square * 100, 2)} ${t("unit.ha")}` : `${number(square, square < 10 ? 2 : 0)} ${t("unit.km2")}`;
    const what = shape.kind === "circle" ? t("circle_of", { r: shape.radius < 1000 ? `${number(shape.radius, 0)} ${t("unit.m")}` : `${number(shape.radius / 1000, 2)} ${t("unit.km")}` }) : t("polygon_of", { n: shape.ring.length });
    return `${what}, ${extent}`;
  };
  const told = (area: Area) => [
    t(area.on_enter && area.on_leave ? "tells.both" : area.on_enter ? "tells.enter" : "tells.leave"),
    area.active_from_min === null ? "" : `${clock(area.active_from_min)}–${clock(area.active_to_min!)}`,
    area.inside.length ? t("inside", { n: area.inside.length }) : "",
  ].filter(Boolean).join(" · ");

  return (
    <>
      <div className="ctl float ad-ctl" role="group" aria-label={t("title")}>
        <button type="button" aria-label={t("title")} title={t("title")} aria-expanded={isOpen} aria-pressed={isOpen}
          onClick={() => { if (isOpen) cancel(); setOpen(!isOpen); }}><Icon name="area" /></button>
      </div>
      {isOpen && (
        <section className="float ad-panel" aria-label={t("title")}>
          <header className="row"><h2>{draft ? (draft.id ? draft.name : t("new")) : t("title")}</h2><span className="sp" />
            <button type="button" className="btn ghost icon sm" aria-label={t("close")} title={t("close")}
              onClick={() => { if (draft || mode) cancel(); else setOpen(false); }}><Icon name="x" /></button></header>
          {said && <p className={`note ${said.tone}`} role={said.tone === "err" ? "alert" : "status"}>{said.text}</p>}
          {mode && <div className="ad-hint"><p>{t(`hint.${mode}`)}</p><button type="button" className="btn sm" onClick={cancel}>{t("cancel")}</button></div>}
          {!mode && !draft && (
            <>
              <label className="ad-check"><input type="checkbox" checked={isShown} onChange={(e) => show(e.target.checked)} />{t("show")}</label>
              {areas.length ? (
                <ul className="ad-list">{areas.map((area) => (
                  <li key={area.id}><button type="button" onClick={() => choose(area)}>
                    <Icon name={area.shape.kind === "circle" ? "circle" : "area"} size="s" />
                    <span className="ad-row"><b className="med el">{area.name}</b><span className="t1 muted el">{told(area)}</span></span>
                    {area.is_for_all && <span className="badge">{t("company")}</span>}
                  </button></li>))}</ul>
              ) : <p className="ad-none muted">{t("none")}</p>}
              <footer className="row wrap g1">
                <button type="button" className="btn soft sm" onClick={() => begin("polygon")}><Icon name="area" size="s" />{t("draw_polygon")}</button>
                <button type="button" className="btn soft sm" onClick={() => begin("circle")}><Icon name="circle" size="s" />{t("draw_circle")}</button>
                <span className="sp" />
                <button type="button" className="btn ghost icon sm" aria-label={t("import")} title={t("import")} onClick={() => file.current?.click()}><Icon name="upload" /></button>
                <a className="btn ghost icon sm" aria-label={t("export")} title={t("export")} href={`${AREAS}/export.geojson`} download="areas.geojson"><Icon name="download" /></a>
                <input ref={file} type="file" accept=".geojson,.json,application/geo+json" hidden aria-label={t("import")}
                  onChange={(event) => { const chosen = event.target.files?.[0]; event.target.value = ""; if (chosen) void take(chosen); }} />
              </footer>
            </>
          )}
          {draft && !draft.may_change && (
            <div className="ad-form"><p>{told(draft)}</p><p className="t1 muted">{sized(draft.shape)}</p><p className="note">{t("not_yours")}</p></div>
          )}
          {draft?.may_change && <Form draft={draft} set={setDraft} teams={teams} reps={reps} sized={sized(draft.shape)} isAdmin={role === "admin"}
            isSure={isSure} t={t} lang={lang} onSave={save} onCancel={cancel} onRemove={remove} />}
        </section>
      )}
    </>
  );
}

type FormProps = {
  draft: Area; set: (area: Area) => void; teams: Named[]; reps: Named[]; sized: string; isAdmin: boolean; isSure: boolean; lang: string;
  t: (key: string, params?: Record<string, string | number>) => string; onSave: () => void; onCancel: () => void; onRemove: () => void;
};

function Form({ draft, set, teams, reps, sized, isAdmin, isSure, t, lang, onSave, onCancel, onRemove }: FormProps) {
  const isAllTeams = draft.is_for_all || !draft.team_ids.length || (!isAdmin && draft.team_ids.length === teams.length);
  const mine = reps.filter((rep) => isAllTeams || draft.team_ids.includes(rep.team_id ?? ""));
  const isBad = draft.shape.kind === "polygon" && crosses(draft.shape.ring);
  const flip = (list: string[], one: string) => (list.includes(one) ? list.filter((other) => other !== one) : [...list, one]);
  const weekday = new Intl.DateTimeFormat(lang, { weekday: "short", timeZone: "UTC" });
  const hours = draft.active_from_min !== null;
  return (
    <form className="ad-form" onSubmit={(event) => { event.preventDefault(); onSave(); }}>
      <label className="field"><span>{t("name")}</span>
        <input className="input" value={draft.name} maxLength={80} required autoFocus placeholder={t("name_hint")} onChange={(e) => set({ ...draft, name: e.target.value })} /></label>
      <p className={`t1 ${isBad ? "bad" : "muted"}`}>{isBad ? t("crosses") : sized}<br /><span className="faint">{t(draft.shape.kind === "circle" ? "hint.edit_circle" : "hint.edit_polygon")}</span></p>
      <fieldset><legend>{t("tell")}</legend>
        <label className="ad-check"><input type="checkbox" checked={draft.on_enter} onChange={(e) => set({ ...draft, on_enter: e.target.checked })} />{t("on_enter")}</label>
        <label className="ad-check"><input type="checkbox" checked={draft.on_leave} onChange={(e) => set({ ...draft, on_leave: e.target.checked })} />{t("on_leave")}</label>
      </fieldset>
      <fieldset><legend>{t("whom")}</legend>
        {teams.length > 1 && (
          <select className="input" aria-label={t("whom")} value={isAllTeams ? "" : draft.team_ids.length === 1 ? draft.team_ids[0] : "some"}
            onChange={(e) => set({ ...draft, is_for_all: false, rep_ids: [], team_ids: e.target.value ? [e.target.value] : [] })}>
            <option value="">{t(isAdmin ? "everybody" : "all_teams")}</option>
            {!isAllTeams && draft.team_ids.length > 1 && <option value="some">{teams.filter((team) => draft.team_ids.includes(team.id)).map((team) => team.name).join(", ")}</option>}
            {teams.map((team) => <option key={team.id} value={team.id}>{team.name}</option>)}
          </select>
        )}
        <details open={draft.rep_ids.length > 0}><summary className="t1">{draft.rep_ids.length ? t("some_reps", { n: draft.rep_ids.length }) : t("all_reps")}</summary>
          <div className="ad-reps">{mine.map((rep) => (
            <label key={rep.id} className="ad-check"><input type="checkbox" checked={draft.rep_ids.includes(rep.id)} onChange={() => set({ ...draft, rep_ids: flip(draft.rep_ids, rep.id) })} />{rep.name}</label>))}</div>
        </details>
      </fieldset>
      <fieldset><legend>{t("when")}</legend>
        <label className="ad-check"><input type="checkbox" checked={!hours} onChange={(e) => set({ ...draft, active_from_min: e.target.checked ? null : 480, active_to_min: e.target.checked ? null : 1080 })} />{t("any_time")}</label>
        {hours && <div className="row g1">
          <input type="time" className="input sm" aria-label={t("from")} required value={clock(draft.active_from_min!)} onChange={(e) => e.target.value && set({ ...draft, active_from_min: minute(e.target.value) })} />
          <span>–</span>
          <input type="time" className="input sm" aria-label={t("until")} required value={clock(draft.active_to_min!)} onChange={(e) => e.target.value && set({ ...draft, active_to_min: minute(e.target.value) })} /></div>}
        <div className="ad-days" role="group" aria-label={t("days")}>{[1, 2, 3, 4, 5, 6, 7].map((day) => (
          <button key={day} type="button" aria-pressed={draft.days.includes(String(day))}
            onClick={() => set({ ...draft, days: flip(draft.days.split(""), String(day)).sort().join("") })}>{weekday.format(new Date(Date.UTC(2024, 0, day)))}</button>))}</div>
      </fieldset>
      <footer className="row g1">
        {draft.id && <button type="button" className={`btn sm ${isSure ? "danger solid" : "danger"}`} onClick={onRemove}>{t(isSure ? "delete_sure" : "delete")}</button>}
        <span className="sp" />
        <button type="button" className="btn ghost sm" onClick={onCancel}>{t("cancel")}</button>
        <button type="submit" className="btn primary sm" disabled={isBad || !draft.name.trim() || !(draft.on_enter || draft.on_leave) || !draft.days}>{t("save")}</button>
      </footer>
    </form>
  );
}
