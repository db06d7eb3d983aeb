// Light and dark: as the system says, or as picked and remembered.
import assert from 'node:assert/strict';
import { eventually, visit } from './page.mjs';

const ground = page => page.page.evaluate(() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  return red + green + blue > 382 ? 'light' : 'dark';
});
const theme = page => page.page.locator('html').getAttribute('data-theme');

for (const colorScheme of ['light', 'dark']) {
  visit(`colours follow a ${colorScheme} system`, { colorScheme }, async page => {
    assert.equal(await ground(page), colorScheme);
    const other = colorScheme === 'light' ? 'dark' : 'light';
    await page.page.emulateMedia({ colorScheme: other });
    assert.equal(await ground(page), other);
  });

  visit(`the theme button goes through light and dark back to a ${colorScheme} system`, { colorScheme }, async page => {
    const button = page.get('toggle-theme');
    assert.match(await button.innerText(), /system/);
    for (const [name, said] of [['light', /Light colours, remembered/], ['dark', /Dark colours, remembered/], ['system', /follow the system/]]) {
      await button.click();
      await eventually(() => theme(page), name);
      assert.equal(await ground(page), name === 'system' ? colorScheme : name);
      assert.match(await button.innerText(), new RegExp(name, 'i'));
      assert.match(await page.text('status'), said);
      await page.page.reload();
      await page.ready();
      assert.equal(await ground(page), name === 'system' ? colorScheme : name, `${name}, after a reload`);
      assert.match(await button.innerText(), new RegExp(name, 'i'));
    }
  });
}

visit('a remembered theme is in force before the first paint', { colorScheme: 'light' }, async page => {
  await page.get('toggle-theme').click();
  await page.get('toggle-theme').click();
  await eventually(() => theme(page), 'dark');
  await page.context.route(/\.(wasm|js)$/, route => route.abort());
  page.allowed.push(/./);
  await page.page.reload({ waitUntil: 'commit' });
  await page.page.locator('h1').waitFor();
  assert.equal(await ground(page), 'dark');
});

visit('a theme that is remembered as nonsense is no theme', { query: false, colorScheme: 'dark' }, async page => {
  await page.page.addInitScript(() => localStorage.setItem('nn-memory:theme', 'mauve'));
  await page.open();
  assert.equal(await ground(page), 'dark');
  assert.match(await page.get('toggle-theme').innerText(), /system/);
});

visit('the theme switches where nothing can be stored', { query: false }, async page => {
  await page.page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });
  });
  await page.open();
  await page.get('toggle-theme').click();
  await page.get('toggle-theme').click();
  await eventually(() => ground(page), 'dark');
});

visit('the theme switches where the store is full', { query: false }, async page => {
  await page.page.addInitScript(() => {
    Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
  });
  await page.open();
  await page.get('toggle-theme').click();
  await page.get('toggle-theme').click();
  await eventually(() => ground(page), 'dark');
});
