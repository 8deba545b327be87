export interface ZipFile {
  /** Its name in the zip file, which is made safe and unique. */
  name: string;
  url: string;
}

/** A file whose URL is asked for when its turn comes, since signed URLs do not live long. */
export interface ZipLookup {
  /** What it is called if it cannot be found. */
  name: string;
  find: () => Promise<ZipFile>;
}

/** Not one of the files could be fetched. */
export class NothingFetched extends Error {}

/** What Chromium has and TypeScript's library lacks: https://wicg.github.io/file-system-access/ */
interface SaveDialog {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

const UNSAFE = /[\p{Cc}/\\:*?"<>|]/gu;

/**
 * Save files as one zip file: by the browser's save dialog, which opens on nothing but a click, where there is one, else
 * gathered in memory and put with the downloads.
 *
 * @param onProgress is told how many files are dealt with, from 0 on.
 * @returns the names of the files that could not be fetched, which are left out.
 * @throws NothingFetched; a DOMException named AbortError if the dialog is dismissed or the signal given; what the disk
 *   reports.
 */
export async function downloadZip(
  name: string,
  files: readonly (ZipFile | ZipLookup)[],
  onProgress?: (done: number) => void,
  signal?: AbortSignal,
): Promise<string[]> {
  const handle = await (window as SaveDialog).showSaveFilePicker?.({ suggestedName: name });
  onProgress?.(0);
  const { makeZip } = await import("client-zip");
  const missing: string[] = [];
  const zip = makeZip(fetched(files, missing, onProgress, signal));
  if (handle) {
    await zip.pipeTo(await handle.createWritable(), { signal });
  } else {
    saveAs(name, await new Response(zip).blob());
  }
  return missing;
}

/** One file after another, each whole before it is packed: one that broke off would spoil the zip file. */
async function* fetched(
  files: readonly (ZipFile | ZipLookup)[],
  missing: string[],
  onProgress?: (done: number) => void,
  signal?: AbortSignal,
) {
  const taken = new Set<string>();
  for (const [index, wanted] of files.entries()) {
    try {
      const file = "find" in wanted ? await wanted.find() : wanted;
      const input = await fetchBlob(file.url, signal);
      yield { name: unique(file.name, taken), input };
    } catch {
      signal?.throwIfAborted();
      missing.push(wanted.name);
    }
    onProgress?.(index + 1);
  }
  if (missing.length === files.length) {
    throw new NothingFetched();
  }
}

async function fetchBlob(url: string, signal?: AbortSignal): Promise<Blob> {
  // What an <img> has left in the cache came without CORS headers and cannot be read.
  const answer = await fetch(url, { signal, cache: "no-store" });
  if (!answer.ok) {
    throw new Error(`${answer.status}`);
  }
  return answer.blob();
}

/** A name that no other file has, in whatever case: a second `boat.png` becomes `boat (2).png`. */
function unique(name: string, taken: Set<string>): string {
  const safe = name.replace(UNSAFE, "_");
  const [, stem, suffix] = /^(.+?)(\.[^.]*)?$/.exec(safe) ?? [];
  let chosen = safe;
  for (let copy = 2; taken.has(chosen.toLowerCase()); copy++) {
    chosen = `${stem} (${copy})${suffix ?? ""}`;
  }
  taken.add(chosen.toLowerCase());
  return chosen;
}

function saveAs(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Not before the click has taken hold of it.
  setTimeout(() => URL.revokeObjectURL(url));
}
