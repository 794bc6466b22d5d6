import { expect, it, onTestFinished } from "vitest";
import { ForeignHost } from "../host-of.ts";

const source = `
  import { docker } from "@source/providers/docker/index.ts";
  try {
    await docker().create({ env: {}, labels: {} });
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, details: error.details, message: error.message }));
  }`;

it("says that it needs dockerode, where there is none or another version", async () => {
  const host = await ForeignHost.compile(source, ["dockerode"]);
  onTestFinished(() => host.dispose());
  const answer = async (): Promise<unknown> => JSON.parse(await host.run({}));
  const error = {
    code: "dependency_missing",
    details: { package: "dockerode", version: "^5.0.0", install: "npm install dockerode@^5.0.0" },
  };
  const missing = await answer();
  expect(missing).toMatchObject(error);
  expect(missing).toMatchObject({ message: expect.stringContaining("it is not installed") as unknown });
  await host.install("dockerode", "4.0.9");
  const other = await answer();
  expect(other).toMatchObject(error);
  expect(other).toMatchObject({
    message: expect.stringContaining("version 4.0.9 of it is installed") as unknown,
  });
});
