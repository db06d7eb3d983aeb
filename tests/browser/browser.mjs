// The browser of the tests and of the measuring: the machine's own Chromium, with nothing going on by itself.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A headless Chromium: the one named by CHROMIUM (xtask sets it), or one in a usual place. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? usual.find(file => existsSync(file));
  if (!executablePath) throw new Error('install Chromium, or name it in the variable CHROMIUM');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}
