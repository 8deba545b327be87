import { Button, Group, Stack, Title } from "@mantine/core";
import { useHotkeys, useLocalStorage } from "@mantine/hooks";
import { IconFilterOff, IconPhotoPlus, IconUpload } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { useApi } from "@/api/client";
import { isUnfinished, type ResultFilter, type ResultSummary } from "@/api/results";
import { useDelete } from "@/components/delete-with-undo";
import { LoadFailed } from "@/components/load-failed";
import { Message } from "@/components/message";
import { usePageTitle } from "@/components/page-title";
import { saveZip } from "@/components/zip-download";
import { texts } from "@/texts";
import type { View } from "./card-picture";
import { cutoutFiles } from "./cutout-files";
import { Filters } from "./filters";
import { LoadMore } from "./load-more";
import { PictureCard } from "./picture-card";
import { PictureGrid, PictureGridSkeleton } from "./picture-grid";
import { SelectionBar, ViewBar } from "./toolbar";
import { isFiltered, useFilter } from "./use-filter";
import { usePictures } from "./use-pictures";
import { useSelection } from "./use-selection";

/** Every picture of the owner, newest first. */
export function GalleryPage() {
  const { filter, changeFilter } = useFilter();
  usePageTitle(texts.gallery.title);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1} size="h2">
          {texts.gallery.title}
        </Title>
        <Button component={Link} to="/upload" leftSection={<IconUpload size={18} aria-hidden />} visibleFrom="xs">
          {texts.gallery.upload}
        </Button>
      </Group>
      <Filters filter={filter} onChange={changeFilter} />
      <Gallery filter={filter} />
    </Stack>
  );
}

function Gallery({ filter }: { filter: ResultFilter }) {
  const { query, pictures } = usePictures(filter);
  const { error, hasNextPage } = query;
  if (!pictures) {
    return error ? <LoadFailed error={error} onRetry={query.refetch} /> : <PictureGridSkeleton />;
  }
  if (!pictures.length && !hasNextPage) {
    return <Empty isSearch={isFiltered(filter)} />;
  }
  return (
    <>
      <Pictures
        pictures={pictures}
        filter={filter}
        hasMore={hasNextPage}
        isOutdated={query.isPlaceholderData}
        problem={query.isRefetchError ? error : null}
      />
      {hasNextPage && (
        <LoadMore
          isLoading={query.isFetchingNextPage || query.isPlaceholderData}
          error={query.isFetchNextPageError ? error : null}
          onLoad={query.fetchNextPage}
        />
      )}
    </>
  );
}

interface PicturesProps {
  pictures: ResultSummary[];
  filter: ResultFilter;
  hasMore: boolean;
  /** They are of another filter, whose answer has not come yet. */
  isOutdated: boolean;
  /** Why they may not be up to date. */
  problem: Error | null;
}

function Pictures({ pictures, filter, hasMore, isOutdated, problem }: PicturesProps) {
  const api = useApi();
  const remove = useDelete();
  const [view, setView] = useLocalStorage<View>({ key: "matteflow-view", defaultValue: "original" });
  const selection = useSelection(pictures.map(({ image_id }) => image_id));
  const grid = useRef<HTMLUListElement>(null);
  useHotkeys([["Escape", selection.clear]], []);

  const selected = pictures.filter(({ image_id }) => selection.selected.includes(image_id));
  const files = cutoutFiles(api, selected);
  const unfinished = pictures.filter(({ status }) => isUnfinished(status)).length;
  return (
    <>
      {selected.length ? (
        <SelectionBar
          selected={selected.length}
          downloadable={files.length}
          loaded={pictures.length}
          onSelectAll={selection.selectAll}
          onClear={selection.clear}
          onDownload={() => saveZip(texts.gallery.zipName(new Date().toISOString().slice(0, 10)), files)}
          onDelete={() => {
            remove(selected);
            grid.current?.focus();
          }}
        />
      ) : (
        <ViewBar
          status={
            problem
              ? texts.gallery.notRenewed(problem.message)
              : (hasMore ? texts.gallery.loaded : texts.gallery.shown)(pictures.length, unfinished)
          }
          view={view}
          onView={setView}
        />
      )}
      <PictureGrid ref={grid} label={texts.gallery.list} isOutdated={isOutdated}>
        {pictures.map((picture) => (
          <PictureCard
            key={picture.image_id}
            picture={picture}
            view={view}
            filter={filter}
            isSelected={selection.selected.includes(picture.image_id)}
            onSelect={(isRange) => selection.toggle(picture.image_id, isRange)}
          />
        ))}
      </PictureGrid>
    </>
  );
}

function Empty({ isSearch }: { isSearch: boolean }) {
  return isSearch ? (
    <Message icon={IconFilterOff} title={texts.gallery.noMatch} detail={texts.gallery.noMatchDetail} role="status">
      <Button component={Link} to="/">
        {texts.gallery.clearFilters}
      </Button>
    </Message>
  ) : (
    <Message icon={IconPhotoPlus} title={texts.gallery.empty} detail={texts.gallery.emptyDetail}>
      <Button component={Link} to="/upload" leftSection={<IconUpload size={18} aria-hidden />}>
        {texts.gallery.upload}
      </Button>
    </Message>
  );
}
