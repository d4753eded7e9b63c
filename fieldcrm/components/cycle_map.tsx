// The visits of a cycle beside its calendar: all of them as dots, those of the day under the pointer (or
// the chosen one) numbered along their way, who lacks visits hollow, what is held ringed.
import { useEffect, useState } from "react";
import { useMap } from "$/public/external/fieldcrm/components/place_map/place_map.tsx";

type Pin = { key: string; day: string; number: number; name: string; lat: number; lng: number; kind: string };

export function CycleMap({ pins, held, label }: { pins: Pin[]; held: string; label: string }) {
  const [day, setDay] = useState("");
  const { box, at } = useMap(pins.map((p) => [p.lat, p.lng]), pins.map((p) => p.key).join(), 28, 15);
  useEffect(() => {
    const over = (event: Event) => {
      const found = (event.target as Element).closest?.("[data-day]")?.getAttribute("data-day");
      if (found) setDay(found);
    };
    document.addEventListener("pointerover", over);
    document.addEventListener("focusin", over);
    return () => {
      document.removeEventListener("pointerover", over);
      document.removeEventListener("focusin", over);
    };
  }, []);
  const mine = pins.filter((p) => p.day && p.day === day).sort((a, b) => a.number - b.number);
  const way = mine.map((p) => at([p.lat, p.lng]).join(" ")).join("L");
  const others = pins.filter((p) => !p.day || p.day !== day);
  return (
    <>
      <div ref={box} className="gl" />
      <svg className="over" role="img" aria-label={label}>
        {others.map((p) => {
          const [x, y] = at([p.lat, p.lng]);
          return <circle key={p.key} className={p.day ? "cy-dot" : "cy-dot hollow"} cx={x} cy={y} r={p.day ? 3 : 4}><title>{p.name}</title></circle>;
        })}
        {mine.length > 1 && <path className="cy-way" d={`M${way}`} />}
        {mine.map((p) => {
          const [x, y] = at([p.lat, p.lng]);
          return (
            <g key={p.key} className="cy-pin" transform={`translate(${x} ${y})`}>
              <circle r="9" /><text y="3.5">{p.number}</text><title>{p.name}</title>
            </g>
          );
        })}
        {pins.filter((p) => held && p.key.startsWith(held)).map((p) => {
          const [x, y] = at([p.lat, p.lng]);
          return <circle key={`held-${p.key}`} className="cy-ring" cx={x} cy={y} r="13" />;
        })}
      </svg>
    </>
  );
}
