const counted = (count: number, one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

/** What is done with pictures on more than one page. */
export const pictures = {
  count: (count: number) => counted(count, "picture", "pictures"),
  deletion: {
    deleted: (names: string[]) =>
      names.length === 1 ? `${names[0]} is deleted.` : `${names.length} pictures are deleted.`,
    notDeleted: (count: number) => `${counted(count, "picture", "pictures")} could not be deleted`,
    reason: (name: string, reason: string) => `${name}: ${reason}`,
  },
  zip: {
    packing: (name: string) => `Packing ${name}`,
    progress: (done: number, total: number) => `${done} of ${counted(total, "file", "files")}`,
    saved: (name: string) => `${name} is saved.`,
    incomplete: (name: string, missing: number) => `${name} is saved without ${counted(missing, "file", "files")}`,
    missing: (names: string[]) => `These could not be fetched: ${names.join(", ")}. Download them again.`,
    failed: (name: string) => `${name} could not be saved`,
    nothing: "None of the files could be fetched. Check your connection and try again.",
    notWritten: "Check that there is room on your disk and try again.",
  },
};
