import { qwen } from "../../../../backends/qwen/index.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { Recordings } from "../replay.ts";

const recordings = new Recordings("qwen", qwen);

describeRecordings(recordings, { unfinishedTools: ["killed-in-tool"] });
