import { Button, Center, Stack, Text } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import { useEffect } from "react";
import { texts } from "@/texts";

interface LoadMoreProps {
  isLoading: boolean;
  error: Error | null;
  onLoad: () => void;
}

/** A button below a list that is pressed by itself when it comes near; after a failure it waits for a person. */
export function LoadMore({ isLoading, error, onLoad }: LoadMoreProps) {
  const { ref, entry } = useIntersection({ rootMargin: "600px" });
  const isNear = entry?.isIntersecting ?? false;
  useEffect(() => {
    if (isNear && !isLoading && !error) {
      onLoad();
    }
  }, [isNear, isLoading, error, onLoad]);
  return (
    <Center ref={ref} py="xl">
      <Stack align="center" gap="xs">
        {error && (
          <Text size="sm" role="alert">
            {error.message}
          </Text>
        )}
        <Button variant="default" loading={isLoading} onClick={() => onLoad()}>
          {error ? texts.common.tryAgain : texts.gallery.loadMore}
        </Button>
      </Stack>
    </Center>
  );
}
