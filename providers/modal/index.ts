export { modal } from "./modal-provider.ts";
export type { ModalOptions } from "./modal-options.ts";
export type { ModalSandbox } from "./modal-sandbox.ts";
