/** Screens that a first look at the day can do without: one chunk, fetched when the first of them is opened. */
export { Calendar } from "./screens/calendar";
export { MoveVisit, ReviseVisit, SkipVisit } from "./screens/change";
export { ConflictScreen } from "./screens/conflict";
export { CorrectClient, NewClient } from "./screens/newclient";
export { OrderDay } from "./screens/order";
export { Pair } from "./screens/pair";
export { Receipt } from "./screens/receipt";
