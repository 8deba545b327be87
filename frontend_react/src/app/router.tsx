import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { gallerySearch } from "@/features/gallery/search";
import { BrokenPage, MissingPage } from "./error-pages";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: MissingPage });

const gallery = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: gallerySearch,
  component: lazyRouteComponent(() => import("@/features/gallery/gallery-page"), "GalleryPage"),
});

const upload = createRoute({
  getParentRoute: () => root,
  path: "/upload",
  component: lazyRouteComponent(() => import("@/features/upload/upload-page"), "UploadPage"),
});

const result = createRoute({
  getParentRoute: () => root,
  path: "/results/$imageId",
  component: lazyRouteComponent(() => import("@/features/result/result-page"), "ResultPage"),
});

const metrics = createRoute({
  getParentRoute: () => root,
  path: "/metrics",
  component: lazyRouteComponent(() => import("@/features/metrics/metrics-page"), "MetricsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([gallery, upload, result, metrics]),
  defaultPreload: "intent",
  defaultErrorComponent: BrokenPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
