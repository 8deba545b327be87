import { pictures } from "./pictures";

const withUnfinished = (count: string, unfinished: number) =>
  unfinished ? `${count}, ${unfinished} in process` : count;

export const gallery = {
  title: "Pictures",
  upload: "Upload pictures",
  list: "Pictures, newest first",
  shown: (count: number, unfinished: number) => withUnfinished(pictures.count(count), unfinished),
  /** There may be more than these. */
  loaded: (count: number, unfinished: number) =>
    count ? withUnfinished(`${pictures.count(count)} loaded`, unfinished) : "Searching",
  notRenewed: (reason: string) => `Not up to date. ${reason}`,

  filters: "Filter",
  name: "File name",
  namePlaceholder: "Search by file name",
  status: "Status",
  anyStatus: "Any status",
  label: "Label",
  labelPlaceholder: "Any label",
  clearName: "Clear the file name",
  clearLabel: "Clear the label",
  clearFilters: "Clear the filters",

  view: "Show",
  views: { original: "Originals", cutout: "Cut-outs" },

  empty: "No pictures yet",
  emptyDetail: "Upload a photograph: its cut-out, labels and thumbnails appear here a few seconds later.",
  noMatch: "No picture fits",
  noMatchDetail: "No picture of yours fits all of these filters.",
  loadMore: "Load more",

  stuck: "This takes far longer than usual.",

  select: (name: string) => `Select ${name}`,
  withLabel: (label: string) => `Pictures with the label ${label}`,
  selection: "Selected pictures",
  selected: (count: number) => `${count} selected`,
  selectAll: (count: number) => `Select all ${count}`,
  clearSelection: "Clear the selection",
  download: "Download",
  downloadCutouts: (count: number) => (count === 1 ? "Download 1 cut-out" : `Download ${count} cut-outs`),
  delete: "Delete",
  zipName: (date: string) => `matteflow-${date}.zip`,
};
