// A visitor of the built page: one fresh browser context a test. At the end of each test the console must be empty, no
// script may have failed, no request may have left the origin or come back with an error, and no cookie may be set.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { after, describe, test } from 'node:test';
import { launch } from './browser.mjs';
import { serve } from './server.mjs';
import { firstLoad, later } from './sizes.mjs';

const browser = await launch();
const sites = [];
after(async () => {
  await browser.close();
  await Promise.all(sites.map(site => site.close()));
});

/** A site that is closed after the last test of the file. */
export async function host(folders) {
  const site = await serve(folders);
  sites.push(site);
  return site;
}

/** The built page at the top of its host. */
export const site = await host();
// All files of one build, even where another build follows while tests run.
await site.warm([...firstLoad(), ...later()].map(name => '/' + name).concat('/'));

export const wide = { width: 1280, height: 900 };
export const phone = { width: 360, height: 740 };
export const narrow = { width: 320, height: 640 };
/** A phone as Chromium plays it: a coarse pointer, and a viewport that follows the page's meta tag. */
export const touch = { viewport: phone, hasTouch: true, isMobile: true };

/** Reads until what is read is as expected; fails with the difference after fifteen seconds. */
export async function eventually(read, expected, message) {
  const end = Date.now() + 15_000;
  for (;;) {
    const found = await read();
    try {
      assert.deepEqual(found, expected, message);
      return;
    } catch (difference) {
      if (Date.now() > end) throw difference;
      await new Promise(done => setTimeout(done, 25));
    }
  }
}

/** Digits of a figure as a number: `2,063,104,000 B` is 2063104000. */
export const digits = text => Number(text.replace(/[^\d]/g, ''));

/** A text with every kind of space as one plain space. */
export const plain = text => text.replace(/\s+/gu, ' ').trim();

/** The calculator in a page or in a frame. */
export class Calculator {
  constructor(page) {
    this.page = page;
  }

  /** What has this test id. */
  get(id) {
    return this.page.locator(`[data-testid="${id}"]`);
  }

  input(name) {
    return this.get(`input-${name}`);
  }

  async text(id) {
    return plain(await this.get(id).innerText());
  }

  /** Waits until the calculator has taken the place of the text that stands in for it. */
  async ready() {
    await this.get('model-kind').or(this.get('open-full')).first().waitFor({ state: 'attached' });
    await this.get('total').or(this.get('table')).or(this.get('open-full')).first().waitFor({ state: 'attached' });
    await this.get('details-room').waitFor({ state: 'detached' });
  }

  async type(name, text) {
    await this.input(name).fill(text);
  }

  async pick(name, key) {
    await this.input(name).selectOption(key);
  }

  /** Checks a radio button of a group. */
  async choose(name, key) {
    await this.input(name).locator(`input[value="${key}"]`).check();
  }

  /** Sets inputs by test id, each in the way of its kind. */
  async fill(values) {
    for (const [name, value] of Object.entries(values)) {
      const kind = await this.input(name).evaluate(element => element.getAttribute('role') ?? element.localName);
      if (kind === 'radiogroup') await this.choose(name, value);
      else if (kind === 'select') await this.pick(name, value);
      else if (kind === 'switch') await this.input(name).setChecked(value);
      else await this.type(name, value);
    }
  }

  /** What every input in sight holds, by test id. */
  values() {
    return this.page.locator('[data-testid^="input-"]').evaluateAll(elements => {
      const shown = elements.filter(element => !element.closest('[hidden]'));
      return Object.fromEntries(shown.map(element => {
        const radio = element.querySelector?.('input:checked');
        const value = element.getAttribute('role') === 'switch' ? element.checked : radio?.value ?? element.value;
        return [element.dataset.testid.slice('input-'.length), value];
      }));
    });
  }

  /** The total in bytes, from the line under the figure. */
  async bytes() {
    const detail = plain(await this.get('total-detail').textContent());
    return digits(detail.match(/([\d,]+) B$/)?.[1] ?? `not in bytes: ${detail}`);
  }

  async totals(expected, message) {
    await eventually(() => this.bytes(), expected, message);
  }

  /** The verdict in words, without its sign. */
  async fit() {
    return (await this.text('fit')).replace(/^[✓!✗] ?/, '');
  }

  /** Name, size and percent of a row of the table. */
  async row(id) {
    const cells = await this.get(id).locator('th, td').allTextContents();
    return cells.slice(0, 3).map(plain);
  }

  /** Question and answer as they are copied as JSON, without a clipboard. */
  async json() {
    await this.page.evaluate(() => {
      navigator.clipboard.writeText = async text => { window.copied = text; };
    });
    await this.get('copy-json').click();
    return JSON.parse(await this.page.evaluate(() => window.copied));
  }

  /** The bytes of each part that is not zero, by the name it has in test ids. */
  async parts() {
    const { estimate } = await this.json();
    const parts = estimate.parts.filter(part => part.bytes > 0);
    return Object.fromEntries(parts.map(part => [part.kind.replaceAll('_', '-'), part.bytes]));
  }

  query() {
    return new URL(this.page.url()).search;
  }

  /** Waits until the address has this query. */
  async addressed(query) {
    await eventually(() => this.query(), query);
  }
}

/** A visitor's page, with what went wrong on it. */
class Visit extends Calculator {
  constructor(context, page, allowed) {
    super(page);
    this.context = context;
    this.allowed = allowed;
    this.origins = new Set([site.origin]);
    this.faults = [];
    context.on('console', message => this.fault(`console ${message.type()}: ${message.text()}`));
    context.on('weberror', event => this.fault(`script: ${event.error()}`));
    context.on('request', request => {
      const address = new URL(request.url());
      if (!['data:', 'blob:', 'about:'].includes(address.protocol) && !this.origins.has(address.origin)) {
        this.fault(`request to ${address.origin}`);
      }
    });
    context.on('response', response => {
      if (response.status() >= 400) this.fault(`${response.status()} for ${new URL(response.url()).pathname}`);
    });
  }

  fault(text) {
    if (!this.allowed.some(pattern => pattern.test(text))) this.faults.push(text);
  }

  async open(query = '') {
    await this.page.goto(site.url + query);
    await this.ready();
  }

  /** Opens the page anew in the same context. */
  async another(query = '') {
    const page = await this.context.newPage();
    await page.goto(site.url + query);
    const calculator = new Calculator(page);
    await calculator.ready();
    return calculator;
  }

  async leave() {
    const cookies = await this.context.cookies();
    await this.context.close();
    assert.deepEqual(this.faults, []);
    assert.deepEqual(cookies, []);
  }
}

const visits = [];

/** Hands the tests of a file to the runner together, so that two can run at a time; a browser has one clipboard. */
function register() {
  const copying = visits.filter(({ settings }) => settings.permissions?.includes('clipboard-write'));
  describe(basename(process.argv[1]), { concurrency: copying.length > 1 ? 1 : 2 }, () => {
    for (const { name, settings, body } of visits) define(name, settings, body);
  });
}

/**
 * A test with a visitor of its own. `settings` are those of a browser context; `allowed` holds patterns of what may go
 * wrong in this test. A test that opens the page in another way than by `open` says `query: false`.
 */
export function visit(name, settings, body) {
  if (visits.length === 0) setImmediate(register);
  visits.push(typeof settings === 'function' ? { name, settings: {}, body: settings } : { name, settings, body });
}

function define(name, { allowed = [], query = '', ...given }, body) {
  test(name, { timeout: 120_000 }, async () => {
    const context = await browser.newContext({ viewport: wide, ...given });
    context.setDefaultTimeout(30_000);
    const visitor = new Visit(context, await context.newPage(), allowed);
    try {
      if (query !== false) await visitor.open(query);
      await body(visitor);
    } catch (failure) {
      await context.close();
      if (visitor.faults.length > 0) failure.message += `\nbeside this: ${visitor.faults.join('; ')}`;
      throw failure;
    }
    await visitor.leave();
  });
}
