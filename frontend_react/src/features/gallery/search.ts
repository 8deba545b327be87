import { z } from "@/config/zod";

/** What the gallery shows, as its URL says; what is malformed counts as not said. */
export const gallerySearch = z.object({
  status: z
    .enum(["AWAITING_UPLOAD", "PROCESSING", "SUCCEEDED", "PARTIAL", "REJECTED", "BLOCKED", "FAILED"])
    .optional()
    .catch(undefined),
  label: z.string().max(100).optional().catch(undefined),
  name: z.string().max(255).optional().catch(undefined),
});
