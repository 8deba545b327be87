import type { Api } from "@/api/client";
import { fetchResult, hasResults, type Result, type ResultSummary } from "@/api/results";
import type { ZipLookup } from "@/components/download-zip";

/** What stands for a picture in a zip file, best first: one that was not asked for is not there. */
const KINDS = ["cutout", "composite", "matte", "matte_preview"];

/** The cut-outs of pictures, as many of them as have one. */
export function cutoutFiles(api: Api, pictures: readonly ResultSummary[]): ZipLookup[] {
  return pictures
    .filter(({ status }) => hasResults(status))
    .map(({ image_id, file_name }) => ({
      name: file_name,
      find: async () => cutoutOf(await fetchResult(api, image_id)),
    }));
}

function cutoutOf({ file_name, outputs }: Result) {
  const [output] = outputs
    .filter(({ kind }) => KINDS.includes(kind))
    .sort((one, other) => KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind));
  if (!output) {
    throw new Error(`${file_name} has no outputs`);
  }
  const stem = file_name.replace(/\.[^.]*$/, "");
  return { name: `${stem}-${output.key.split("/").at(-1)}`, url: output.url };
}
