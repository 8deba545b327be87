import { en } from "./en";

/** Every language has what English has. */
export type Texts = typeof en;

/** The texts of the site. Another language is a file beside `en/` of type `Texts`, chosen here. */
export const texts: Texts = en;
