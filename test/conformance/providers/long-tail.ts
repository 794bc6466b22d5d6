import { isEverythingWanted } from "../../image/wanted.ts";

const why = "takes half a minute; by npm run test:all";

/**
 * For a provider whose processes are derived from many short commands: what takes half a minute there, and is shown on
 * the same derivation by derived.test.ts.
 */
export const longTail: { readonly [id: string]: string } = isEverythingWanted
  ? {}
  : {
      "files.upload-large": why,
      "files.download-large": why,
      "files.odd-names": why,
      "files.write-atomic": why,
    };
