import { expect, test } from "vitest";
import { intake } from "@/testing/intake";
import { checkFile } from "./check-file";

const file = (name: string, head: string) => new File([Uint8Array.from(head, (byte) => byte.charCodeAt(0))], name);

test.each([
  ["photo.jpg", "\xff\xd8\xff\xe0", "image/jpeg"],
  ["photo.png", "\x89PNG\r\n\x1a\n", "image/png"],
  ["photo.webp", "RIFF\x0a\x00\x00\x00WEBPVP8 ", "image/webp"],
  ["photo.gif", "GIF89a", "image/gif"],
  ["photo.tif", "II*\0", "image/tiff"],
  ["photo.bmp", "BM\x10\0", "image/bmp"],
  ["photo.avif", "\0\0\0\x20ftypavif", "image/avif"],
  ["photo.avif", "\0\0\0\x20ftypmif1\0\0\0\0mif1avif", "image/avif"],
])("%s is taken for what its content is", async (name, head, type) => {
  expect(await checkFile(file(name, head), intake)).toMatchObject({ name, type, refusal: undefined });
});

test.each([
  ["saved.jpg", "RIFF\x0a\x00\x00\x00WEBPVP8 ", "saved.webp"],
  ["IMG_1.PNG", "\xff\xd8\xff\xe0", "IMG_1.jpeg"],
  ["IMG_1.JPG", "\xff\xd8\xff\xe0", "IMG_1.JPG"],
  ["no extension", "\xff\xd8\xff\xe0", "no extension"],
])("%s is sent under a name that its content fits", async (name, head, sentName) => {
  expect(await checkFile(file(name, head), intake)).toMatchObject({ name: sentName, refusal: undefined });
});

test("a file that cannot be read is refused in words, and so keeps no other from being listed", async () => {
  const gone = file("gone.jpg", "\xff\xd8\xff");
  gone.slice = () =>
    Object.assign(new Blob(), { arrayBuffer: () => Promise.reject(new DOMException("", "NotFoundError")) });
  expect((await checkFile(gone, intake)).refusal).toMatch(/cannot be read/);
});

test.each([
  ["empty.jpg", "", /is empty/],
  ["letter.jpg", "Dear Sir,", /not a picture of a kind that is taken: JPEG, .* and GIF/],
  ["IMG_1.jpg", "\0\0\0\x18ftypheic", /Export it as JPEG/],
  ["big.jpg", `\xff\xd8\xff${"0".repeat(3_000)}`, /has 3.0 kB, and the limit is 2.0 kB/],
])("%s is refused in words", async (name, head, reason) => {
  const { refusal } = await checkFile(file(name, head), { ...intake, max_size_bytes: 2_000 });
  expect(refusal).toMatch(reason);
});
