/** The day's receipt names what the server lacks, and says that all is safe only then. */
import { describe, expect, test } from "bun:test";
import type { Entry, StoredFile, Visit } from "../src/docs";
import { compare as compareAll } from "../src/receipt";
import type { Receipt } from "../src/wire.gen";

const visit = (id: string, more: Partial<Visit> = {}): Visit => ({ id, state: "closed", attachments: [], ...more }) as unknown as Visit;
const entry = (kind: string, subject_id: string, more: Partial<Entry> = {}): Entry =>
  ({ id: `${kind} ${subject_id}`, kind, subject_id, status: "sent", dismissed: 0, ...more }) as unknown as Entry;
const photo = (sha256: string) => ({ id: sha256, sha256, is_stored: false }) as Visit["attachments"][number];
const receipt = (closed: string[], photos: string[] = []): Receipt => ({
  day: "2026-11-22", rep_id: "r", issued_at_ms: 0, signed: "", photos,
  visits: closed.map((id) => ({ id, state: "closed", version: 3, photos: 0, photos_stored: 0 })),
});

const file = (more: Partial<StoredFile>): StoredFile => ({ sha256: "f1", kind: "file", state: "waiting", entry_id: "e", code: null, ...more }) as unknown as StoredFile;
const compare = (told: Receipt, day: Visit[], entries: Entry[], files: StoredFile[] = []) => compareAll(told, day, entries, files);

describe("lesson 9: the day's receipt", () => {
  test("everything is there", () => {
    const day = [visit("a", { attachments: [photo("p1"), photo("p2")] }), visit("b"), visit("c", { state: "planned" })];
    const told = compare(receipt(["a", "b"], ["p1", "p2"]), day, [entry("visit.close", "a", { status: "applied" })]);
    expect([told.isWhole, told.visits, told.photos]).toEqual([true, 2, 2]);
  });
  test("a visit and a photo that only this phone has are named", () => {
    const told = compare(receipt(["a"]), [visit("a", { attachments: [photo("p1")] }), visit("b")], [entry("visit.close", "b")]);
    expect([told.isWhole, told.missingVisits.map((v) => v.id), told.missingPhotos, told.open]).toEqual([false, ["b"], ["p1"], []]);
  });
  test("a spoken note counts by itself and is missed like a photo", () => {
    const sound = { ...photo("s1"), kind: "audio" };
    const day = [visit("a", { attachments: [photo("p1"), sound] })];
    expect(compare(receipt(["a"], ["p1"]), day, [])).toMatchObject({ isWhole: false, photos: 1, sounds: 1, missingPhotos: [], missingSounds: ["s1"] });
    expect(compare(receipt(["a"], ["p1", "s1"]), day, []).isWhole).toBe(true);
  });
  test.each(["visit.revise", "client.note", "shift.end"])("an unsent %s is missing though its visit is there", (kind) => {
    const told = compare(receipt(["a"]), [visit("a")], [entry(kind, "a")]);
    expect([told.isWhole, told.open.map((e) => e.kind)]).toEqual([false, [kind]]);
  });
  test("a card's file that waits here or was refused is not safe until the rep has given it up", () => {
    for (const here of [file({}), file({ state: "refused", code: "wrong_file_type" })])
      expect(compare(receipt([]), [], [], [here])).toMatchObject({ isWhole: false, left: ["f1"] });
    for (const gone of [file({ state: "stored" }), file({ state: "refused", code: "given_up" })])
      expect(compare(receipt([]), [], [], [gone]).isWhole).toBe(true);
  });
  test("what is named by its visit or its action is not counted twice", () => {
    const day = [visit("a", { attachments: [photo("p1")] })];
    expect(compare(receipt(["a"]), day, [], [file({ sha256: "p1", kind: "photo" })])).toMatchObject({ missingPhotos: ["p1"], left: [] });
    expect(compare(receipt([]), [], [entry("client.field", "c", { id: "e" })], [file({})])).toMatchObject({ left: [] });
  });
  test("refused work is not safe until the rep has decided", () => {
    const refused = entry("visit.close", "a", { status: "refused" });
    expect(compare(receipt([]), [visit("a", { state: "cancelled" })], [refused]).isWhole).toBe(false);
    expect(compare(receipt([]), [visit("a", { state: "cancelled" })], [{ ...refused, dismissed: 1 }]).isWhole).toBe(true);
  });
});
