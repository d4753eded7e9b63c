/** Photos and notes that the server will never take, until the rep has given them up. */
import { computed } from "@preact/signals";
import { files } from "./store";

export const stuckFiles = computed(() => files.value.filter((f) => f.state === "refused" && f.code !== "given_up"));
