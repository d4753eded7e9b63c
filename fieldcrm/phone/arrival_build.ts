/** Bundles the arrival page with bun; prints what it made as JSON. Called by arrival_build.py: `bun arrival_build.ts OUT`. */
import { basename, join } from "node:path";

const [out] = process.argv.slice(2) as [string];
const root = import.meta.dir;

async function bundle(entry: string, options: Partial<Bun.BuildConfig> = {}): Promise<Bun.BuildArtifact[]> {
  const named = { entry: "[name]-[hash].[ext]", chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" };
  const done = await Bun.build({ entrypoints: [join(root, entry)], outdir: out, target: "browser", format: "esm", minify: true, naming: named, ...options });
  if (!done.success) throw new AggregateError(done.logs, `${entry} does not build`);
  return done.outputs;
}

const fileName = (a: Bun.BuildArtifact | undefined) => basename(a!.path);
const entryOf = (made: Bun.BuildArtifact[]) => fileName(made.find((a) => a.kind === "entry-point"));

const worker = await bundle("node_modules/maplibre-gl/dist/maplibre-gl-worker.mjs");
const mapCss = await bundle("node_modules/maplibre-gl/dist/maplibre-gl.css");
const css = await bundle("src/arrival/arrival.css");
const page = await bundle("src/arrival/arrival.ts", {
  splitting: true,
  define: {
    __MAP_WORKER__: JSON.stringify(`/arrival/${entryOf(worker)}`),
    __MAP_CSS__: JSON.stringify(`/arrival/${fileName(mapCss.find((a) => a.path.endsWith(".css")))}`),
    "process.env.NODE_ENV": '"production"',
  },
});

console.log(JSON.stringify({ js: entryOf(page), css: fileName(css.find((a) => a.path.endsWith(".css"))) }));
