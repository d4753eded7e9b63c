/** The forms' language and rules as the phone reads them: the same cases the server runs. */
import { describe, expect, test } from "bun:test";
import cases from "../../../tests/forms/cases.json";
import { BadExpression, evaluate, parse } from "../src/forms/expressions";
import { check, detailsOf, type Answers, type Facts } from "../src/forms/rules";
import type { FormDefinition } from "../src/wire.gen";

interface ExpressionCase { of: string; with?: Answers; is: unknown }
interface CheckCase { form: string; answers: Answers; facts: Record<string, unknown>; problems: unknown[]; kept?: Answers }

const FORMS = cases.forms as unknown as Record<string, FormDefinition>;

function valueOf(c: ExpressionCase): unknown {
  try {
    return evaluate(parse(c.of), c.with ?? {});
  } catch (error) {
    if (error instanceof BadExpression) return "refused";
    throw error;
  }
}

function factsOf(told: Record<string, unknown>): Facts {
  const all = { ...cases.facts, ...told } as Omit<Facts, "photos"> & { photos: string[] | null };
  return { ...all, photos: all.photos && new Set(all.photos) };
}

describe("expressions", () => {
  test.each((cases.expressions as ExpressionCase[]).map((c) => [c.of, c] as const))("%s", (_, c) => {
    expect(valueOf(c)).toBe(c.is as never);
  });
});

describe("answers", () => {
  test.each((cases.checks as CheckCase[]).map((c) => [`${c.form} ${JSON.stringify(c.answers)}`, c] as const))("%s", (_, c) => {
    const found = check(FORMS[c.form]!, c.answers, factsOf(c.facts));
    const told = found.problems.map((p) => [p.field, p.code, ...(Object.keys(p.params).length ? [p.params] : [])]);
    expect(told).toEqual(c.problems as never);
    if (c.kept) expect(found.kept).toEqual(c.kept);
  });

  test("tell products, samples and stock by themselves", () => {
    expect(detailsOf(FORMS.doctor!, { shown: ["p", "q"], left: { p: 2, q: 0 } })).toEqual({ products: ["p", "q"], samples: { p: 2 } });
    expect(detailsOf(FORMS.every!, { shelf: { p: { there: false, price: null } } })).toEqual({ stock: { p: false } });
  });
});
