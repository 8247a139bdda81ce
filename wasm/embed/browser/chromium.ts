/**
 * Where Chromium usually is.
 *
 * @module
 */
import { existsSync } from "node:fs";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/**
 * Find the program.
 *
 * @param named  what `$CHROMIUM` names, if it is set
 * @returns its path, or undefined where there is none
 */
export function findChromium(named: string | undefined): string | undefined {
  return (named === undefined ? PLACES : [named]).find((path) =>
    existsSync(path)
  );
}
