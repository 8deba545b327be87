import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ApiError, ApiProvider } from "@/api/client";
import type { Config } from "@/config/config";
import { UploadsProvider } from "@/features/upload/uploads-provider";
import { cssVariables, theme } from "./theme";

const MAX_RETRIES = 3;

export function Providers({ config, children }: { config: Config; children: ReactNode }) {
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
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <Notifications position="bottom-center" />
      <QueryClientProvider client={queries}>
        <ApiProvider baseUrl={config.api_url}>
          <UploadsProvider>{children}</UploadsProvider>
        </ApiProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
