/** Screens that a first look at the day can do without: one chunk, fetched when the first of them is opened. */
export { AlsoHere, NextHere } from "./screens/alsohere";
export { Calendar } from "./screens/calendar";
export { MoveVisit, ReviseVisit, SkipVisit } from "./screens/change";
export { ConflictScreen } from "./screens/conflict";
export { CorrectClient } from "./screens/correct";
export { NewClient } from "./screens/newclient";
export { CardEnd, CardParts } from "./screens/cardparts";
export { OrderDay } from "./screens/order";
export { NeedsYou } from "./screens/undecided";
export { Invitation, Together } from "./screens/together";
export { Install, PlanChanged, Settings, SignInAgain, Storage, Update } from "./screens/system";
export { SoundNote, Sounds } from "./screens/sound";
export { Pair } from "./screens/pair";
export { Receipt } from "./screens/receipt";
