/** What a held visit tells where no form is asked: products shown, samples, and stock at a place. */
import type { Draft } from "../docs";
import { t } from "../i18n";
import { Icon } from "../icons";
import { products } from "../store";

type Part = { draft: Draft; change: (part: Partial<Draft>) => void };

export function PlainForm({ draft, change, isPlace }: Part & { isPlace: boolean }) {
  return <><Shown draft={draft} change={change} />{isPlace && <Stock draft={draft} change={change} />}</>;
}

function Head({ title, isDone }: { title: string; isDone: boolean }) {
  return <div class="h"><h2>{title}</h2>{isDone && <span class="req ok"><Icon name="tick" class="s" />{t("phone.visit.ready")}</span>}</div>;
}

function Shown({ draft, change }: Part) {
  if (products.value.length === 0) return null;
  const shown = draft.details.products ?? [];
  const left = draft.details.samples ?? {};
  const set = (part: Partial<Draft["details"]>) => change({ details: { ...draft.details, ...part } });
  const toggle = (id: string) => set({ products: shown.includes(id) ? shown.filter((p) => p !== id) : [...shown, id] });
  const samples = (id: string, by: number) => {
    navigator.vibrate?.(10);
    const n = Math.max(0, Math.min(99, (left[id] ?? 0) + by));
    const { [id]: _, ...rest } = left;
    set({ samples: n ? { ...rest, [id]: n } : rest });
  };
  return (
    <section class="card"><div class="fs">
      <Head title={t("phone.visit.products")} isDone={shown.length > 0} />
      {products.value.map((p) => {
        const order = shown.indexOf(p.id);
        return (
          <div class="prod">
            <button type="button" class="row pick-product" aria-pressed={order >= 0} onClick={() => toggle(p.id)}>
              <span class={`ord ${order < 0 ? "no" : ""}`}>{order < 0 ? "" : order + 1}</span><span class="nm grow">{p.name}</span>
              {order < 0 && <Icon name="plus" class="s" />}
            </button>
            {order >= 0 && (
              <div class="row" style="margin-top:8px"><span class="grow small muted">{t("phone.visit.samples")}</span>
                <div class="step nar">
                  <button type="button" aria-label={t("phone.visit.fewer", { name: p.name })} onClick={() => samples(p.id, -1)}><Icon name="minus" /></button>
                  <output>{left[p.id] ?? 0}</output>
                  <button type="button" aria-label={t("phone.visit.more", { name: p.name })} onClick={() => samples(p.id, 1)}><Icon name="plus" /></button>
                </div>
              </div>
            )}
          </div>
        );
      })}
    </div></section>
  );
}

function Stock({ draft, change }: Part) {
  if (products.value.length === 0) return null;
  const stock = draft.details.stock ?? {};
  const set = (id: string, there: boolean) => change({ details: { ...draft.details, stock: { ...stock, [id]: there } } });
  return (
    <section class="card"><div class="fs">
      <Head title={t("phone.visit.stock")} isDone={Object.keys(stock).length > 0} />
      {products.value.map((p) => (
        <div class="prod">
          <p class="nm ell" style="margin-bottom:8px">{p.name}</p>
          <div class="seg" role="group" aria-label={p.name}>
            <button type="button" class={stock[p.id] === true ? "on" : ""} aria-pressed={stock[p.id] === true} onClick={() => set(p.id, true)}>{t("phone.visit.in_stock")}</button>
            <button type="button" class={stock[p.id] === false ? "on no" : ""} aria-pressed={stock[p.id] === false} onClick={() => set(p.id, false)}>{stock[p.id] === false && <Icon name="cross" class="s" />}{t("phone.visit.out_of_stock")}</button>
          </div>
        </div>
      ))}
    </div></section>
  );
}
