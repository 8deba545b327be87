import { Button, Group, Skeleton, Text } from "@mantine/core";
import { useId } from "react";
import { hasResults, useResultList } from "@/api/results";
import { useDeleted } from "@/components/delete-with-undo";
import { LoadFailed } from "@/components/load-failed";
import { texts } from "@/texts";
import classes from "./choice.module.css";
import type { ChosenPicture } from "./studio-preview";

interface PictureChoiceProps {
  /** The picture that is not offered: the one whose background it is to be. */
  except: string;
  value?: string;
  onChange: (picture: ChosenPicture) => void;
}

const SKELETONS = ["first", "second", "third", "fourth"];

/** One of the newest finished pictures. */
export function PictureChoice({ except, value, onChange }: PictureChoiceProps) {
  const group = useId();
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useResultList();
  const hidden = [except, ...useDeleted()];
  const { studio } = texts.result;
  if (isPending) {
    return (
      <Group gap="xs">
        {SKELETONS.map((key) => (
          <Skeleton key={key} width={72} height={72} radius="md" />
        ))}
      </Group>
    );
  }
  if (!data) {
    return <LoadFailed error={error} onRetry={refetch} />;
  }
  const pictures = data.pages
    .flatMap(({ items }) => items)
    .filter(({ image_id, status }) => !hidden.includes(image_id) && hasResults(status));
  return (
    <fieldset className={classes.choices}>
      <legend className={classes.legend}>{studio.pictures}</legend>
      {pictures.map(
        ({ image_id: imageId, file_name: name, thumbnail }) =>
          thumbnail && (
            <label key={imageId} className={`${classes.choice} ${classes.picture}`} title={name}>
              <img src={thumbnail.url} alt="" width={72} height={72} loading="lazy" decoding="async" />
              <input
                type="radio"
                name={group}
                aria-label={name}
                checked={value === imageId}
                onChange={() => onChange({ imageId, thumbnail: thumbnail.url })}
              />
            </label>
          ),
      )}
      {pictures.length === 0 && !hasNextPage && (
        <Text size="sm" c="dimmed">
          {studio.noPictures}
        </Text>
      )}
      {hasNextPage && (
        <Button variant="default" size="xs" loading={isFetchingNextPage} onClick={() => fetchNextPage()}>
          {studio.morePictures}
        </Button>
      )}
    </fieldset>
  );
}
