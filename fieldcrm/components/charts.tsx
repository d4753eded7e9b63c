// Charts of our own: bars by day against the plan, drawn to the width they are given. Numbers come
// ready from the server; every bar is a button, and the page offers the same as a table.
import { useEffect, useRef, useState } from "react";

export type Bar = {
  day: string; label: string; title: string; planned: number; confirmed: number; unjudged: number;
  doubtful: number; contradicted: number; is_today: boolean; starts_week: boolean;
};

const HEIGHT = 208, TOP = 12, FLOOR = 182, LEFT = 30, EDGE = 4;

function niceStep(most: number): number {
  const rough = Math.max(most, 4) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough && n >= 1) ?? 10 * power;
}

function useWidth(start: number) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(start);
  useEffect(() => {
    if (!box.current) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(240, Math.floor(entry.contentRect.width))));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return [box, width] as const;
}

export function DayChart({ bars, label, onPick }: { bars: Bar[]; label: string; onPick: (day: string) => void }) {
  const [box, width] = useWidth(516);
  const most = Math.max(1, ...bars.map((b) => Math.max(b.planned, b.confirmed + b.unjudged + b.doubtful + b.contradicted)));
  const step = niceStep(most);
  const top = Math.ceil(most / step) * step;
  const y = (n: number) => FLOOR - (n / top) * (FLOOR - TOP);
  const slot = (width - LEFT - EDGE) / Math.max(bars.length, 1);
  const wide = Math.min(Math.max(slot * 0.74, 2), 44);
  const every = Math.max(1, Math.ceil(24 / slot));
  const lines = Array.from({ length: Math.round(top / step) + 1 }, (_, n) => n * step);
  return (
    <div ref={box} className="chart-box">
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT} role="group" aria-label={label}>
        <defs>
          <pattern id="hat" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="5" height="5" fill="var(--doubtful)" />
            <path d="M0 0V5" stroke="var(--panel)" strokeWidth="3.2" opacity=".75" />
          </pattern>
        </defs>
        <g aria-hidden="true">
          {lines.map((n) => (
            <g key={n}>
              <path d={`M${LEFT} ${y(n)}H${width}`} stroke="var(--line)" />
              <text x={LEFT - 6} y={y(n) + 4} textAnchor="end" className="ax">{n}</text>
            </g>
          ))}
        </g>
        {bars.map((bar, n) => {
          const x = LEFT + EDGE + slot * n + (slot - wide) / 2;
          const valid = bar.confirmed + bar.unjudged;
          const parts = [
            { n: bar.confirmed, from: 0, fill: "var(--accent)", opacity: 1 },
            { n: bar.unjudged, from: bar.confirmed, fill: "var(--accent)", opacity: 0.42 },
            { n: bar.doubtful, from: valid, fill: "url(#hat)", opacity: 1 },
            { n: bar.contradicted, from: valid + bar.doubtful, fill: "var(--contradicted)", opacity: 1 },
          ];
          const press = (event: React.KeyboardEvent) => {
            if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onPick(bar.day); }
          };
          return (
            <g key={bar.day} className="dbar" role="button" tabIndex={0} aria-label={bar.title}
              onClick={() => onPick(bar.day)} onKeyDown={press}>
              <title>{bar.title}</title>
              {bar.starts_week && n > 0 && <path d={`M${LEFT + EDGE + slot * n} ${TOP}V${FLOOR}`} stroke="var(--line-strong)" strokeDasharray="2 3" />}
              <rect className="hit" x={LEFT + EDGE + slot * n} y={TOP - 8} width={slot} height={HEIGHT - TOP} rx="4" />
              {parts.filter((part) => part.n > 0).map((part, k) => (
                <rect key={k} x={x} width={wide} y={y(part.from + part.n)} height={y(part.from) - y(part.from + part.n)}
                  fill={part.fill} opacity={part.opacity} rx={Math.min(1.5, wide / 4)} />
              ))}
              {bar.planned > 0 && <path d={`M${x - 3} ${y(bar.planned)}h${wide + 6}`} stroke="var(--plan-line)" strokeWidth="2" />}
              {n % every === 0 && <text x={x + wide / 2} y={199} textAnchor="middle" className={bar.is_today ? "ax now" : "ax"}>{bar.label}</text>}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
