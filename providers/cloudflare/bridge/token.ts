import { Refusal } from "./refusal.ts";

/** Of a secret that is not to be guessed. */
const shortestToken = 16;

/**
 * Whether the request brought the Worker's secret. It takes the same time however much of it is right, since digests are
 * compared, and all of them.
 *
 * @throws Refusal where it has not, and where the Worker has no secret at all.
 */
export async function assertAuthorized(request: Request, token: unknown): Promise<void> {
  if (typeof token !== "string" || token.length < shortestToken) {
    throw new Refusal(
      503,
      `The bridge has no PLAYPEN_TOKEN of ${shortestToken} characters or more: npx wrangler secret put PLAYPEN_TOKEN.`,
    );
  }
  const given = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  const [expected, received] = await Promise.all([digest(token), digest(given)]);
  let difference = 0;
  for (let index = 0; index < expected.length; index++) {
    difference |= (expected[index] ?? 0) ^ (received[index] ?? 0);
  }
  if (difference !== 0) throw new Refusal(401, "The token is not the bridge's.");
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
