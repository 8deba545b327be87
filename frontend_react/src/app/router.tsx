import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { gallerySearch } from "@/features/gallery/search";
import { PATHS } from "@/features/sign-in/return-address";
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

// What they are for is done before any page is shown; see `Session.open`.
const signing = Object.values(PATHS).map((path) =>
  createRoute({
    getParentRoute: () => root,
    path,
    beforeLoad: () => {
      throw redirect({ to: "/", replace: true });
    },
  }),
);

const routeTree = root.addChildren([gallery, upload, result, metrics, ...signing]);

/** The pages, beginning with the one that the browser's address names now. */
export const makeRouter = () =>
  createRouter({ routeTree, defaultPreload: "intent", defaultErrorComponent: BrokenPage, scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
