/** The first code of a page: a known phone goes to its day, a new one to the sign-in; the app comes behind it. */
import { render } from "preact";
import { isAsking, isKnown, me, screens, theme, wear, whoIsThis } from "./door";
import { readAhead } from "./first_rows";
import { lastLanguage, speakAtOnce } from "./i18n";
import { atRest } from "./painted";
import { Opening, SignIn } from "./screens/signin";
import { theApp } from "./shell";

function Root() {
  const Screens = screens.value;
  if (!me.value) return isAsking.value ? <Opening /> : <SignIn />;
  return Screens ? <Screens /> : <Opening />;
}

const draw = () => render(<Root />, document.getElementById("app")!);

/** The day is opened from what the phone holds; nobody is asked first. */
async function openKnown(): Promise<void> {
  readAhead();
  const app = await theApp();
  await app.opened;
  draw();
  performance.mark("opened");
  await atRest(); // the day stands before anything else is begun
  await app.begin(null);
}

/** The sign-in stands as soon as the server has said that it doesn't know this browser. */
async function openNew(): Promise<void> {
  speakAtOnce(lastLanguage());
  const asked = whoIsThis();
  draw();
  const found = await asked;
  if (found?.user.role !== "rep") isAsking.value = false;
  const app = await theApp();
  await app.opened;
  await app.begin(asked);
}

wear(theme.peek());
void (isKnown() ? openKnown() : openNew());
