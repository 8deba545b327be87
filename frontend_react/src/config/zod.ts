import { z } from "zod";

// Else zod tries to compile its checks, which the site's policy forbids and the console then complains of.
z.config({ jitless: true });

export { z };
