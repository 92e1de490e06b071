// Names that rows, contenders and the administrator agree on.

/** The stream of a row; those that take its place begin with it. */
export const STREAM = "ROW";
/** The app where a row has one only. */
export const APP = "shop";
