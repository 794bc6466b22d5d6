/** A parsed JSON object whose members are not yet known. */
export type JsonObject = { readonly [key: string]: unknown };
