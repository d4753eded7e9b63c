/** The life table as the phone reads it: the same cases the server runs. */
import { describe, expect, test } from "bun:test";
import cases from "../../../tests/visits/life_cases.json";
import { fixState, tryMove, type Position, type State } from "../src/life";

interface MoveCase { state: string | null; move: string; role: string; given: string[]; expect: string }
interface FixCase { device_at_ms: number; position: unknown; expect: string }

describe("moves", () => {
  test.each((cases.moves as MoveCase[]).map((c) => [`${c.state} ${c.move} by ${c.role} with [${c.given}]`, c] as const))(
    "%s", (_, c) => {
      const outcome = tryMove(c.state as State | null, c.move, c.role, new Set(c.given));
      expect(outcome.ok ? outcome.to : outcome.error).toBe(c.expect as State);
    },
  );
});

describe("fixes", () => {
  test.each((cases.fixes as FixCase[]).map((c, i) => [i, c] as const))("%d", (_, c) => {
    expect<string>(fixState(c.position as Position | null, c.device_at_ms)).toBe(c.expect);
  });
});
