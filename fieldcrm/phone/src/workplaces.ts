/** Where a person works. Pure. */
import type { Client } from "./docs";
import type { Workplace } from "./wire.gen";

/** Where he is mainly found. */
export function mainPlace(client: Client): Workplace | undefined {
  return client.workplaces.find((w) => w.is_main) ?? client.workplaces[0];
}
