// Loaded first (`--import`): this process believes that it is two hours later than it is.

const TWO_HOURS_MS = 7_200_000;
const { now } = Date;
Date.now = () => now() + TWO_HOURS_MS;
