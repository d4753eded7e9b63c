// The live map: MapLibre below with the reps as a layer of it (rep_layer.ts), markers of the few and names as
// SVG above (map_marks.ts), both drawn when that is due (map_stage.ts), positions from the gateway's own socket
// (docs/protocol.md) into columns of numbers (fleet.ts). State tells who is who; the socket tells where.
import { useEffect, useRef, useState } from "react";
import { type Map as GlMap } from "maplibre-gl";
import { Icon, isTyping, productNow } from "$/public/external/fieldcrm/components/behaviour/desk.tsx";
import { DeskLink } from "$/public/external/fieldcrm/components/live_map/desk_link.ts";
import { latOf, lngOf, OFF_SHIFT, type Rep, type Shown } from "$/public/external/fieldcrm/components/live_map/fleet.ts";
import { addLines, type LatLng, type Lines, type Passed, setLines, setTrack } from "$/public/external/fieldcrm/components/live_map/map_lines.ts";
import { type Stop } from "$/public/external/fieldcrm/components/live_map/map_marks.ts";
import { Stage } from "$/public/external/fieldcrm/components/live_map/map_stage.ts";
import { followPage, regionMap } from "$/public/external/fieldcrm/components/region_map/region_map.ts";

type Words = Record<string, Record<string, string>>;
type Spot = { lat: number; lng: number; key: string; zoom?: number };
type Props = {
  reps: Rep[]; selected: string; stops: Stop[]; lines: Lines; fit: string; spot: Spot | null;
  shown?: Shown; isToday?: boolean; gateway: string; words: Words; lang: string; zone: string; follow: boolean;
  onSelect: (repId: string) => void; onFollow: (is: boolean) => void;
  onNotices: (notices: string) => void; onLink: (state: string) => void; onDrawn?: (frame: number) => void;
};

const ASK_AGAIN_MS = 3000; // the list is asked to follow a change of state, not more often
const TAIL_MOST = 600;
const EVERYBODY: Shown = { team: "", state: "", text: "" };
const PADDING = { top: 84, left: 64, right: 132, bottom: 96 }; // controls, a name at the right, the ribbon

/** The product's time of day in the company's zone. */
function clockTime(lang: string, zone: string): string {
  const form = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
  return form.format(new Date(productNow()));
}

type Toggles = { plan: boolean; track: boolean; names: boolean };

// ── the component ──────────────────────────────────────────────────────────────────────────────
export function LiveMap(props: Props) {
  const { words, lang } = props;
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<GlMap | null>(null);
  const stage = useRef<Stage | null>(null);
  const link = useRef<DeskLink | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [shown, setShown] = useState<Toggles>({ plan: true, track: true, names: true });
  const shownNow = useRef(shown);
  shownNow.current = shown;
  const [state, setState] = useState("connecting");
  const [lostAt, setLostAt] = useState("");
  const [hasBase, setHasBase] = useState(true);
  const hasFitted = useRef(false);
  const tail = useRef<Passed[]>([]);
  const askedAt = useRef(0);
  const t = (key: string) => words[key][lang];

  // the map itself, once
  useEffect(() => {
    const made = regionMap(box.current!, 13, { maxPitch: 0 });
    made.touchZoomRotate.disableRotation();
    made.keyboard.disable(); // arrows belong to the lists; the map has buttons
    map.current = window.fieldcrmMap = made;
    window.dispatchEvent(new Event("fieldcrm:map")); // for what draws on it beside this file
    const on = new Stage(made, (id) => latest.current.onSelect(id), (frame) => latest.current.onDrawn?.(frame));
    stage.current = on;
    window.fieldcrmFixAt = (repId) => on.fleet.fixOf(repId);
    window.fieldcrmRepAt = (x, y) => {
      const at = made.getContainer().getBoundingClientRect();
      return on.marks.repAt(x - at.left, y - at.top);
    };
    made.on("style.load", () => {
      addLines(made);
      setLines(made, latest.current.lines, shownNow.current, tail.current);
    });
    made.on("error", (event) => {
      const text = String((event as { error?: Error }).error?.message ?? "");
      if (/style-|pmtiles|404/.test(text)) setHasBase(false);
    });
    made.on("dragstart", () => latest.current.follow && latest.current.onFollow(false));
    made.on("moveend", look);
    const unfollow = followPage(made, () => setHasBase(true));
    const touched = () => { hasFitted.current = true; }; // who works on the map keeps his view: it never jumps under his hand
    for (const kind of ["pointerdown", "wheel"]) box.current!.addEventListener(kind, touched, { capture: true, passive: true });
    fetch("/region/region.json").then((r) => (r.ok ? r.json() : null)).then((region) => {
      const b = region?.bbox as number[] | undefined; // south, west, north, east
      if (b && !hasFitted.current && !latest.current.reps.some((rep) => rep.lat !== null)) {
        made.fitBounds([[b[1], b[0]], [b[3], b[2]]], { animate: false });
      }
    }).catch(() => undefined);
    return () => {
      unfollow();
      on.close();
      window.fieldcrmMap = undefined;
      window.dispatchEvent(new Event("fieldcrm:map"));
      made.remove();
    };
  }, []);

  // the socket, per gateway address
  useEffect(() => {
    if (!props.gateway) return;
    const made = new DeskLink(props.gateway, {
      frame: (buffer) => {
        const { fleet, marks, layer } = stage.current!;
        const had = fleet.isCounted, taken = fleet.take(buffer);
        layer.newestFrame = taken.number;
        if (fleet.isCounted || had) marks.setCells(taken.cells);
        stage.current!.news();
        if (taken.isNews && performance.now() - askedAt.current > ASK_AGAIN_MS) {
          askedAt.current = performance.now();
          latest.current.onNotices('[{"t":"state"}]');
        }
        if (latest.current.selected) trail(latest.current);
        return taken.number;
      },
      roster: (reps) => { stage.current!.fleet.setRoster(reps); stage.current!.news(); },
      time: (ms, speed) => {
        window.fieldcrmClock = { ms, speed: speed ?? window.fieldcrmClock?.speed ?? 1, at: performance.now() };
      },
      notices: (list) => latest.current.onNotices(JSON.stringify(list)),
      state: (now) => {
        setState(now);
        if (now === "offline") {
          setLostAt((at) => at || clockTime(latest.current.lang, latest.current.zone));
        } else if (now === "live") setLostAt("");
        latest.current.onLink(now);
      },
    });
    link.current = made;
    look();
    return () => made.close();
  }, [props.gateway]);

  useEffect(() => {
    const { marks, fleet } = stage.current!;
    Object.assign(marks, { words, lang, selected: props.selected });
    fleet.tell(props.reps);
    stage.current!.arrange();
    stage.current!.news();
    if (!hasFitted.current && props.reps.some((rep) => rep.lat !== null)) {
      hasFitted.current = true;
      fitTeam(false);
    }
  }, [props.reps, props.selected, lang]);

  useEffect(() => {
    stage.current!.fleet.filter(props.shown ?? EVERYBODY);
    look();
    stage.current!.arrange();
    stage.current!.news();
  }, [props.shown]);

  // ages on name tags go on while nothing else happens
  useEffect(() => {
    const timer = setInterval(() => stage.current?.arrange(), 5000);
    return () => clearInterval(timer);
  }, []);

  // plain keys of the map; the page has its own (dispatch.py)
  useEffect(() => {
    const acts: Record<string, () => void> = {
      "+": () => map.current?.zoomIn(), "=": () => map.current?.zoomIn(), "-": () => map.current?.zoomOut(),
      "0": () => { latest.current.onFollow(false); fitTeam(true); },
    };
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || !acts[event.key]) return;
      event.preventDefault();
      acts[event.key]();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);

  useEffect(() => stage.current!.marks.setStops(props.stops), [props.stops]);
  useEffect(() => {
    if (map.current) setLines(map.current, props.lines, shown, tail.current);
    stage.current!.marks.hasNames = shown.names;
    stage.current!.arrange();
  }, [props.lines, shown]);

  useEffect(() => { tail.current = []; }, [props.selected]);

  // when another rep is chosen, the map shows his day, unless it does so already
  useEffect(() => {
    if (!props.fit || !map.current) return;
    map.current.resize(); // the panel at the right has just taken its part
    const at = props.isToday === false ? null : stage.current!.marks.placeOf(props.selected);
    const points: LatLng[] = [...props.stops.map((s): LatLng => [s.lat, s.lng]), ...props.lines.plan];
    if (at) points.push([at.lat, at.lng]);
    if (points.length > 1) fitTo(points, true);
    else if (at) map.current.easeTo({ center: at });
  }, [props.fit]);

  useEffect(() => {
    stage.current!.marks.setSpot(props.spot);
    if (props.spot) map.current?.easeTo({ center: [props.spot.lng, props.spot.lat], zoom: props.spot.zoom ?? Math.max(15, map.current.getZoom()) });
  }, [props.spot?.key]);

  useEffect(() => {
    const at = props.follow && stage.current!.marks.placeOf(props.selected);
    if (at) map.current?.easeTo({ center: at, zoom: Math.max(15, map.current.getZoom()) });
  }, [props.follow, props.selected]);

  /** Tell the gateway what is looked at; what filters the map goes by single reps. */
  function look() {
    const { team, state: doing, text } = latest.current.shown ?? EVERYBODY;
    if (map.current) link.current?.view(map.current, !!(team || doing || text));
  }
  function fitTo(points: LatLng[], animate: boolean) {
    const lats = points.map((p) => p[0]);
    const lngs = points.map((p) => p[1]);
    map.current?.fitBounds(
      [[Math.min(...lngs), Math.min(...lats)], [Math.max(...lngs), Math.max(...lats)]],
      { padding: PADDING, maxZoom: 16, animate, duration: 600 },
    );
  }
  function fitTeam(animate: boolean) {
    const points = stage.current!.marks.everywhere();
    if (points.length) fitTo(points, animate);
  }
  /** The selected rep's track grows as his places come; while followed the map keeps him in the middle. */
  function trail({ selected, follow, lines, isToday }: Props) {
    const { fleet } = stage.current!, slot = fleet.slot(selected);
    const fixMs = slot < 0 ? 0 : fleet.fixMs[slot];
    if (!fixMs || fixMs === tail.current.at(-1)?.[2] || fleet.state[slot] === OFF_SHIFT) return;
    const [lat, lng] = [latOf(fleet.y[slot]), lngOf(fleet.x[slot])];
    tail.current.push([lat, lng, fixMs]);
    tail.current.splice(0, tail.current.length - TAIL_MOST);
    if (map.current && isToday !== false) setTrack(map.current, lines, shownNow.current, tail.current);
    if (follow) map.current?.easeTo({ center: [lng, lat], duration: 600 });
  }
  const toggle = (name: keyof Toggles) => () => setShown((was) => ({ ...was, [name]: !was[name] }));

  return (
    <>
      <div ref={box} className="gl" data-link={state} />
      <div className="ctl float" role="group" aria-label={t("map.controls")}>
        <button type="button" aria-label={t("map.zoom_in")} title={t("map.zoom_in")} onClick={() => map.current?.zoomIn()}><Icon name="plus" /></button>
        <button type="button" aria-label={t("map.zoom_out")} title={t("map.zoom_out")} onClick={() => map.current?.zoomOut()}><Icon name="minus" /></button>
        <button type="button" aria-label={t("map.fit")} title={t("map.fit")} onClick={() => { props.onFollow(false); fitTeam(true); }}><Icon name="locate-fixed" /></button>
        <button type="button" aria-label={t("map.follow")} title={t("map.follow")} aria-pressed={props.follow} disabled={!props.selected}
          onClick={() => props.onFollow(!props.follow)}><Icon name="navigation" /></button>
        <button type="button" aria-label={t("map.layers")} title={t("map.layers")} {...{ popoverTarget: "map-layers" }}><Icon name="layers" /></button>
      </div>
      <div id="map-layers" className="float menu m-layers" {...{ popover: "auto" }}>
        {(["plan", "track", "names"] as const).map((name) => (
          <label key={name} className="mi"><input type="checkbox" checked={shown[name]} onChange={toggle(name)} />{t(`map.layer.${name}`)}</label>
        ))}
      </div>
      {props.selected && (
        <div className="float legend" aria-hidden="true">
          {(["done", "now", "planned", "moved"] as const).map((kind) => (
            <span key={kind}><svg className="g s"><use href={`/icons.svg#g-v-${kind}`} /></svg>{t(`map.legend.${kind}`)}</span>
          ))}
          <span><svg width="18" height="6"><path className="r-track" d="M1 3h16" /></svg>{t("map.legend.track")}</span>
          <span><svg width="20" height="6"><path className="r-plan" d="M0 3h20" style={{ strokeDasharray: "5 3" }} /></svg>{t("map.legend.plan")}</span>
          {props.lines.before.length > 0 && <span><svg width="18" height="6"><path className="r-ghost" d="M0 3h18" /></svg>{t("map.legend.before")}</span>}
        </div>
      )}
      {state === "offline" && (
        <div className="note warn map-n" role="status">
          <Icon name="wifi-off" size="s" />
          <span><b>{t("map.offline").replace("{at}", lostAt)}</b> {t("map.offline_why")}</span>
          <button type="button" className="btn sm" onClick={() => link.current?.retry()}>{t("map.retry")}</button>
        </div>
      )}
      {!hasBase && state !== "offline" && <div className="note info map-n" role="status"><Icon name="info" size="s" /><span>{t("map.no_base")}</span></div>}
      <a className="attr" href="https://www.openstreetmap.org/copyright" target="_blank" rel="noreferrer">© OpenStreetMap contributors</a>
    </>
  );
}
