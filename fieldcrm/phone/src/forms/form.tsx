/** A visit's form as the rep fills it in, and as it is read later. */
import type { ComponentChildren } from "preact";
import type { Draft, Visit } from "../docs";
import { has, longDay, number, t } from "../i18n";
import { Icon } from "../icons";
import { Chip } from "../parts";
import { clientOf, files, forms, products } from "../store";
import type { FilledForm, FormDefinition, FormDoc, FormField, VisitDetails } from "../wire.gen";
import { Control } from "./fields";
import { say } from "./pick";
import { check, detailsOf, type Answers, type Checked, type Facts, type Problem } from "./rules";
import { Strokes } from "./signature";

export { PlainForm } from "./plain";

type Change = (part: Partial<Draft>) => void;

// ── judging ──

/** What the form's rules say of a draft as it stands. */
export function judge(form: FormDoc, visit: Visit, draft: Draft): Checked {
  return check(form.definition, answersOf(draft), factsOf(visit, draft));
}

function answersOf(draft: Draft): Answers {
  return draft.details.form?.answers ?? {};
}

function factsOf(visit: Visit, draft: Draft): Facts {
  const client = clientOf(visit);
  const mine = files.value.filter((f) => f.visit_id === visit.id).map((f) => f.sha256);
  const isDated = draft.next_text.trim() !== "" && draft.next_on !== null;
  return {
    result: draft.result, kind: client?.kind ?? "", category: client?.category ?? null, day: visit.day,
    photos: new Set([...mine, ...visit.attachments.map((a) => a.sha256)]),
    has_next_step: isDated || Boolean(draft.details.no_next_step?.trim()) || visit.promise_id !== null,
  };
}

/** A closing's details: the answers that were asked for, and what they tell. */
export function detailsFor(form: FormDoc, visit: Visit, draft: Draft): VisitDetails {
  const { kept } = judge(form, visit, draft);
  const reason = draft.next_text.trim() ? null : (draft.details.no_next_step ?? null);
  return {
    ...detailsOf(form.definition, kept), ...(reason ? { no_next_step: reason } : {}),
    form: { form_id: form.form_id, version: form.version, answers: kept },
  };
}

/** Photos that answers name: they go with the closing, also where the server has their bytes already. */
export function photosOf(form: FormDoc, details: VisitDetails): string[] {
  const fields = form.definition.fields.filter((f) => f.type === "photo");
  return fields.flatMap((f) => (details.form?.answers[f.name] as string[] | undefined) ?? []);
}

export function labelOf(form: FormDefinition, name: string): string {
  return name === "next_step" ? t("forms.next_step") : say(form.fields.find((f) => f.name === name)?.label) || name;
}

export function problemText(form: Pick<FormDefinition, "checks">, problem: Problem): string {
  if (problem.code === "check") return say(form.checks![Number(problem.params.check)]!.text);
  const { day } = problem.params;
  return t(`forms.problem.${problem.code}`, day ? { day: longDay(String(day)) } : problem.params);
}

// ── filling in ──

export function FormCards({ form, visit, draft, change, checked }: { form: FormDoc; visit: Visit; draft: Draft; change: Change; checked: Checked }) {
  const answers = answersOf(draft);
  const set = (name: string, value: unknown) => {
    const filled: FilledForm = { form_id: form.form_id, version: form.version, answers: { ...answers, [name]: value } };
    change({ details: { ...draft.details, form: filled } });
  };
  const asked = form.definition.fields.filter((f) => checked.asked.has(f.name));
  return (
    <>
      <h2 class="sec">{say(form.definition.title)}</h2>
      {asked.map((field) => (
        <FieldCard key={field.name} form={form.definition} field={field} isDone={field.name in checked.kept} problem={checked.problems.find((p) => p.field === field.name)}>
          <Control field={field} value={answers[field.name]} set={(value) => set(field.name, value)} visit={visit} />
        </FieldCard>
      ))}
    </>
  );
}

export function FieldCard({ form, field, isDone, problem, children }: { form: Pick<FormDefinition, "checks">; field: FormField; isDone: boolean; problem?: Problem; children: ComponentChildren }) {
  const isLeft = problem?.code === "required";
  return (
    <section class={`card ${problem ? "miss" : ""}`} id={`f-${field.name}`}><div class="fs">
      <div class="h"><h2>{say(field.label)}</h2>
        {isLeft && <span class="req miss">{t("phone.visit.needed")}</span>}
        {isDone && !problem && <span class="req ok"><Icon name="tick" class="s" />{t("phone.visit.ready")}</span>}
      </div>
      {field.hint && <p class="small muted" style="margin:-6px 0 10px">{say(field.hint)}</p>}
      {children}
      {problem && !isLeft && <p class="small bad-word" role="alert"><Icon name="warn" class="s" />{problemText(form, problem)}</p>}
    </div></section>
  );
}

const REASONS = ["not_needed", "client_undecided", "client_leaves", "office_decides"];

/** Why nothing more was agreed, where a form wants a next step. */
export function NoNextStep({ form, draft, change }: { form: FormDoc; draft: Draft; change: Change }) {
  if (form.definition.next_step !== "required" || draft.next_text.trim()) return null;
  const reason = draft.details.no_next_step ?? null;
  return (
    <section class={`card ${reason ? "" : "miss"}`} id="f-next_step"><div class="fs">
      <div class="h"><h2>{t("forms.no_step")}</h2>{!reason && <span class="req miss">{t("forms.no_step.or")}</span>}</div>
      <div class="grid2" role="group" aria-label={t("forms.no_step")}>
        {REASONS.map((r) => <Chip on={reason === r} onClick={() => change({ details: { ...draft.details, no_next_step: reason === r ? null : r } })}>{t(`forms.no_step.${r}`)}</Chip>)}
      </div>
    </div></section>
  );
}

// ── reading ──

/** The answers of a closed visit, by the version they were given to. */
export function FilledCard({ visit }: { visit: Visit }) {
  const filled = visit.details.form;
  const reason = visit.details.no_next_step;
  const known = filled && forms.value.find((f) => f.form_id === filled.form_id && f.version === filled.version);
  const rows = filled ? (known?.definition.fields ?? bare(filled)).filter((f) => filled.answers[f.name] !== undefined) : [];
  return (
    <>
      {filled && !known && <p class="note" style="margin:10px 14px">{t("forms.unknown_version")}</p>}
      {rows.map((field) => <AnswerRow field={field} value={filled!.answers[field.name]} />)}
      {reason && <div><Icon name="flag" /><div class="t"><p>{has(`forms.no_step.${reason}`) ? t(`forms.no_step.${reason}`) : reason}</p><p>{t("forms.no_step")}</p></div></div>}
    </>
  );
}

/** Answers to a form that this phone doesn't know, by their names. */
function bare(filled: FilledForm): FormField[] {
  return Object.keys(filled.answers).map((name) => ({ name, type: "text", label: name }));
}

function AnswerRow({ field, value }: { field: FormField; value: unknown }) {
  const strokes = field.type === "signature" ? (value as { strokes: number[][] }).strokes : null;
  return (
    <div><Icon name={field.type === "stock" ? "bag" : "note"} />
      <div class="t"><p>{strokes ? <Strokes strokes={strokes} label={say(field.label)} /> : answerText(field, value)}</p><p>{say(field.label)}</p></div>
    </div>
  );
}

export function answerText(field: FormField, value: unknown): string {
  const option = (v: string) => say(field.options?.find((o) => o.value === v)?.label) || v;
  const product = (id: string) => products.value.find((p) => p.id === id)?.name ?? id;
  const rows = () => Object.entries(value as Record<string, never>);
  switch (field.type) {
    case "choice": return option(value as string);
    case "choices": return (value as string[]).map(option).join(", ");
    case "money": return [number(value as number, 2), say(field.unit)].filter(Boolean).join(" ");
    case "number": return [number(value as number), say(field.unit)].filter(Boolean).join(" ");
    case "date": return longDay(value as string);
    case "yes_no": return t(value ? "forms.yes" : "forms.no");
    case "photo": return t("forms.photos", { n: (value as string[]).length });
    case "products": return (value as string[]).map(product).join(", ");
    case "samples": return rows().filter(([, n]) => n).map(([id, n]) => `${product(id)} × ${String(n)}`).join(", ");
    case "stock": return rows().map(([id, row]) => `${product(id)}: ${shelfText(row)}`).join(", ");
    case "questionnaire": return (field.questions ?? []).filter((q) => q.value in (value as object)).map((q) => `${say(q.label)}: ${option((value as Record<string, string>)[q.value]!)}`).join("; ");
    case "agreement": return t("forms.agreed");
    default: return typeof value === "string" ? value : JSON.stringify(value);
  }
}

function shelfText(row: { there: boolean; price?: number | null }): string {
  if (!row.there) return t("forms.out_of_stock");
  return row.price == null ? t("forms.in_stock") : number(row.price, 2);
}
