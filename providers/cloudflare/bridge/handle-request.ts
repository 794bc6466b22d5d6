import { bridgeVersion, versionHeader } from "./protocol.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import type { BridgeEnv, GetSandbox, RequestContext } from "./runtime.ts";
import { Sandboxes } from "./sandboxes.ts";
import { assertAuthorized } from "./token.ts";
import {
  commandRequest,
  creationRequest,
  expiryRequest,
  fieldsOf,
  filePart,
  listRequest,
  portRequest,
  sandboxId,
} from "./validation.ts";

/** Answers whatever comes, and throws nothing. */
export async function handleRequest(
  getSandbox: GetSandbox,
  request: Request,
  env: BridgeEnv,
  context: RequestContext,
): Promise<Response> {
  let answer: Response;
  try {
    await assertAuthorized(request, env.PLAYPEN_TOKEN);
    answer = await answerTo(request, new Sandboxes({ getSandbox, env, context }));
  } catch (error) {
    const { status, message } = refusalOf(error, "answer", [env.PLAYPEN_TOKEN]);
    answer = Response.json({ error: message }, { status });
  }
  answer.headers.set(versionHeader, String(bridgeVersion));
  return answer;
}

async function answerTo(request: Request, sandboxes: Sandboxes): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [version, kind, name, part, ...rest] = pathname.slice(1).split("/");
  if (version !== "v1" || (kind !== undefined && kind !== "sandbox") || rest.length > 0)
    throw nothingThere(request);
  const { method } = request;
  if (kind === undefined) {
    if (method === "GET") return Response.json({ version: bridgeVersion });
    throw nothingThere(request);
  }
  if (name === undefined) {
    if (method === "POST")
      return Response.json(await sandboxes.create(creationRequest(await fieldsOf(request))));
    if (method !== "GET") throw nothingThere(request);
    return Response.json(await sandboxes.list(listRequest(searchParams)));
  }
  const id = sandboxId(name);
  switch (`${method} ${part ?? ""}`) {
    case "GET ":
      return Response.json(await sandboxes.find(id));
    case "DELETE ":
      await sandboxes.end(id);
      return new Response(null, { status: 204 });
    case "POST exec":
      return sandboxes.run(id, commandRequest(await fieldsOf(request)));
    case "POST expiry": {
      const { lifeMs, isRenewal } = expiryRequest(await fieldsOf(request));
      return Response.json(await sandboxes.expire(id, lifeMs, isRenewal));
    }
    case "POST tunnel":
      return Response.json(await sandboxes.expose(id, portRequest(await fieldsOf(request))));
    case "GET file": {
      const { path, offset, length } = filePart(searchParams);
      return sandboxes.read(id, path, offset, length);
    }
    case "PUT file": {
      const { path, offset } = filePart(searchParams);
      await sandboxes.append(id, path, offset, request);
      return new Response(null, { status: 204 });
    }
    default:
      throw nothingThere(request);
  }
}

function nothingThere(request: Request): Refusal {
  return new Refusal(405, `The bridge knows no ${request.method} of this path.`);
}
