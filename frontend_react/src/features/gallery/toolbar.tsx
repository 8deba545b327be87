import { Button, CloseButton, SegmentedControl, Text } from "@mantine/core";
import { IconDownload, IconTrash } from "@tabler/icons-react";
import { texts } from "@/texts";
import type { View } from "./card-picture";
import classes from "./toolbar.module.css";

/** The line above the pictures: what there is, and how it is shown. */
export function ViewBar({ status, view, onView }: { status: string; view: View; onView: (view: View) => void }) {
  return (
    <div className={classes.bar}>
      <Text size="sm" c="dimmed" role="status">
        {status}
      </Text>
      <SegmentedControl
        size="xs"
        aria-label={texts.gallery.view}
        value={view}
        onChange={onView}
        data={[
          { value: "original", label: texts.gallery.views.original },
          { value: "cutout", label: texts.gallery.views.cutout },
        ]}
      />
    </div>
  );
}

interface SelectionBarProps {
  selected: number;
  /** How many of those have a cut-out. */
  downloadable: number;
  loaded: number;
  onSelectAll: () => void;
  onClear: () => void;
  onDownload: () => void;
  onDelete: () => void;
}

/** The same line while pictures are selected: how many, and what can be done with them. */
export function SelectionBar({
  selected,
  downloadable,
  loaded,
  onSelectAll,
  onClear,
  onDownload,
  onDelete,
}: SelectionBarProps) {
  return (
    <section className={classes.bar} data-selecting aria-label={texts.gallery.selection}>
      <div className={classes.group}>
        <CloseButton aria-label={texts.gallery.clearSelection} onClick={onClear} />
        <Text size="sm" fw={600} role="status">
          {texts.gallery.selected(selected)}
        </Text>
        {selected < loaded && (
          <Button size="compact-sm" variant="subtle" onClick={onSelectAll}>
            {texts.gallery.selectAll(loaded)}
          </Button>
        )}
      </div>
      <div className={classes.group}>
        <Button
          flex="none"
          variant="default"
          size="xs"
          disabled={!downloadable}
          aria-label={texts.gallery.downloadCutouts(downloadable)}
          onClick={onDownload}
        >
          <IconDownload size={18} aria-hidden />
          <span className={classes.actionName}>{texts.gallery.download}</span>
        </Button>
        <Button flex="none" variant="light" color="red" size="xs" aria-label={texts.gallery.delete} onClick={onDelete}>
          <IconTrash size={18} aria-hidden />
          <span className={classes.actionName}>{texts.gallery.delete}</span>
        </Button>
      </div>
    </section>
  );
}
