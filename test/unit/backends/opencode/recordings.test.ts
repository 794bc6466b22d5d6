import { opencode } from "../../../../backends/opencode/index.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { Recordings } from "../replay.ts";

const recordings = new Recordings("opencode", opencode);

describeRecordings(recordings, { unfinishedTools: ["killed-in-tool"] });
