/** The stand-in for the model's API, in a process of its own. Prints its address; ends with its standard input. */
import { startModelServer } from "playpen/testing";

const server = await startModelServer();
process.stdout.write(`${server.url}\n`);
process.stdin.resume();
process.stdin.once("close", () => void server.close().then(() => process.exit(0)));
