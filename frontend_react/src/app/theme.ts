import { type CSSVariablesResolver, createTheme, type MantineColorsTuple, Notification } from "@mantine/core";
import { texts } from "@/texts";

const iris: MantineColorsTuple = [
  "#f1f0ff",
  "#dfdcfb",
  "#bcb6f3",
  "#978eec",
  "#786ce6",
  "#6556e2",
  "#5a4ae0",
  "#4b3cc8",
  "#4234b3",
  "#372b9e",
];

/** Colours, type and radii of the whole site: a component sets none of its own. */
export const theme = createTheme({
  colors: { iris },
  primaryColor: "iris",
  primaryShade: { light: 6, dark: 5 },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  headings: { fontFamily: "'Inter Variable', system-ui, sans-serif", fontWeight: "650" },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    Notification: Notification.extend({
      defaultProps: { closeButtonProps: { "aria-label": texts.common.close } },
      styles: { description: { color: "var(--mantine-color-dimmed)" } },
    }),
  },
});

/** Mantine's own are below the contrast of 4.5 that small text needs (WCAG AA). */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#646b73",
    "--mantine-color-placeholder": "#646b73",
    "--mantine-color-orange-light-color": "#b03c09",
    "--mantine-color-teal-light-color": "#066b4d",
    "--mantine-color-yellow-light-color": "#8a5300",
  },
  dark: {
    "--mantine-color-anchor": iris[3],
    "--mantine-color-dimmed": "#a0a0a6",
    "--mantine-color-placeholder": "#a0a0a6",
  },
});
