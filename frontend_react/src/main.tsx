import "@fontsource-variable/inter";
import "@mantine/core/styles.css";
import "@mantine/dropzone/styles.css";
import "@mantine/notifications/styles.css";
import "./app/global.css";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Providers } from "./app/providers";
import { router } from "./app/router";
import { loadConfig } from "./config/config";
import { texts } from "./texts";

const root = document.getElementById("root") as HTMLElement;

loadConfig().then(
  (config) =>
    createRoot(root).render(
      <StrictMode>
        <Providers config={config}>
          <RouterProvider router={router} />
        </Providers>
      </StrictMode>,
    ),
  (error: Error) => {
    root.setAttribute("role", "alert");
    root.textContent = `${texts.app.noConfig} (${error.message})`;
  },
);
