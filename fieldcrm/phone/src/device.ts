/** What this phone is called where devices are listed: "Chrome · Android · Pixel 7". */

interface AgentData {
  brands?: { brand: string }[];
  platform?: string;
  getHighEntropyValues?: (hints: string[]) => Promise<{ model?: string; platform?: string }>;
}

/** The phone's name from what the browser tells of itself; the words are names, the same in every language. */
export async function deviceName(): Promise<string> {
  const data = (navigator as { userAgentData?: AgentData }).userAgentData;
  const more = await data?.getHighEntropyValues?.(["model"]).catch(() => null);
  return nameOf(navigator.userAgent, data?.brands?.map((b) => b.brand) ?? [], more?.platform ?? data?.platform, more?.model);
}

/** Browser, system and model of what is known of them; a model only where somebody tells it. Pure. */
export function nameOf(agent: string, brands: string[], platform?: string, model?: string): string {
  const parts = [browserOf(agent, brands), systemOf(agent, platform), model || modelOf(agent)];
  return parts.filter(Boolean).join(" · ").slice(0, 80);
}

const BRANDS: [RegExp, string][] = [
  [/Edge|Edg(A|iOS)?\//, "Edge"], [/Opera|OPR\//, "Opera"], [/Samsung ?Browser/, "Samsung Internet"], [/YaBrowser|Yandex/, "Yandex"],
  [/Firefox|FxiOS/, "Firefox"], [/Chrome|Chromium|CriOS/, "Chrome"], [/Safari/, "Safari"],
];

function browserOf(agent: string, brands: string[]): string {
  const told = `${brands.join(" ")} ${agent}`;
  return BRANDS.find(([pattern]) => pattern.test(told))?.[1] ?? "";
}

const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/Windows/, "Windows"], [/Macintosh|macOS/, "Mac"], [/CrOS|Chrome OS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

function systemOf(agent: string, platform?: string): string {
  return SYSTEMS.find(([pattern]) => pattern.test(`${platform ?? ""} ${agent}`))?.[1] ?? platform ?? "";
}

/** Older Androids name their model in the agent; newer ones say "K" instead. */
function modelOf(agent: string): string {
  const found = /Android [\d.]+; ([^;)]+?)(?: Build\/[^;)]*)?[;)]/.exec(agent)?.[1]?.trim() ?? "";
  return found.length > 1 && !/^(Mobile|Tablet|wv|rv:)/.test(found) ? found : "";
}
