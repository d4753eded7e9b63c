/** Bundles the app with bun; prints what it made as JSON. Called by build.py: `bun build.ts OUT VERSION`. */
import { basename, join } from "node:path";
import { readFileSync } from "node:fs";

const [out, version] = process.argv.slice(2) as [string, string];
const root = import.meta.dir;

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
const app = await bundle("src/main.tsx", "app-[hash].[ext]", {
  splitting: true,
  define: {
    __VERSION__: JSON.stringify(version),
    __MAP_WORKER__: JSON.stringify(`/rep/${fileName(worker[0])}`),
    __MAP_CSS__: JSON.stringify(`/rep/${fileName(mapCss[0])}`),
    "process.env.NODE_ENV": '"production"',
  },
});

const office = await bundle("src/office.ts", "office-[hash].js", { define: { "process.env.NODE_ENV": '"production"' } });

/** Scripts that load with the page: the entry and what it imports at once; the rest comes with the map. */
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
const eager = [...eagerFrom(entry, scripts)];
/** Screens that a first load can do without but a day without a network can't: kept from the beginning. */
const kept = new Set([...scripts].filter((s) => /^(form|more|tasks)-/.test(s)).flatMap((s) => [...eagerFrom(s, scripts)]));
const lazy = [...scripts].filter((s) => !eager.includes(s) && !kept.has(s));

console.log(JSON.stringify({
  entry, eager, office: fileName(office[0]), css: fileName(css.find((a) => a.path.endsWith(".css"))),
  lazy: [...lazy, fileName(worker[0]), fileName(mapCss[0])],
}));
