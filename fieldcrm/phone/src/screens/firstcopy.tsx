/** The first copy of everything: how far it is, and today as soon as it is known. */
import { syncNow } from "../app";
import { longDay, number, t } from "../i18n";
import { Icon } from "../icons";
import { Btn, Truth } from "../parts";
import { progress, today, visitsOf } from "../store";
import { VisitRow } from "./today";

export function FirstCopy({ onOpen }: { onOpen: () => void }) {
  const rows = progress.value.first ?? {};
  const problem = progress.value.problem;
  const lines: [string, string][] = [["visit", "phone.first.visits"], ["client", "phone.first.clients"], ["product", "phone.first.products"]];
  const order = ["profile", "visit", "client", "product", "shift", "plan"];
  const reached = Math.max(-1, ...Object.keys(rows).map((k) => order.indexOf(k)));
  const mine = visitsOf(today.value).filter((v) => v.state === "planned").slice(0, 4);
  return (
    <>
      <Truth />
      <main tabIndex={0}>
        <section class="card pad"><h1>{t("phone.first.title")}</h1><p class="small muted" style="margin:4px 0 10px">{problem ? t("phone.first.waits") : t("phone.first.text")}</p>
          <div class="prog thick" role="progressbar" aria-label={t("phone.first.title")} aria-valuenow={Math.round((100 * (reached + 1)) / order.length)} aria-valuemin={0} aria-valuemax={100}><i style={{ width: `${(100 * (reached + 1)) / order.length}%` }} /></div>
        </section>
        <section class="card"><div class="list">
          {lines.map(([entity, label]) => (
            <div><Icon name={reached > order.indexOf(entity) ? "tick" : "ring"} class={reached > order.indexOf(entity) ? "c-acc" : "c-pause"} /><div class="t"><p>{t(label)}</p></div><b class="nw">{rows[entity] ? number(rows[entity]!) : ""}</b></div>
          ))}
        </div></section>
        {mine.length > 0 && <><h2 class="sec">{longDay(today.value)}</h2><section class="card">{mine.map((v) => <VisitRow visit={v} />)}</section></>}
        {problem && <p class="note warn" style="margin-top:10px"><Icon name="cloudOff" />{t("phone.first.problem")}</p>}
      </main>
      <footer class="dock"><div class="btns">
        {problem ? <Btn class="huge p" icon="again" onClick={() => void syncNow()}>{t("phone.first.again")}</Btn> : <Btn class="huge p" onClick={onOpen}>{t("phone.first.open")}</Btn>}
      </div></footer>
    </>
  );
}
