import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The running local stack (make run) says where its API is.
  server: { port: 5174, strictPort: true, proxy: { "/config.json": "http://127.0.0.1:5173" } },
  // CSS for browsers that know light-dark(): what it would be lowered to needs more than Mantine's colour scheme sets.
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    sourcemap: true,
    chunkSizeWarningLimit: 700,
  },
  test: {
    environment: "jsdom",
    setupFiles: "src/testing/setup.ts",
    restoreMocks: true,
    testTimeout: 20_000, // of a busy machine
  },
});
