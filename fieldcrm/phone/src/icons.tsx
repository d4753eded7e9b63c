/** The look's icons: 24 x 24, drawn with the text's colour. */

const PATHS = {
  cloudOff: '<path d="M9.3 6A6 6 0 0 1 18 9.5a4.8 4.8 0 0 1 2.8 7.3M17 19H7a4.5 4.5 0 0 1-.6-9M3 3l18 18"/>',
  pause: '<rect x="5" y="4" width="5" height="16" rx="1.5"/><rect x="14" y="4" width="5" height="16" rx="1.5"/>',
  confirmed: '<circle cx="12" cy="12" r="10"/><path d="M7.3 12.4l3.2 3.2 6.2-6.6" fill="none" stroke="var(--panel)" stroke-width="2.6"/>',
  dot: '<circle cx="12" cy="12" r="5.5"/>',
  tick: '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
  down: '<path d="M5 9l7 7 7-7"/>',
  walk: '<circle cx="13" cy="4.2" r="1.8" fill="currentColor" stroke="none"/><path d="M9 21l2.5-6-2-3 1.5-5 3 1 1.5 3 3 1M13.5 15l2 6M8 12.5l1-4 2-1"/>',
  flag: '<path d="M5 21V4h12l-2 4 2 4H5"/>',
  route: '<path d="M12 2.5l9.5 9.5-9.5 9.5L2.5 12z"/><path d="M9 14.5V12h5.5M12.5 9.5L15 12l-2.5 2.5"/>',
  pin: '<path d="M12 21.5s7-6.5 7-12a7 7 0 0 0-14 0c0 5.5 7 12 7 12z"/><circle cx="12" cy="9.5" r="2.5"/>',
  today: '<rect x="4" y="5" width="16" height="16" rx="3"/><path d="M8 3v4M16 3v4M8 12h8M8 16h5"/>',
  map: '<path d="M9 4L3 6.5v13.5l6-2.5 6 2.5 6-2.5V4l-6 2.5z"/><path d="M9 4v13.5M15 6.5V20"/>',
  clients: '<circle cx="9" cy="8" r="3.6"/><path d="M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.8a3.6 3.6 0 0 1 0 6.5M18.5 14.6c1.8.9 2.8 2.7 3 5.4"/>',
  outbox: '<path d="M3 13l3-8h12l3 8v6a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 19z"/><path d="M3 13h5l1.5 3h5l1.5-3h5"/>',
  clock: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>',
  cloudTick: '<path d="M7 19a4.5 4.5 0 0 1-.6-9A6 6 0 0 1 18 9.5 4.8 4.8 0 0 1 17.2 19z"/><path d="M9 13.6l2.3 2.3 4-4.3"/>',
  arrow: '<path d="M12 2.5l8 18.5-8-4.5L4 21z"/>',
  doubtful: '<path d="M12 2.2a1.8 1.8 0 0 1 1.6.9l9 16a1.8 1.8 0 0 1-1.6 2.7H3a1.8 1.8 0 0 1-1.6-2.7l9-16a1.8 1.8 0 0 1 1.6-.9z"/><path d="M12 8.8v5.4M12 17.8v.01" fill="none" stroke="var(--panel)" stroke-width="2.6"/>',
  cup: '<path d="M5 8h12v6a5 5 0 0 1-5 5h-2a5 5 0 0 1-5-5zM17 9.5h1.5a2.5 2.5 0 0 1 0 5H17M8 2.5V5M12 2.5V5"/>',
  layers: '<path d="M12 3l9 5-9 5-9-5z"/><path d="M3 12.5l9 5 9-5M3 17l9 5 9-5"/>',
  aim: '<circle cx="12" cy="12" r="6"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4"/>',
  back: '<path d="M15 5l-7 7 7 7"/>',
  phone: '<path d="M6 3.5h3l1.5 4.5-2 1.5a12 12 0 0 0 6 6l1.5-2 4.5 1.5v3a2 2 0 0 1-2 2C11 20 4 13 4 5.5a2 2 0 0 1 2-2z"/>',
  pen: '<path d="M4 20l1-5L16 4l4 4L9 19z"/>',
  next: '<path d="M9 5l7 7-7 7"/>',
  noGps: '<path d="M18.5 7A8 8 0 1 0 19 16.5"/><circle cx="12" cy="12" r="2.5" fill="currentColor"/>',
  dish: '<path d="M12 21v-6M8 21h8"/><path d="M5 12a9 9 0 0 1 5-8l9 9a9 9 0 0 1-14-1zM15 8l3-3"/>',
  camera: '<path d="M4 8h3l2-3h6l2 3h3v11H4z"/><circle cx="12" cy="13" r="3.5"/>',
  onPhone: '<rect x="6.5" y="2.5" width="11" height="19" rx="2.5"/><path d="M9.5 11.5l2 2 3.5-3.6M11 18.5h2"/>',
  plus: '<path d="M12 5v14M5 12h14"/>',
  minus: '<path d="M5 12h14"/>',
  cross: '<path d="M6 6l12 12M18 6L6 18"/>',
  play: '<path d="M8 5l11 7-11 7z" fill="currentColor"/>',
  bin: '<path d="M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13"/>',
  more: '<path d="M12 5.5v.01M12 12v.01M12 18.5v.01" stroke-width="3.4"/>',
  cloudWait: '<path d="M7 19a4.5 4.5 0 0 1-.6-9A6 6 0 0 1 18 9.5 4.8 4.8 0 0 1 17.2 19z" stroke-dasharray="3 3.2"/>',
  lock: '<rect x="5" y="11" width="14" height="10" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>',
  gear: '<circle cx="12" cy="12" r="3.2"/><path d="M12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3M5.3 5.3l2.1 2.1M16.6 16.6l2.1 2.1M5.3 18.7l2.1-2.1M16.6 7.4l2.1-2.1"/>',
  cloudMark: '<path d="M7 19a4.5 4.5 0 0 1-.6-9A6 6 0 0 1 18 9.5 4.8 4.8 0 0 1 17.2 19z"/><path d="M12 9.5v3.5M12 16v.01" stroke-width="2.4"/>',
  cloudUp: '<path d="M7 19a4.5 4.5 0 0 1-.6-9A6 6 0 0 1 18 9.5 4.8 4.8 0 0 1 17.2 19"/><path d="M12 20.5v-8M9 15l3-3 3 3"/>',
  share: '<path d="M12 15V3M7.5 7.5L12 3l4.5 4.5M5 13v7h14v-7"/>',
  square: '<rect x="6" y="6" width="12" height="12" rx="2"/>',
  two: '<rect x="3" y="6" width="8" height="12" rx="2"/><rect x="13" y="6" width="8" height="12" rx="2"/>',
  hour: '<circle cx="12" cy="12" r="9"/><path d="M12 6.5V12l4 2.5"/>',
  home: '<path d="M4 11l8-7 8 7v9h-5v-6h-6v6H4z"/>',
  note: '<path d="M4 5h16v11H9l-5 4z"/>',
  find: '<circle cx="11" cy="11" r="6.5"/><path d="M16 16l4.5 4.5"/>',
  link: '<path d="M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1"/>',
  ring: '<circle cx="12" cy="12" r="8"/>',
  warn: '<path d="M12 2.5l9.5 9.5-9.5 9.5L2.5 12z"/><path d="M12 8v4.5M12 16v.01" stroke-width="2.4"/>',
  mic: '<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11a6.5 6.5 0 0 0 13 0M12 17.500v3.500"/>',
  eye: '<path d="M2 12s3.5-7 10-7 10 7 10 7-3.5 7-10 7S2 12 2 12z"/><circle cx="12" cy="12" r="3"/>',
  battery: '<rect x="2.5" y="7.5" width="16" height="9" rx="2"/><path d="M21.5 10.5v3"/><path d="M5.5 10.5v3M8.5 10.5v3M11.5 10.5v3" />',
  order: '<path d="M7 4v15M3.5 15.5L7 19l3.5-3.5M17 20V5M13.5 8.5L17 5l3.5 3.5"/>',
  disk: '<ellipse cx="12" cy="6" rx="8" ry="3"/><path d="M4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3"/>',
  bell: '<path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4"/>',
  bang: '<path d="M12 6v7.5M12 18v.01" stroke-width="3"/>',
  again: '<path d="M20 5v5h-5M4 19v-5h5"/><path d="M5.5 9A7.5 7.5 0 0 1 19 8l1 2M18.5 15A7.5 7.5 0 0 1 5 16l-1-2"/>',
  contradicted: '<path d="M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z"/><path d="M8.5 8.5l7 7M15.500 8.500l-7 7" fill="none" stroke="var(--panel)" stroke-width="2.600"/>',
  bike: '<circle cx="6" cy="16" r="4"/><circle cx="18" cy="16" r="4"/><path d="M6 16l3.500-7H15l3 7M9.500 9l4 7H6M8 6.500h3M15 9l-1-3h2.500"/>',
  car: '<path d="M4 16v-4l2-6h12l2 6v4M3 12h18v5H3zM6 17v2M18 17v2"/>',
  bag: '<path d="M5 8h14l1 12H4zM9 8V6a3 3 0 0 1 6 0v2"/>',
  inVisit: '<rect x="5" y="5" width="14" height="14" rx="2.5"/>',
} as const;

export type IconName = keyof typeof PATHS;

/** Shapes that are filled, not drawn in line: states and verdicts. */
const FILLED: ReadonlySet<IconName> = new Set(["inVisit", "arrow", "confirmed", "contradicted", "dot", "doubtful", "pause"]);

export function Icon({ name, class: extra = "" }: { name: IconName; class?: string }) {
  return (
    <svg
      class={`i ${FILLED.has(name) ? "f" : ""} ${extra}`} viewBox="0 0 24 24" aria-hidden="true"
      stroke-linecap="round" stroke-linejoin="round" dangerouslySetInnerHTML={{ __html: PATHS[name] }}
    />
  );
}
