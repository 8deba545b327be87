import { Button, Group, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { type QueryClient, skipToken, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { type Api, ApiError, useApi } from "@/api/client";
import { deleteResult, type ResultSummary, resultKeys } from "@/api/results";
import { texts } from "@/texts";

type Deletable = Pick<ResultSummary, "image_id" | "file_name">;

interface Refusal {
  picture: Deletable;
  reason: string;
}

const UNDO_MS = 6_000;
const CONCURRENT = 4;
const DELETED = ["deleted"] as const;
const NONE: readonly string[] = [];

/** The `image_id`s of pictures that are deleted here, whether the API has done so yet or not: no list shows them. */
export function useDeleted(): readonly string[] {
  return useQuery({ queryKey: DELETED, queryFn: skipToken, initialData: NONE }).data ?? NONE;
}

/**
 * A function that deletes pictures. They vanish at once, and a notification on every page takes it back; once it has
 * closed they are deleted for good. One that cannot be deleted comes back, and a notification says why.
 */
export function useDelete(): (pictures: readonly Deletable[]) => void {
  const api = useApi();
  const queries = useQueryClient();
  return useCallback(
    (pictures) => {
      let isUndone = false;
      const id = notifications.show({
        message: (
          <Deleted
            names={pictures.map(({ file_name }) => file_name)}
            onUndo={() => {
              isUndone = true;
              notifications.hide(id);
            }}
          />
        ),
        autoClose: UNDO_MS,
        onClose: () => (isUndone ? setDeleted(queries, pictures, false) : void deleteForGood(api, queries, pictures)),
      });
      setDeleted(queries, pictures, true);
    },
    [api, queries],
  );
}

function setDeleted(queries: QueryClient, pictures: readonly Deletable[], isDeleted: boolean): void {
  const ids = pictures.map(({ image_id }) => image_id);
  queries.setQueryData<readonly string[]>(DELETED, (before = NONE) => {
    const others = before.filter((id) => !ids.includes(id));
    return isDeleted ? [...others, ...ids] : others;
  });
}

async function deleteForGood(api: Api, queries: QueryClient, pictures: readonly Deletable[]): Promise<void> {
  const refusals: Refusal[] = [];
  const waiting = pictures.values();
  const work = async () => {
    for (const picture of waiting) {
      await deleteResult(api, picture.image_id).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) {
          refusals.push({ picture, reason: error instanceof Error ? error.message : String(error) });
        }
      });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, work));
  if (refusals.length) {
    setDeleted(
      queries,
      refusals.map(({ picture }) => picture),
      false,
    );
    notifications.show({
      color: "red",
      title: texts.pictures.deletion.notDeleted(refusals.length),
      message: refusals.map(({ picture, reason }) => (
        <Text key={picture.image_id} size="sm">
          {texts.pictures.deletion.reason(picture.file_name, reason)}
        </Text>
      )),
      autoClose: false,
    });
  }
  await queries.invalidateQueries({ queryKey: resultKeys.lists });
}

function Deleted({ names, onUndo }: { names: string[]; onUndo: () => void }) {
  useHotkeys([["mod+Z", onUndo]]);
  return (
    <Group justify="space-between" wrap="nowrap">
      <Text size="sm" lineClamp={2}>
        {texts.pictures.deletion.deleted(names)}
      </Text>
      <Button size="compact-sm" variant="light" onClick={onUndo} aria-keyshortcuts="Control+Z" flex="none">
        {texts.common.undo}
      </Button>
    </Group>
  );
}
