// Which session's report is looked at.

import { signal } from "./vendor/ui.js";

export const reportOf = signal(null);

export const showReport = (session) => {
  reportOf.value = session;
};
