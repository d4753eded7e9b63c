/** The control of each type of field. A value that is taken away becomes null. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Visit } from "../docs";
import { t } from "../i18n";
import { Icon } from "../icons";
import { Chip } from "../parts";
import { takePhoto } from "../screens/checkin";
import { Photo } from "../screens/visit";
import { files, products } from "../store";
import type { FormField, FormOption } from "../wire.gen";
import { say } from "./pick";
import { Signature, type Signed } from "./signature";

interface Props<T> {
  field: FormField;
  value: T | null | undefined;
  set: (value: T | null) => void;
}

/** The control for a field, by its type. */
export function Control({ field, value, set, visit }: Props<unknown> & { visit?: Visit }) {
  const props = { field, value, set } as Props<any>;
  switch (field.type) {
    case "choice": return <One {...props} />;
    case "choices": return <Some {...props} />;
    case "number": case "money": return <NumberBox {...props} />;
    case "phone": case "email": return <LineBox {...props} />;
    case "text": return <TextBox {...props} />;
    case "date": return <DateBox {...props} />;
    case "yes_no": return <YesNo {...props} />;
    case "photo": return visit ? <Camera {...props} visit={visit} /> : null;
    case "products": return <Shown {...props} />;
    case "samples": return <Samples {...props} />;
    case "stock": return <Shelf {...props} />;
    case "questionnaire": return <Questions {...props} />;
    case "agreement": return <Agreement {...props} />;
    case "signature": return <Signature field={field} value={value as Signed | null} set={set as (v: Signed | null) => void} />;
    default: return <p class="note">{t("forms.newer_app")}</p>;
  }
}

function isShort(options: FormOption[]): boolean {
  return options.every((o) => say(o.label).length <= 18);
}

function One({ field, value, set }: Props<string>) {
  const options = field.options ?? [];
  return (
    <div class={isShort(options) ? "grid2" : "rows"} role="group" aria-label={say(field.label)}>
      {options.map((o) => <Chip on={value === o.value} onClick={() => set(value === o.value ? null : o.value)}>{say(o.label)}</Chip>)}
    </div>
  );
}

function Some({ field, value, set }: Props<string[]>) {
  const chosen = value ?? [];
  const options = field.options ?? [];
  const toggle = (v: string) => set(chosen.includes(v) ? chosen.filter((c) => c !== v) : [...chosen, v]);
  return (
    <div class={isShort(options) ? "grid2" : "rows"} role="group" aria-label={say(field.label)}>
      {options.map((o) => <Chip on={chosen.includes(o.value)} onClick={() => toggle(o.value)}>{say(o.label)}</Chip>)}
    </div>
  );
}

/** A number as people write it: with a comma too; what is none stays text and is told so. */
function numberOf(text: string): number | string | null {
  const plain = text.trim().replace(/[\s\u00a0]/g, "").replace(",", ".");
  if (plain === "") return null;
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : text;
}

function NumberBox({ field, value, set }: Props<number | string>) {
  const [text, setText] = useState(value == null ? "" : String(value));
  return (
    <label class="unit">
      <input class="inp" inputMode={field.whole && (field.min ?? -1) >= 0 ? "numeric" : "decimal"} aria-label={say(field.label)} value={text} maxLength={20}
        onInput={(e) => { setText(e.currentTarget.value); set(numberOf(e.currentTarget.value)); }} />
      {field.unit && <span class="muted">{say(field.unit)}</span>}
    </label>
  );
}

/** A line that brings up the keys it is written with. */
function LineBox({ field, value, set }: Props<string>) {
  return <input class="inp" inputMode={field.type === "phone" ? "tel" : "email"} aria-label={say(field.label)} value={value ?? ""} maxLength={254} autocomplete="off" onInput={(e) => set(e.currentTarget.value.trim() || null)} />;
}

function TextBox({ field, value, set }: Props<string>) {
  return <textarea class="ta" aria-label={say(field.label)} value={value ?? ""} maxLength={4000} onInput={(e) => set(e.currentTarget.value || null)} />;
}

function DateBox({ field, value, set }: Props<string>) {
  return <input class="inp" type="date" aria-label={say(field.label)} value={value ?? ""} onChange={(e) => set(e.currentTarget.value || null)} />;
}

function YesNo({ field, value, set }: Props<boolean>) {
  const side = (of: boolean) => (
    <button type="button" class={value === of ? "on" : ""} aria-pressed={value === of} onClick={() => set(value === of ? null : of)}>{t(of ? "forms.yes" : "forms.no")}</button>
  );
  return <div class="seg" role="group" aria-label={say(field.label)}>{side(true)}{side(false)}</div>;
}

/** Photos by hash; a picture is on the phone before it is an answer. */
function Camera({ field, value, set, visit }: Props<string[]> & { visit: Visit }) {
  const camera = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const hashes = value ?? [];
  const add = async (input: HTMLInputElement) => {
    setBusy(true);
    const before = new Set(files.peek().map((f) => f.sha256));
    await takePhoto(input, visit.id).finally(() => setBusy(false));
    const fresh = files.peek().filter((f) => f.visit_id === visit.id && !before.has(f.sha256)).map((f) => f.sha256);
    if (fresh.length) set([...hashes, ...fresh]);
  };
  const here = new Set(files.value.filter((f) => f.visit_id === visit.id).map((f) => f.sha256));
  const left = hashes.filter((h) => here.has(h));
  useEffect(() => {
    if (left.length < hashes.length) set(left.length ? left : null); // its picture was thrown away
  }, [left.length]);
  return (
    <>
      <div class="scrollx">
        <button type="button" class="ph add opt2" onClick={() => camera.current?.click()} disabled={isBusy}><Icon name={hashes.length ? "plus" : "camera"} class="l" />{t(hashes.length ? "phone.visit.photo_more" : "phone.visit.photo_add")}</button>
        {files.value.filter((f) => left.includes(f.sha256)).map((f) => <Photo sha={f.sha256} state={f.state} at={f.taken_at_ms} canRemove={f.state === "held"} />)}
      </div>
      <input ref={camera} type="file" accept="image/*" capture="environment" class="vh" tabIndex={-1} aria-label={say(field.label)} onChange={(e) => void add(e.currentTarget)} />
    </>
  );
}

/** Products in the order in which they were talked about. */
function Shown({ value, set }: Props<string[]>) {
  const shown = value ?? [];
  const toggle = (id: string) => set(shown.includes(id) ? shown.filter((p) => p !== id) : [...shown, id]);
  return (
    <>
      {products.value.map((p) => {
        const order = shown.indexOf(p.id);
        return (
          <div class="prod"><button type="button" class="row pick-product" aria-pressed={order >= 0} onClick={() => toggle(p.id)}>
            <span class={`ord ${order < 0 ? "no" : ""}`}>{order < 0 ? "" : order + 1}</span><span class="nm grow">{p.name}</span>{order < 0 && <Icon name="plus" class="s" />}
          </button></div>
        );
      })}
    </>
  );
}

function Samples({ field, value, set }: Props<Record<string, number>>) {
  const pieces = value ?? {};
  const most = field.max ?? 99;
  const by = (id: string, step: number) => {
    navigator.vibrate?.(10);
    const n = Math.max(0, Math.min(most, (pieces[id] ?? 0) + step));
    const { [id]: _, ...rest } = pieces;
    set(n ? { ...rest, [id]: n } : rest);
  };
  return (
    <>
      {products.value.map((p) => (
        <div class="prod row"><span class="nm grow">{p.name}</span>
          <div class="step nar">
            <button type="button" aria-label={t("phone.visit.fewer", { name: p.name })} onClick={() => by(p.id, -1)}><Icon name="minus" /></button>
            <output>{pieces[p.id] ?? 0}</output>
            <button type="button" aria-label={t("phone.visit.more", { name: p.name })} onClick={() => by(p.id, 1)}><Icon name="plus" /></button>
          </div>
        </div>
      ))}
    </>
  );
}

interface ShelfRow {
  there: boolean;
  price: number | string | null;
}

function Shelf({ field, value, set }: Props<Record<string, ShelfRow>>) {
  const rows = value ?? {};
  const put = (id: string, row: ShelfRow | null) => {
    const { [id]: _, ...rest } = rows;
    set(row ? { ...rest, [id]: row } : rest);
  };
  return <>{products.value.map((p) => <ShelfLine name={p.name} row={rows[p.id]} withPrice={field.with_price === true} put={(row) => put(p.id, row)} />)}</>;
}

function ShelfLine({ name, row, withPrice, put }: { name: string; row: ShelfRow | undefined; withPrice: boolean; put: (row: ShelfRow | null) => void }) {
  const choose = (there: boolean) => put(row?.there === there ? null : { there, price: there ? (row?.price ?? null) : null });
  return (
    <div class="prod">
      <p class="nm ell" style="margin-bottom:8px">{name}</p>
      <div class="seg" role="group" aria-label={name}>
        <button type="button" class={row?.there === true ? "on" : ""} aria-pressed={row?.there === true} onClick={() => choose(true)}>{t("phone.visit.in_stock")}</button>
        <button type="button" class={row?.there === false ? "on no" : ""} aria-pressed={row?.there === false} onClick={() => choose(false)}>{row?.there === false && <Icon name="cross" class="s" />}{t("phone.visit.out_of_stock")}</button>
      </div>
      {withPrice && row?.there === true && (
        <label class="unit" style="margin-top:8px"><span class="grow small muted">{t("forms.price")}</span>
          <PriceBox label={`${t("forms.price")}: ${name}`} value={row.price} set={(price) => put({ there: true, price })} />
        </label>
      )}
    </div>
  );
}

function PriceBox({ label, value, set }: { label: string; value: number | string | null; set: (price: number | string | null) => void }) {
  const [text, setText] = useState(value == null ? "" : String(value));
  return <input class="inp price" inputMode="decimal" aria-label={label} value={text} maxLength={12} onInput={(e) => { setText(e.currentTarget.value); set(numberOf(e.currentTarget.value)); }} />;
}

function Questions({ field, value, set }: Props<Record<string, string>>) {
  const told = value ?? {};
  const options = field.options ?? [];
  const answer = (question: string, option: string) => {
    const { [question]: before, ...rest } = told;
    set(before === option ? rest : { ...rest, [question]: option });
  };
  return (
    <>
      {(field.questions ?? []).map((q) => (
        <div class="prod">
          <p class="nm" style="margin-bottom:8px">{say(q.label)}</p>
          <div class={options.length <= 3 && isShort(options) ? "seg" : "rows"} role="group" aria-label={say(q.label)}>
            {options.map((o) => <button type="button" class={`${options.length <= 3 && isShort(options) ? "" : "ch "}${told[q.value] === o.value ? "on" : ""}`} aria-pressed={told[q.value] === o.value} onClick={() => answer(q.value, o.value)}>{say(o.label)}</button>)}
          </div>
        </div>
      ))}
    </>
  );
}

function Agreement({ field, value, set }: Props<boolean>) {
  return (
    <>
      <p class="terms">{say(field.text)}</p>
      <Chip class="wide" on={value === true} onClick={() => set(value ? null : true)}>{t("forms.agree")}</Chip>
    </>
  );
}
