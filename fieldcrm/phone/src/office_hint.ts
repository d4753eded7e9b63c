/** How many tasks of the office are open; counted by code that is fetched after the first screen. */
import { signal } from "@preact/signals";

export const openTasks = signal(0);
