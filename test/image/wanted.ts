/** Whether the long tail is wanted, too (`npm run test:all`): what is shown in one way already, shown in all others. */
export const isEverythingWanted = process.env["PLAYPEN_TEST_ALL"] === "true";
