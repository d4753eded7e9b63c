// A field whose text lies in the browser while it is typed. The server hears of it after a pause, at
// Enter, and when the field is left; what it answers never takes a letter back that was typed since.
import { type ChangeEvent, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";

type Told = { text: string; at: number };
type Props = { text: string; waitMs: number; isArea?: boolean; onTold: (text: string) => void } & Record<string, unknown>;

const ANSWERED_MS = 15_000; // an answer that has not come by then isn't coming

export function Typed({ text, waitMs, isArea, onTold, ...rest }: Props) {
  const [shown, setShown] = useState(text);
  const told = useRef<Told[]>([]); // what the server has not answered yet
  const waiting = useRef<string | null>(null);
  const timer = useRef(0);

  function tell() {
    clearTimeout(timer.current);
    const now = waiting.current;
    waiting.current = null;
    if (now === null || (now === text && !told.current.length)) return;
    told.current.push({ text: now, at: performance.now() });
    onTold(now);
  }
  const latest = useRef(tell);
  latest.current = tell;

  useEffect(() => {
    const open = told.current.filter((t) => performance.now() - t.at < ANSWERED_MS);
    const answered = open.findIndex((t) => t.text.trim() === text.trim()); // some States cut spaces off
    told.current = open.slice(answered + 1);
    if (answered >= 0) return;
    clearTimeout(timer.current); // the server's own word: cleared, or another view
    told.current = [];
    waiting.current = null;
    setShown(text);
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const onChange = (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
    setShown(event.target.value);
    waiting.current = event.target.value;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => latest.current(), waitMs);
  };
  const onKeyDown = (event: KeyboardEvent) => event.key === "Enter" && !isArea && latest.current();
  const field = { ...rest, value: shown, onChange, onBlur: () => latest.current() };
  return isArea ? <textarea {...field} /> : <input {...field} onKeyDown={onKeyDown} />;
}

type ChosenProps = { chosen: string; isHeld?: boolean; onTold: (value: string) => void; children?: ReactNode } & Record<string, unknown>;

const PASSED_MS = 500; // options passed on the way by arrows are not meant
const REFUSED_MS = 10_000; // by then the server would have shown the choice as its own

/** A choice that stays as the person left it until the server answers. Options passed by arrow keys are not told;
 *  one that is held is told at Enter or when the field is left, and Escape takes it back. */
export function Chosen({ chosen, isHeld, onTold, children, ...rest }: ChosenProps) {
  const [shown, setShown] = useState(chosen);
  const isPassing = useRef(false);
  const timer = useRef(0);
  const known = useRef(chosen);
  known.current = chosen;
  useEffect(() => setShown(chosen), [chosen]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function tell(value: string) {
    clearTimeout(timer.current);
    if (value === known.current) return;
    onTold(value);
    timer.current = window.setTimeout(() => setShown(known.current), REFUSED_MS);
  }
  function onChange(event: ChangeEvent<HTMLSelectElement>) {
    const value = event.target.value;
    setShown(value);
    clearTimeout(timer.current);
    if (!isPassing.current) tell(value);
    else if (!isHeld) timer.current = window.setTimeout(() => tell(value), PASSED_MS);
    isPassing.current = false;
  }
  function onKeyDown(event: KeyboardEvent) {
    isPassing.current = !event.altKey && event.key !== " " && event.key !== "Enter";
    if (shown === chosen || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    if (event.key === "Enter") tell(shown);
    else setShown(chosen);
  }
  return <select {...rest} value={shown} onChange={onChange} onKeyDown={onKeyDown} onBlur={() => tell(shown)}>{children}</select>;
}
