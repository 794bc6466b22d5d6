import { validateProviderOptions } from "playpen/kit";
import { describe, expect, it } from "vitest";

const rules = {
  takes: ["cpus", "memoryBytes", "labels"],
  refuses: { region: "it runs here" },
  own: { apiKey: (value: unknown) => (typeof value === "string" ? undefined : "a text") },
} as const;
const check = (options: unknown) => (): void => {
  validateProviderOptions("cloud()", options, rules);
};

describe("validateProviderOptions", () => {
  it("takes its own options and the words that the provider knows", () => {
    expect(
      check({ cpus: 1.5, memoryBytes: "2g", labels: { a: "b" }, apiKey: "key", region: undefined }),
    ).not.toThrow();
  });

  it.each([
    [{ region: "eu" }, /cloud\(\): there is no option "region": it runs here\./],
    [{ diskBytes: "1g" }, /unknown option "diskBytes"/],
    [{ cpu: 1 }, /Did you mean "cpus"/],
    [{ cpus: 0 }, /"cpus" must be a number above 0/],
    [{ memoryBytes: "much" }, /"512m" or "2g"/],
    [{ labels: { "playpen.owner": "me" } }, /"playpen\."/],
    [{ apiKey: 5 }, /"apiKey" must be a text, received number/],
    [undefined, /an options object/],
  ])("refuses %j", (options, message) => {
    expect(check(options)).toThrow(TypeError);
    expect(check(options)).toThrow(message);
  });
});
