import "@fontsource-variable/inter";
import "@mantine/core/styles.css";
import "@mantine/dropzone/styles.css";
import "@mantine/notifications/styles.css";
import "./app/global.css";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Providers } from "./app/providers";
import { makeRouter } from "./app/router";
import { ConfigError, loadConfig } from "./config/config";
import { texts } from "./texts";

const root = document.getElementById("root") as HTMLElement;

async function start(): Promise<void> {
  const config = await loadConfig();
  // Where sign-in is off, nobody fetches what it needs.
  const session = config.sign_in && (await (await import("./features/sign-in/session")).Session.open(config.sign_in));
  const router = makeRouter();
  createRoot(root).render(
    <StrictMode>
      <Providers config={config} session={session}>
        <RouterProvider router={router} />
      </Providers>
    </StrictMode>,
  );
}

start().catch((error: Error) => {
  root.setAttribute("role", "alert");
  root.textContent = `${error instanceof ConfigError ? texts.app.noConfig : texts.app.notStarted} (${error.message})`;
});
