/** Bundles the app with bun; prints what it made as JSON. Called by build.py: `bun build.ts OUT VERSION`. */
import { basename, join } from "node:path";
import { readFileSync, writeFileSync } from "node:fs";

const [out, version] = process.argv.slice(2) as [string, string];
const root = import.meta.dir;

/** Dexie's own build for today's browsers: what package.json names by itself is a fifth larger. */
const modernDexie: Bun.BunPlugin = {
  name: "modern-dexie",
  setup: (b) => void b.onResolve({ filter: /^dexie$/ }, () => ({ path: join(root, "node_modules/dexie/dist/modern/dexie.min.mjs") })),
};

async function bundle(entry: string, naming: string, options: Partial<Bun.BuildConfig> = {}): Promise<Bun.BuildArtifact[]> {
  const done = await Bun.build({
    entrypoints: [join(root, entry)], outdir: out, target: "browser", format: "esm", minify: true,
    naming: { entry: naming, chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" }, ...options,
  });
  if (!done.success) throw new AggregateError(done.logs, `${entry} does not build`);
  return done.outputs;
}

const fileName = (a: Bun.BuildArtifact | undefined) => basename(a!.path);

const worker = await bundle("node_modules/maplibre-gl/dist/maplibre-gl-worker.mjs", "map-worker-[hash].js");
const mapCss = await bundle("node_modules/maplibre-gl/dist/maplibre-gl.css", "map-[hash].[ext]");
const css = await bundle("phone.css", "app-[hash].[ext]");
const app = await bundle("src/boot.tsx", "boot-[hash].[ext]", {
  splitting: true, plugins: [modernDexie],
  define: {
    __VERSION__: JSON.stringify(version),
    __MAP_WORKER__: JSON.stringify(`/rep/${fileName(worker[0])}`),
    __MAP_CSS__: JSON.stringify(`/rep/${fileName(mapCss[0])}`),
    "process.env.NODE_ENV": '"production"',
  },
});

const office = await bundle("src/office.ts", "office-[hash].js", { define: { "process.env.NODE_ENV": '"production"' } });

/** A script and what it imports at once. */
function eagerFrom(entry: string, all: Set<string>): Set<string> {
  const found = new Set<string>([entry]);
  for (const name of found) {
    const text = readFileSync(join(out, name), "utf8");
    for (const [, other] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) if (all.has(other!)) found.add(other!);
  }
  return found;
}

const scripts = new Set(app.filter((a) => a.path.endsWith(".js")).map(fileName));
const entry = fileName(app.find((a) => a.kind === "entry-point" && a.path.endsWith(".js")));
/** What a page loads to stand: enough to open a known phone's day or to take a new one's sign-in. */
const first = [...eagerFrom(entry, scripts)];
const main = [...scripts].find((s) => s.startsWith("main-"))!;
/** The whole app but for the screens and the map that come when they are asked for. */
const eager = [...new Set([...first, ...eagerFrom(main, scripts)])];
/** Screens that a first load can do without but a day without a network can't: kept from the beginning. */
const kept = new Set([...scripts].filter((s) => /^(form|more|tasks)-/.test(s)).flatMap((s) => [...eagerFrom(s, scripts)]));
const lazy = [...scripts].filter((s) => !eager.includes(s) && !kept.has(s));

/** Have a browser that knows this mark compile every function while the script comes, beside the page's own thread. */
const AT_ONCE = "//# allFunctionsCalledOnLoad\n";
for (const name of eager) writeFileSync(join(out, name), AT_ONCE + readFileSync(join(out, name), "utf8"));

console.log(JSON.stringify({
  entry, first, app: eager.filter((s) => !first.includes(s)), eager, office: fileName(office[0]), css: fileName(css.find((a) => a.path.endsWith(".css"))),
  lazy: [...lazy, fileName(worker[0]), fileName(mapCss[0])],
}));
