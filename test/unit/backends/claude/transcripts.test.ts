import { describeRecordings } from "../describe-recordings.ts";
import { recordings } from "./replay.ts";

describeRecordings(recordings, { unfinishedTools: ["terminated", "max-budget"] });
