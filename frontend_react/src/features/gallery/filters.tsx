import { CloseButton, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDidUpdate } from "@mantine/hooks";
import { IconSearch, IconTag } from "@tabler/icons-react";
import { type ChangeEvent, useId, useRef, useState } from "react";
import { useLabelNames } from "@/api/metrics";
import type { ResultFilter } from "@/api/results";
import { texts } from "@/texts";
import classes from "./filters.module.css";
import { gallerySearch } from "./search";

const TYPING_MS = 300;

interface FiltersProps {
  filter: ResultFilter;
  onChange: (change: ResultFilter) => void;
}

/** Which pictures are shown: by name, status and label. */
export function Filters({ filter, onChange }: FiltersProps) {
  return (
    <section className={classes.filters} aria-label={texts.gallery.filters}>
      <NameFilter name={filter.name ?? ""} onChange={(name) => onChange({ name: name || undefined })} />
      <NativeSelect
        aria-label={texts.gallery.status}
        value={filter.status ?? ""}
        onChange={({ currentTarget }) =>
          onChange(gallerySearch.pick({ status: true }).parse({ status: currentTarget.value }))
        }
        data={[
          { value: "", label: texts.gallery.anyStatus },
          ...Object.entries(texts.status.statuses).map(([value, { name }]) => ({ value, label: name })),
        ]}
      />
      <LabelFilter label={filter.label ?? ""} onChange={(label) => onChange({ label: label || undefined })} />
    </section>
  );
}

/** What is typed is searched for once the typing pauses or the field is left. */
function NameFilter({ name, onChange }: { name: string; onChange: (name: string) => void }) {
  const [typed, setTyped] = useState(name);
  const searched = useRef(name);
  const search = (text: string) => {
    searched.current = text;
    onChange(text);
  };
  const searchSoon = useDebouncedCallback(search, TYPING_MS);
  useDidUpdate(() => {
    if (name !== searched.current) {
      searched.current = name;
      setTyped(name);
    }
  }, [name]);
  return (
    <TextInput
      className={classes.name}
      type="search"
      aria-label={texts.gallery.name}
      placeholder={texts.gallery.namePlaceholder}
      leftSection={<IconSearch size={18} aria-hidden />}
      value={typed}
      maxLength={255}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
        searchSoon(currentTarget.value);
      }}
      // Else it would lead back from a page that is just being opened.
      onBlur={() => searchSoon.flush()}
      rightSection={
        typed && (
          <CloseButton
            aria-label={texts.gallery.clearName}
            onClick={() => {
              setTyped("");
              searchSoon.cancel();
              search("");
            }}
          />
        )
      }
    />
  );
}

/** A label is looked for whole: when it is chosen from those there are, or with Enter, or on leaving the field. */
function LabelFilter({ label, onChange }: { label: string; onChange: (label: string) => void }) {
  const [typed, setTyped] = useState(label);
  const [isWanted, setWanted] = useState(false);
  const names = useLabelNames(isWanted);
  const listId = useId();
  useDidUpdate(() => setTyped(label), [label]);
  const apply = () => typed.trim() !== label && onChange(typed.trim());
  const type = ({ currentTarget: { value } }: ChangeEvent<HTMLInputElement>) => {
    setTyped(value);
    if (names.includes(value)) {
      onChange(value);
    }
  };
  return (
    <>
      <TextInput
        aria-label={texts.gallery.label}
        placeholder={texts.gallery.labelPlaceholder}
        leftSection={<IconTag size={18} aria-hidden />}
        list={listId}
        value={typed}
        maxLength={100}
        onFocus={() => setWanted(true)}
        onChange={type}
        onBlur={apply}
        onKeyDown={({ key }) => key === "Enter" && apply()}
        rightSection={
          typed && (
            <CloseButton
              aria-label={texts.gallery.clearLabel}
              onClick={() => {
                setTyped("");
                onChange("");
              }}
            />
          )
        }
      />
      <datalist id={listId}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}
