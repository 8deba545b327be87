// Times sharp inside its own process: node thumbnails.mjs PICTURE RUNS FOLDER [WIDTHxHEIGHT of a raw RGBA picture]
// Prints {"each": ms, "cascade": ms}: medians for every size from the picture, and for each size from the next larger.
// Writes the thumbnails of the first as raw pixels to FOLDER/WIDTHxHEIGHT.CHANNELS.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const SIZES = [[1600, 1200], [1024, 768], [640, 480], [320, 240], [100, 100]];
const [file, runs, folder, raw] = process.argv.slice(2);
const data = readFileSync(file);
const [width, height] = raw ? raw.split("x").map(Number) : [];
const input = raw ? { raw: { width, height, channels: 4 } } : {};

sharp.cache(false);
sharp.concurrency(2);

function shrink(picture, [width, height]) {
  return picture.resize(width, height, { fit: "inside" }).raw().toBuffer({ resolveWithObject: true });
}

const ways = {
  each() {
    const picture = sharp(data, input);
    return Promise.all(SIZES.map((size) => shrink(picture.clone(), size)));
  },
  async cascade() {
    const made = [await shrink(sharp(data, input), SIZES[0])];
    for (const size of SIZES.slice(1)) {
      const { data, info } = made.at(-1);
      const raw = { width: info.width, height: info.height, channels: info.channels };
      made.push(await shrink(sharp(data, { raw }), size));
    }
    return made;
  },
};

for (const { data, info } of await ways.each()) {
  writeFileSync(join(folder, `${info.width}x${info.height}.${info.channels}`), data);
}
await ways.cascade();
const times = { each: [], cascade: [] };
for (let run = 0; run < Number(runs); run++) {
  for (const [name, way] of Object.entries(ways)) {
    const started = performance.now();
    await way();
    times[name].push(performance.now() - started);
  }
}
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
console.log(JSON.stringify(Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))));
