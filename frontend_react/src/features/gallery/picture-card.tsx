import { Badge, Checkbox, Skeleton, Text } from "@mantine/core";
import { IconEyeSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { ResultFilter, ResultSummary } from "@/api/results";
import { StatusBadge } from "@/components/status-badge";
import { texts } from "@/texts";
import { formatAgo, formatDateTime } from "@/texts/format";
import { CardPicture, type View } from "./card-picture";
import classes from "./picture-card.module.css";

const MAX_LABELS = 3;

interface PictureCardProps {
  picture: ResultSummary;
  view: View;
  filter: ResultFilter;
  isSelected: boolean;
  onSelect: (isRange: boolean) => void;
}

/** One picture in the gallery: a link to its result, with a box that selects it. */
export function PictureCard({ picture, view, filter, isSelected, onSelect }: PictureCardProps) {
  const [isPeeked, setPeeked] = useState(false);
  const peek = () => setPeeked(true);
  return (
    <li className={classes.card} data-selected={isSelected || undefined} onPointerEnter={peek} onFocus={peek}>
      <Checkbox
        className={classes.select}
        aria-label={texts.gallery.select(picture.file_name)}
        checked={isSelected}
        onChange={({ nativeEvent }) => onSelect(nativeEvent instanceof MouseEvent && nativeEvent.shiftKey)}
      />
      <div className={classes.frame}>
        <CardPicture picture={picture} view={view} isPeeked={isPeeked} />
        {picture.needs_review && (
          <Badge
            className={classes.review}
            color="yellow"
            variant="filled"
            tt="none"
            leftSection={<IconEyeSearch size={14} aria-hidden />}
          >
            {texts.status.needsReview}
          </Badge>
        )}
      </div>
      <div className={classes.facts}>
        <Link
          to="/results/$imageId"
          params={{ imageId: picture.image_id }}
          className={classes.name}
          title={picture.file_name}
        >
          {picture.file_name}
        </Link>
        <div className={classes.row}>
          <StatusBadge status={picture.status} />
          <Text
            component="time"
            size="xs"
            truncate
            c="dimmed"
            dateTime={picture.created_at}
            title={formatDateTime(picture.created_at)}
          >
            {formatAgo(picture.created_at)}
          </Text>
        </div>
        <div className={classes.labels}>
          {picture.labels.slice(0, MAX_LABELS).map((label) => (
            <Link
              key={label}
              to="/"
              search={{ ...filter, label }}
              className={classes.label}
              aria-label={texts.gallery.withLabel(label)}
            >
              {label}
            </Link>
          ))}
        </div>
      </div>
    </li>
  );
}

/** A card that is on its way. */
export function PictureCardSkeleton() {
  return (
    <div className={classes.card}>
      <Skeleton className={classes.frame} radius={0} />
      <div className={classes.facts}>
        <Skeleton height={14} width="70%" my={4} />
        <Skeleton height={18} width="50%" />
        <div className={classes.labels} />
      </div>
    </div>
  );
}
