/** What worker.ts needs of the runtime; the vendor's own declarations would change the types of all other files. */
declare module "cloudflare:workers" {
  export class DurableObject<Env = unknown> {
    constructor(state: unknown, env: Env);
    protected readonly ctx: { readonly id: { readonly name?: string } };
    protected readonly env: Env;
  }
}
