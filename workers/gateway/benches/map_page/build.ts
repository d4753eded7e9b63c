// Bundles the bench's page: the desk's own map component, resolved as the product's build resolves it.
// bun build.ts <project> <target folder>
import { join } from "node:path";

const [project, target] = process.argv.slice(2);
const modules = join(project, ".web", "node_modules");
const own = "$/public/external/fieldcrm/components/";
const ours = {
  name: "the product's paths",
  setup(build: any) {
    build.onResolve({ filter: /^\$\/public\/external\// }, ({ path }: { path: string }) => ({
      path: join(project, "fieldcrm", "components", path.slice(own.length).split("/").pop()!),
    }));
    build.onResolve({ filter: /\?worker&url$/ }, () => ({ path: "worker", namespace: "worker-url" }));
    build.onLoad({ filter: /.*/, namespace: "worker-url" }, () => ({ contents: 'export default "/worker.js";', loader: "js" }));
    build.onResolve({ filter: /^(react|react-dom|maplibre-gl|pmtiles)(\/|$)/ }, ({ path }: { path: string }) => ({ path: Bun.resolveSync(path.replace(/\?.*/, ""), modules) }));
  },
};

async function bundle(entry: string, name: string, plugins: any[]) {
  const made = await Bun.build({
    entrypoints: [entry], outdir: target, naming: `${name}.[ext]`, target: "browser", minify: true, plugins,
    define: { "process.env.NODE_ENV": '"production"' },
  });
  if (!made.success) throw new AggregateError(made.logs, name);
}

await bundle(join(import.meta.dir, "page.tsx"), "page", [ours]);
await bundle(join(modules, "maplibre-gl/dist/maplibre-gl-worker.mjs"), "worker", []);
