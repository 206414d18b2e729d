import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Plugin, defineConfig } from "vite";

const compressible = /\.(js|css|html|svg)$/;

/** Puts a .gz beside each file that gains by it: the server sends it to clients that take it. */
function compress(): Plugin {
  let folder = "";
  return {
    name: "compress",
    apply: "build",
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    closeBundle: () => {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !compressible.test(entry.name)) continue;
        // Node.js 18 has `path` where later versions have `parentPath`.
        const file = join(entry.parentPath ?? entry.path, entry.name);
        const packed = gzipSync(readFileSync(file), { level: 9 });
        if (packed.length < readFileSync(file).length) writeFileSync(`${file}.gz`, packed);
      }
    },
  };
}

/** Cloudscape's global style has its fonts inside, as data: as files they are fetched only where they are used, apart
 *  from the style, and the Content-Security-Policy needs to allow no fonts but the server's. */
function fontFiles(): Plugin {
  const inside = /url\(["']?data:font\/woff2;base64,([^"')]+)["']?\)/g;
  return {
    name: "font-files",
    apply: "build",
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
        file.source = String(file.source).replace(inside, (_match, base64: string) => {
          const source = Buffer.from(base64, "base64");
          const name = `font-${createHash("sha256").update(source).digest("hex").slice(0, 12)}.woff2`;
          this.emitFile({ type: "asset", fileName: `assets/${name}`, source });
          return `url(./${name})`;
        });
      }
    },
  };
}

export default defineConfig({
  base: "/console/",
  esbuild: { jsx: "automatic" },
  // The server's Content-Security-Policy takes fonts and scripts as files only.
  build: {
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    // Cloudscape's and the SDK's files say "use client", which means nothing here.
    rollupOptions: {
      onwarn: (warning, warn) => {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
  plugins: [fontFiles(), compress()],
});
