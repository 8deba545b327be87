import { MantineProvider } from "@mantine/core";
import { Notifications, notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, ApiProvider } from "@/api/client";
import type { Config } from "@/config/config";
import type { Session } from "@/features/sign-in/session";
import { SessionContext } from "@/features/sign-in/session-context";
import { UploadsProvider } from "@/features/upload/uploads-provider";
import { cssVariables, theme } from "./theme";

const MAX_RETRIES = 3;

interface ProvidersProps {
  config: Config;
  /** Null where sign-in is off. */
  session: Session | null;
  children: ReactNode;
}

export function Providers({ config, session, children }: ProvidersProps) {
  const [queries] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          // A browser that thinks itself offline may yet reach an API on the same machine.
          mutations: { networkMode: "always" },
          queries: {
            networkMode: "always",
            refetchOnReconnect: true,
            staleTime: 5_000,
            retry: (failures, error) => failures < MAX_RETRIES && error instanceof ApiError && error.isTransient,
          },
        },
      }),
  );
  // Whoever sits here next sees nothing of what the one before has seen.
  useEffect(
    () =>
      session?.subscribe(() => {
        if (session.snapshot().state === "signed-out") {
          queries.clear();
          notifications.clean();
        }
      }),
    [session, queries],
  );
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <Notifications position="bottom-center" />
      <QueryClientProvider client={queries}>
        <SessionContext value={session}>
          <ApiProvider baseUrl={config.api_url} token={session?.token ?? null}>
            <UploadsProvider>{children}</UploadsProvider>
          </ApiProvider>
        </SessionContext>
      </QueryClientProvider>
    </MantineProvider>
  );
}
