import { defineConfig } from "tsup";
import { subpaths } from "./scripts/subpaths.ts";

export default defineConfig({
  entry: Object.fromEntries(subpaths().map(({ output, source }) => [output, source])),
  format: "esm",
  target: "node20",
  platform: "node",
  // One build with shared chunks: with one build per sub-path there would be several copies of the error class.
  splitting: true,
  dts: true,
  sourcemap: true,
  // A host program sees `node:` in what it loads, as it stands in the sources.
  removeNodeProtocol: false,
  clean: true,
});
