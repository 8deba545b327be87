import { useSessionStorage } from "@mantine/hooks";
import type { ProcessingOptions } from "@/api/intake";
import { z } from "@/config/zod";

export const OUTPUTS = ["cutout", "matte", "matte_preview", "composite"] as const;
export const FORMATS = ["png", "webp", "webp_lossy", "avif"] as const;

const Choice = z
  .object({
    outputs: z.array(z.enum(OUTPUTS)).min(1),
    formats: z.array(z.enum(FORMATS)).min(1),
    background: z.string().regex(/^(#[0-9a-f]{6}|blur)$/i),
    crop: z.object({ margin: z.number().min(0).max(50) }).nullable(),
  })
  .partial();

export type Choice = z.infer<typeof Choice>;

/** The options of the next upload: what was chosen in this session, over the deployment's defaults. */
export function useUploadOptions(defaults: ProcessingOptions) {
  const [choice, setChoice] = useSessionStorage<Choice>({
    key: "upload-options",
    defaultValue: {},
    getInitialValueInEffect: false,
    deserialize: (text) => Choice.safeParse(JSON.parse(text ?? "{}")).data ?? {},
  });
  return {
    options: { ...defaults, ...choice },
    change: (changed: Choice) => setChoice({ ...choice, ...changed }),
  };
}
