import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { Providers } from "@/app/providers";
import { API_URL } from "./server";

/** Render something as the page of a route at `path`, with all that pages have around them. */
export function renderPage(page: ReactNode, path = "/", route = "$") {
  const root = createRootRoute();
  const router = createRouter({
    routeTree: root.addChildren([createRoute({ getParentRoute: () => root, path: route, component: () => page })]),
    history: createMemoryHistory({ initialEntries: [path] }),
  });
  render(
    <Providers config={{ api_url: API_URL, sign_in: null }} session={null}>
      <RouterProvider router={router} />
    </Providers>,
  );
  return router;
}
