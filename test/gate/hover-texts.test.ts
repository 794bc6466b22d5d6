import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { repositoryRoot, subpaths } from "../../scripts/subpaths.ts";

const entries = subpaths();
const program = ts.createProgram(
  entries.map(({ output }) => join(repositoryRoot, "dist", `${output}.d.ts`)),
  { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, skipLibCheck: true },
);
const checker = program.getTypeChecker();

function undocumented(output: string): readonly string[] {
  const source = program.getSourceFile(join(repositoryRoot, "dist", `${output}.d.ts`))!;
  return checker
    .getExportsOfModule(checker.getSymbolAtLocation(source)!)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .filter((symbol) => symbol.getDocumentationComment(checker).length === 0)
    .map((symbol) => symbol.getName());
}

describe("what an editor shows of an export", () => {
  it.each(entries)("$specifier says of each what it is", ({ output }) => {
    expect(undocumented(output)).toEqual([]);
  });
});
