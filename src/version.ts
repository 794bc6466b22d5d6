/** The version of this package. A test compares it with the manifest. */
export const libraryVersion = "0.1.0";
