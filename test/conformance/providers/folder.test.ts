import { describeProviderConformance } from "playpen/testing";
import { describe, it } from "vitest";
import { folderSandbox } from "./folder-sandbox.ts";

describeProviderConformance({ describe, it }, { create: folderSandbox });
