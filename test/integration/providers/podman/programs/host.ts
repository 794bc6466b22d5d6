// A host program in a process of its own: makes a sandbox by the podman command, says which, and waits to be killed.
import { podman } from "../../../../../providers/podman/podman.ts";

const [image = "", owner = ""] = process.argv.slice(2);
const provider = podman({ image, cli: true, network: "none" });
const sandbox = await provider.create({ env: {}, labels: { "playpen.owner": owner } });
console.log(sandbox.id);
setInterval(() => undefined, 1000);
