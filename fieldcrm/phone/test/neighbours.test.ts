/** Several doctors at one address: who they are, and whom the rep sees first. */
import { expect, test } from "bun:test";
import type { Client, Visit } from "../src/docs";
import { Laid } from "../src/laid";
import { neighbours } from "../src/neighbours";

const TODAY = "2026-11-23";
const card = (id: string, more: Partial<Client> = {}) => ({
  id, kind: "doctor", name: id, category: null, address: null, city: null, lat: null, lng: null, workplaces: [], people: [], cycle: null, ...more,
}) as unknown as Client;
const at = (...ids: string[]) => ids.map((id, n) => ({ id, name: id, role: null, hours: null, is_main: n === 0 }));
const clinic = card("clinic", { kind: "organisation", address: "Hämeentie 3", city: "Helsinki", lat: 60.18, lng: 24.95 });
const visit = (client_id: string, more: Partial<Visit> = {}) => ({
  id: `v-${client_id}`, client_id, place_id: "clinic", day: TODAY, state: "planned", position: 0, is_unplanned: false, ...more,
}) as Visit;
const cycle = (remaining: number, scheduled: number) => ({ planned: 4, actual: 4 - remaining, scheduled, remaining });

function found(cards: Client[], under: Visit[] = [], over: Visit[] = [], from: Partial<Visit> = {}): string[] {
  const known = new Map([clinic, card("anna", { workplaces: at("clinic") }), ...cards].map((c) => [c.id, c]));
  const visits = new Laid(new Map(under.map((v) => [v.id, v])), over.map((v) => [v.id, v]));
  return neighbours({ client_id: "anna", place_id: "clinic", ...from }, known, visits, TODAY).map((n) => `${n.client.id} ${n.why} ${n.place_id}`);
}

test("who works at the visit's place, also as a second one; not who works elsewhere, nor the place itself", () =>
  expect(found([card("boris", { workplaces: at("clinic") }), card("vera", { workplaces: at("other", "clinic") }), card("gleb", { workplaces: at("other") })]))
    .toEqual(["boris known clinic", "vera known clinic"]));

test("planned today, then due, then planned later, then whom one knows", () => {
  const cards = [
    card("known", { workplaces: at("clinic") }), card("later", { workplaces: at("clinic"), cycle: cycle(1, 1) }),
    card("due", { workplaces: at("clinic"), cycle: cycle(2, 1) }), card("second", { workplaces: at("clinic") }), card("first", { workplaces: at("clinic") }),
  ];
  const days = [visit("later", { day: "2026-11-26" }), visit("second", { position: 7 }), visit("first", { position: 3 })];
  expect(found(cards, days)).toEqual(["first planned clinic", "second planned clinic", "due due clinic", "later later clinic", "known known clinic"]);
});

test("among those due the one of whom most is missing, then the better category", () => {
  const due = (id: string, remaining: number, category: string) => card(id, { workplaces: at("clinic"), cycle: cycle(remaining, 0), category });
  expect(found([due("b", 1, "B"), due("a", 1, "A"), due("c", 3, "C")]).map((n) => n[0])).toEqual(["c", "a", "b"]);
});

test("who was seen today is left out, unless he is planned once more", () => {
  const cards = [card("seen", { workplaces: at("clinic"), cycle: cycle(3, 0) }), card("twice", { workplaces: at("clinic") })];
  const days = [visit("seen", { state: "closed" }), visit("twice", { state: "closed" }), visit("twice", { id: "again" })];
  expect(found(cards, days)).toEqual(["twice planned clinic"]);
});

test("a visit beside the plan that the server hasn't heard of counts as made", () => {
  const boris = card("boris", { workplaces: at("clinic"), cycle: cycle(1, 0) });
  const made = visit("boris", { day: "2026-11-22", state: "closed", is_unplanned: true, unsent: true });
  expect(found([boris])).toEqual(["boris due clinic"]);
  expect(found([boris], [], [made])).toEqual(["boris known clinic"]);
});

test("other places in the same house count, by pin or by words; the next house doesn't", () => {
  const near = card("lab", { kind: "organisation", lat: 60.18 + 20 / 111_195, lng: 24.95 });
  const far = card("next", { kind: "organisation", address: "Hämeentie 5", city: "Helsinki", lat: 60.18 + 60 / 111_195, lng: 24.95 });
  const said = card("dental", { kind: "organisation", address: "hämeentie  3,", city: "Helsinki" });
  const namesake = card("namesake", { kind: "organisation", address: "Hämeentie 3", city: "Helsinki", lat: 60.3, lng: 24.95 });
  const cards = [near, far, said, namesake, ...["lab", "next", "dental", "namesake"].map((id) => card(`of-${id}`, { workplaces: at(id) }))];
  expect(found(cards)).toEqual(["of-dental known dental", "of-lab known lab"]);
});

test("a place itself is offered where it is planned or due", () => {
  const shop = card("shop", { kind: "pharmacy", address: "Hämeentie 3", city: "Helsinki", cycle: cycle(1, 0) });
  expect(found([shop])).toEqual(["shop due null"]);
  expect(found([{ ...shop, cycle: null }])).toEqual([]);
});

test("people without a place are found by their own address, and from a visit without one", () => {
  const home = { address: "Hämeentie 3", city: "Helsinki" };
  expect(found([card("gleb", home)])).toEqual(["gleb known null"]);
  expect(found([card("gleb", home)], [], [], { client_id: "gleb", place_id: null })).toEqual(["anna known clinic"]);
});

test("a visit whose cards left the phone offers nobody", () => expect(found([], [], [], { client_id: "gone", place_id: "gone too" })).toEqual([]));
