import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

/** The library's version, which a page without a server says of itself. */
const project = readFileSync(new URL("../pyproject.toml", import.meta.url), "utf8");
const version = /^version = "(.+)"$/m.exec(project)?.[1];

/** The page as a folder of files that any static host, and the library's own server, can give out. */
export default defineConfig({
  base: "./",
  define: { __VERSION__: JSON.stringify(version) },
  build: {
    outDir: "../src/deltarule/playground/static",
    emptyOutDir: true,
    target: "es2022",
    // A data: URL would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { proxy: { "/socket": { target: "ws://127.0.0.1:8765", ws: true } } },
});
