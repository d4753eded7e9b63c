/** The office's messages: one chunk, fetched once the first screen stands and kept from the beginning. */
export { Reminder, Tasks } from "./messages/list";
export { watch } from "./messages/watch";
