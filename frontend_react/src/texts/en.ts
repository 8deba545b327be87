import { app } from "./en/app";
import { common } from "./en/common";
import { gallery } from "./en/gallery";
import { metrics } from "./en/metrics";
import { pictures } from "./en/pictures";
import { result } from "./en/result";
import { signIn } from "./en/sign-in";
import { status } from "./en/status";
import { upload } from "./en/upload";

export const en = { app, common, gallery, metrics, pictures, result, signIn, status, upload };
