import { arrayField, booleanField, isJsonObject, objectField, stringField } from "../../kit/json.ts";

export interface AuthMethod {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
}

/** What an agent says of itself in its answer to `initialize`. */
export interface AgentFacts {
  readonly canLoad: boolean;
  readonly canResume: boolean;
  readonly canFork: boolean;
  readonly takesImages: boolean;
  readonly takesHttpServers: boolean;
  readonly authMethods: readonly AuthMethod[];
}

export function agentFacts(result: unknown): AgentFacts {
  const capabilities = objectField(result, "agentCapabilities");
  const session = objectField(capabilities, "sessionCapabilities");
  return {
    canLoad: booleanField(capabilities, "loadSession") ?? false,
    // An object says that it can, however empty.
    canResume: isJsonObject(session["resume"]),
    canFork: isJsonObject(session["fork"]),
    takesImages: booleanField(objectField(capabilities, "promptCapabilities"), "image") ?? false,
    takesHttpServers: booleanField(objectField(capabilities, "mcpCapabilities"), "http") ?? false,
    authMethods: authMethods(result),
  };
}

export function authMethods(value: unknown): readonly AuthMethod[] {
  return arrayField(value, "authMethods").flatMap((method): AuthMethod[] => {
    const id = stringField(method, "id");
    if (id === undefined) return [];
    return [{ id, name: stringField(method, "name") ?? id, description: stringField(method, "description") }];
  });
}
