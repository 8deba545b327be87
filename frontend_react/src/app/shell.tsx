import {
  ActionIcon,
  Anchor,
  AppShell,
  Container,
  Group,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { IconChartBar, IconMoon, IconPhoto, IconSun, IconUpload } from "@tabler/icons-react";
import { Link, Outlet, useRouter } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef } from "react";
import { useAccount } from "@/features/sign-in/session-context";
import { UploadIndicator } from "@/features/upload/upload-indicator";
import { texts } from "@/texts";
import { AccountMenu } from "./account-menu";
import classes from "./shell.module.css";

const SignedOutPage = lazy(() => import("@/features/sign-in/signed-out-page"));
const SignInAgain = lazy(() => import("@/features/sign-in/sign-in-again"));

const PAGES = [
  { to: "/", name: texts.app.pictures, icon: IconPhoto },
  { to: "/upload", name: texts.app.upload, icon: IconUpload },
  { to: "/metrics", name: texts.app.metrics, icon: IconChartBar },
] as const;

/** Header and navigation around every page; on a phone the navigation is at the bottom, by the thumb. */
export function Shell() {
  const main = useRef<HTMLElement>(null);
  const router = useRouter();
  const account = useAccount();
  const isOpen = account?.state !== "signed-out";
  // What had the focus is gone with the page before, and nothing tells a screen reader of the new one.
  useEffect(
    () =>
      router.subscribe("onRendered", ({ fromLocation, pathChanged }) => {
        if (fromLocation && pathChanged) {
          main.current?.focus({ preventScroll: true });
        }
      }),
    [router],
  );
  return (
    <AppShell header={{ height: 60 }} footer={{ height: { base: 60, xs: 0 } }} padding={0}>
      <Anchor href="#content" className={classes.skip}>
        {texts.app.skipToContent}
      </Anchor>
      <AppShell.Header>
        <Container size="xl" h="100%">
          <Group h="100%" justify="space-between" wrap="nowrap">
            <Link to="/" className={classes.brand}>
              <img src="/favicon.svg" alt="" width={28} height={28} />
              <Text component="span" fw={700} size="lg">
                {texts.app.name}
              </Text>
            </Link>
            <Group gap="xs" wrap="nowrap">
              {isOpen && <UploadIndicator />}
              {isOpen && <Navigation className={classes.top} />}
              <ColorSchemeSwitch />
              {account && isOpen && <AccountMenu email={account.email} />}
            </Group>
          </Group>
        </Container>
      </AppShell.Header>
      <AppShell.Main ref={main} id="content" tabIndex={-1} className={classes.main}>
        <Container size="xl" py="lg">
          {isOpen ? (
            <Outlet />
          ) : (
            <Suspense>
              <SignedOutPage reason={account.reason} />
            </Suspense>
          )}
        </Container>
      </AppShell.Main>
      {isOpen && (
        <AppShell.Footer hiddenFrom="xs">
          <Navigation className={classes.bottom} />
        </AppShell.Footer>
      )}
      {account?.state === "ended" && (
        <Suspense>
          <SignInAgain email={account.email} />
        </Suspense>
      )}
    </AppShell>
  );
}

function Navigation({ className }: { className?: string }) {
  return (
    <nav aria-label={texts.app.navigation} className={className}>
      {PAGES.map(({ to, name, icon: PageIcon }) => (
        <Link key={to} to={to} className={classes.link} activeOptions={{ exact: true, includeSearch: false }}>
          <PageIcon size={20} aria-hidden />
          {name}
        </Link>
      ))}
    </nav>
  );
}

function ColorSchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme("light") === "dark";
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={isDark ? texts.app.toLight : texts.app.toDark}
      onClick={() => setColorScheme(isDark ? "light" : "dark")}
    >
      {isDark ? <IconSun size={20} /> : <IconMoon size={20} />}
    </ActionIcon>
  );
}
