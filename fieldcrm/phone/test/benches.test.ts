/** The bench's phones: what befalls them never makes the bench wait for an app that is gone. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Phone } from "../benches/phone";
import { Peer } from "./peer";

let peer: Peer;
let phone: Phone;

beforeEach(async () => {
  peer = new Peer();
  const origin = await peer.start();
  phone = new Phone({
    number: 0, schedule: 0, seed: 1, origin, direct: origin, cookie: "", rep_id: "r", clock_error_ms: 0, visits: [],
    contested: [], clients: [], shared_clients: [], today: "2026-11-19", keeps_shift: false,
  });
  await phone.begin();
});
afterEach(() => peer.stop());

test("a sync ends with its app, also where its next request never goes out", async () => {
  for (const sync of [() => phone.syncOnce(), () => phone.secondTab()]) {
    const underWay = sync();
    await phone.reloadAfter(0);
    expect(await Promise.race([underWay.then(() => "ended"), Bun.sleep(20_000).then(() => "hangs")])).toBe("ended");
  }
  await phone.syncOnce();
  expect(phone.troubles).toEqual([]);
  expect(await phone.isSettled()).toBe(true);
});
