import { isEverythingWanted } from "../../image/wanted.ts";

const derived = "derived by the kit, as derived.test.ts shows; here by npm run test:all";
const slow =
  "takes half a minute with many short commands, and is shown by derived.test.ts; here by npm run test:all";

function skipped(ids: readonly string[], why: string): { readonly [id: string]: string } {
  return isEverythingWanted ? {} : Object.fromEntries(ids.map((id) => [id, why]));
}

/** What the kit derives in the same way from the commands of any vendor. */
export const derivedFromCommands = skipped(
  [
    "process.kill-trapped",
    "process.kill-escalates",
    "process.kill-orphans",
    "process.kill-fork-storm",
    "process.kill-after-exit",
    "files.relative-paths",
    "files.odd-names",
    "files.write-creates-folders",
    "files.write-mode",
    "files.write-atomic",
    "files.read-failures",
    "files.write-failures",
    "files.parallel",
    "files.write-late-abort",
    "files.stat",
    "files.stat-nothing",
    "files.list-failures",
    "files.list-many",
    "files.mkdir",
    "files.remove",
    "files.remove-link",
    "files.move",
    "files.move-failures",
    "files.upload-failures",
    "files.download-failures",
    "files.download-cancel",
  ],
  derived,
);

/** The same for a vendor whose commands have no standard input, or run to their end only. */
export const derivedFromShortCommands = {
  ...derivedFromCommands,
  ...skipped(["files.upload-large", "files.download-large", "process.output-back-pressure"], slow),
};
