/** Small pure parts: search, opening hours, distances, ids. */
import { describe, expect, test } from "bun:test";
import type { Client } from "../src/docs";
import { nameOf } from "../src/device";
import { metresBetween } from "../src/geo";
import { missOf, opening, spansOn } from "../src/hours";
import { newId, sha256 } from "../src/ids";
import { find, fold, index, phoneHit, similar } from "../src/search";

const client = (id: string, name: string, phone: string | null = null): Client => ({
  id, kind: "doctor", name, specialty: null, category: "A", loyalty: null, phone, phone_e164: null, email: null,
  website: null, address: null, city: null, postcode: null, lat: null, lng: null, opening_hours: null,
  visit_minutes: null, tags: [], note: null, own_fields: {}, people: [], workplaces: [], promises: [], history: [], cycle: null, version: 1,
});
const all = index([
  client("1", "Ирина Соколова", "+7 916 123-45-67"), client("2", "Sanna Heikkilä"), client("3", "Ștefan Țurcanu"),
  client("4", "Mikael Ojala", "8 (916) 123-88-02"), client("5", "Fredrik Øster", "09 161 2307"),
]);
const found = (query: string) => find(all, query).map((c) => c.id);

describe("search", () => {
  test.each([
    ["sokolova", "1"], ["Соколова", "1"], ["heikkila", "2"], ["Хейккила", "2"], ["stefan turcanu", "3"],
    ["ștefan", "3"], ["oster", "5"], ["ирина", "1"],
  ])("%s finds %s", (query, id) => expect(found(query)).toEqual([id]));

  test.each(["8 (916) 123-45-67", "+79161234567", "9161234567", "123-45-67"])("%s finds one card", (query) =>
    expect(found(query)).toEqual(["1"]));

  test("marks where the digits lie", () => {
    expect(phoneHit("+7 916 123-45-67", "916123")).toEqual([3, 10]);
    expect(phoneHit("+7 916 123-45-67", "555")).toBeNull();
  });
  test.each([
    ["sokolva", "1"], ["skoolova", "1"], ["sokollova", "1"], ["zokolova", "1"], ["Соколава", "1"], ["heikila", "2"], ["stefna turcanu", "3"], ["Irina Sakol", "1"],
  ])("%s, mistyped by a letter, finds %s", (query, id) => expect(found(query)).toEqual([id]));
  test("a word mistyped gives way to one that stands there", () => {
    const known = index([client("a", "Marta Ilves"), client("b", "Marga Ilves")]);
    expect(find(known, "marta").map((c) => c.id)).toEqual(["a"]);
  });
  test.each(["sqqolova", "sokolovich", "oje", "iri sok zz"])("%s is no slip of a letter", (query) => expect(found(query)).toEqual([]));
  test("nothing matches nothing", () => expect(found("zzz")).toEqual([]));
  test("fold keeps и and й apart from marks", () => expect(fold("Андрей")).toBe("andrei"));
});

describe("opening hours", () => {
  const text = "Mo-Fr 08:00-21:00; Sa 09:00-18:00; Su off";
  test("open until", () => expect(opening(spansOn(text, 4), 11 * 60)).toEqual({ state: "open", until: "21:00" }));
  test("opens later", () => expect(opening(spansOn(text, 6), 8 * 60)).toEqual({ state: "opens", at: "09:00" }));
  test("closed on Sunday", () => expect(opening(spansOn(text, 0), 600)).toEqual({ state: "closed" }));
  test("lunch break", () =>
    expect(opening(spansOn("Mo,We 09:00-12:00,13:00-17:00", 3), 12 * 60 + 5)).toEqual({ state: "opens", at: "13:00" }));
  test("without days means every day", () => expect(opening(spansOn("10:00-20:00", 2), 601)).toEqual({ state: "open", until: "20:00" }));
  test("holidays are skipped", () => expect(opening(spansOn(`${text}; PH off`, 4), 600)).toEqual({ state: "open", until: "21:00" }));
  test("what isn't understood says nothing", () => expect(opening(spansOn("sunrise-sunset", 2), 600)).toBeNull());
  test("no hours", () => expect(opening(spansOn(null, 2), 600)).toBeNull());
  test("past midnight", () => expect(opening(spansOn("Fr 20:00-02:00", 5), 23 * 60)).toEqual({ state: "open", until: "02:00" }));

  test.each([
    ["in time", 10 * 60, 20, null], ["to the minute", 11 * 60 + 40, 20, null],
    ["too near to the end", 11 * 60 + 50, 20, { why: "closes", at: "12:00" }], ["in the break", 12 * 60 + 5, 20, { why: "opens", at: "13:00" }],
    ["too early", 8 * 60, 20, { why: "opens", at: "09:00" }], ["too late", 17 * 60 + 20, 20, { why: "closes", at: "17:00" }],
  ])("a visit %s", (_, minute, lasts, miss) => expect(missOf(spansOn("09:00-12:00,13:00-17:00", 1)!, minute, lasts)).toEqual(miss as never));
  test("a visit on a closed day", () => expect(missOf([], 600, 20)).toEqual({ why: "closed" }));
  test("a visit around midnight where it never closes", () => expect(missOf(spansOn("24/7", 1)!, 1430, 20)).toBeNull());
});

describe("ids", () => {
  test("are version 7, carry their time and sort by it", () => {
    const a = newId(1_700_000_000_000);
    const b = newId(1_700_000_000_001);
    expect(a).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseInt(a.replace(/-/g, "").slice(0, 12), 16)).toBe(1_700_000_000_000);
    expect(a < b).toBe(true);
  });
  test("SHA-256 of nothing", async () =>
    expect(await sha256(new ArrayBuffer(0))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
});

test("a degree of latitude is 111.2 km", () =>
  expect(metresBetween({ lat: 60, lng: 24 }, { lat: 61, lng: 24 })).toBeCloseTo(111195, -1));

test.each([
  ["Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36", ["Not=A?Brand", "Chromium", "Google Chrome"], "Android", "Pixel 7", "Chrome · Android · Pixel 7"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", ["Chromium"], "Linux", "", "Chrome · Linux"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", [], undefined, undefined, "Safari · iPhone"],
  ["Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", [], undefined, undefined, "Firefox · Android"],
  ["Mozilla/5.0 (Linux; Android 9; SM-G960F Build/PPR1.180610.011) AppleWebKit/537.36 SamsungBrowser/14.0 Chrome/87.0.4280.141 Mobile Safari/537.36", [], undefined, undefined, "Samsung Internet · Android · SM-G960F"],
])("a phone's name: %s", (agent, brands, platform, model, name) => {
  expect(nameOf(agent, brands, platform, model)).toBe(name);
});

describe("somebody who may be the same", () => {
  const known = [client("1", "Ирина Соколова", "+7 916 123-45-67"), client("2", "Sanna Heikkilä"), client("3", "Ștefan Țurcanu")];
  const hits = (name: string, phone = "") => similar(known, name, phone, null).map((h) => [h.client.id, ...h.why]);
  test("in another script, in another order, a letter off", () => {
    expect(hits("Irina Sokolova")).toEqual([["1", "name"]]);
    expect(hits("Turcanu Stefan")).toEqual([["3", "name"]]);
    expect(hits("Sanna Heikila")).toEqual([["2", "name"]]);
  });
  test("by any form of the number", () => {
    expect(hits("", "8 (916) 123-45-67")).toEqual([["1", "phone"]]);
    expect(hits("Irina Sokolova", "9161234567")).toEqual([["1", "phone", "name"]]);
  });
  test("not by one word or a short number", () => {
    expect(hits("Irina")).toEqual([]);
    expect(hits("Irina Petrova", "123")).toEqual([]);
  });
});
