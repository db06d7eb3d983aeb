// The page by keyboard alone.
import assert from 'node:assert/strict';
import { eventually, phone, plain, visit } from './page.mjs';

const focused = page => page.page.evaluate(() => {
  const element = document.activeElement;
  return element.dataset.testid ?? element.closest('[data-testid]')?.dataset.testid ?? element.getAttribute('aria-label') ?? element.localName;
});

/** Presses Tab until the focus is where `id` says. */
async function tabTo(page, id, limit = 200) {
  for (let press = 0; press < limit; press += 1) {
    if (await focused(page) === id) return;
    await page.page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not lead to ${id}`);
}

visit('Tab reaches every control in the order of the page, and each shows the focus', { query: '?precision=fp16&optimizer=custom&device=custom' }, async page => {
  const expected = await page.page.locator('#app').evaluate(app => {
    const all = app.querySelectorAll('a[href], button, input, select, [tabindex="0"], summary');
    const shown = [...all].filter(element => element.getClientRects().length > 0);
    // Of a group of radio buttons Tab stops at the one that is checked.
    return shown.filter(element => element.type !== 'radio' || element.checked).length;
  });
  const seen = [];
  for (let press = 0; press < expected + 40; press += 1) {
    await page.page.keyboard.press('Tab');
    const stop = await page.page.evaluate(() => {
      const element = document.activeElement;
      if (!element.closest('#app')) return null;
      element.dataset.stop ??= String(Math.random());
      const ring = [element, element.nextElementSibling].some(at => {
        const style = at && getComputedStyle(at);
        return style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
      });
      return { key: element.dataset.stop, id: element.dataset.testid ?? element.ariaLabel ?? element.textContent, ring };
    });
    if (stop) seen.push(stop);
    else if (seen.length > 0) break;
  }
  assert.equal(new Set(seen.map(stop => stop.key)).size, expected, 'every control once');
  assert.deepEqual(seen.filter(stop => !stop.ring).map(stop => stop.id), [], 'no outline');
});

visit('the first stop skips to the guide', async page => {
  await page.page.keyboard.press('Tab');
  assert.equal(plain(await page.page.evaluate(() => document.activeElement.innerText)), 'Skip to the guide');
  await page.page.keyboard.press('Enter');
  await eventually(() => page.page.evaluate(() => Math.abs(document.getElementById('guide').getBoundingClientRect().top) < 200), true);
});

visit('typing after Tab replaces what the input held', async page => {
  await tabTo(page, 'input-params');
  assert.deepEqual(await page.page.evaluate(() => {
    const { selectionStart, selectionEnd, value } = document.activeElement;
    return [selectionStart, selectionEnd === value.length];
  }), [0, true]);
  await page.page.keyboard.type('7B');
  assert.equal(await page.input('params').inputValue(), '7B');
  await page.totals(112_301_989_888);
});

visit('arrow up and down step a number, with shift further', async page => {
  const steps = [
    ['batch', [['ArrowUp', '64'], ['Shift+ArrowUp', '512'], ['ArrowDown', '256'], ['Shift+ArrowDown', '32']]],
    ['layers', [['ArrowUp', '13'], ['Shift+ArrowUp', '23'], ['ArrowDown', '22'], ['Shift+ArrowDown', '12']]],
    ['params', [['ArrowUp', '120M'], ['Shift+ArrowUp', '1.2B'], ['Shift+ArrowDown', '120M'], ['ArrowDown', '110M']]],
    ['workspace', [['ArrowUp', '1'], ['Shift+ArrowUp', '11'], ['ArrowDown', '10'], ['Shift+ArrowDown', '0'], ['ArrowDown', '0']]],
    ['activation-multiple', [['ArrowUp', '5'], ['ArrowDown', '4']]],
  ];
  for (const [name, presses] of steps) {
    const input = page.input(name);
    await input.focus();
    for (const [key, value] of presses) {
      await input.press(key);
      assert.equal(await input.inputValue(), value, `${name} after ${key}`);
    }
    await page.totals(2_061_989_888);
  }
});

visit('arrow keys leave alone what is no number', async page => {
  await page.type('batch', 'many');
  await page.input('batch').press('ArrowUp');
  assert.equal(await page.input('batch').inputValue(), 'many');
});

visit('arrow keys move between the buttons of a group', async page => {
  await page.input('task').locator('input[value="training"]').focus();
  await page.page.keyboard.press('ArrowRight');
  await eventually(() => page.input('task').locator('input[value="lora"]').isChecked(), true);
  await page.page.keyboard.press('ArrowRight');
  await page.totals(465_165_824);
  assert.equal(await page.input('task').locator('input[value="inference"]').isChecked(), true);
  await page.page.keyboard.press('ArrowLeft');
  await page.page.keyboard.press('ArrowLeft');
  await page.totals(2_061_989_888);
});

visit('a select and a switch change by keyboard', { query: '?precision=fp16' }, async page => {
  await page.input('optimizer').focus();
  const before = await page.input('optimizer').inputValue();
  await page.page.keyboard.press('ArrowDown');
  await eventually(async () => await page.input('optimizer').inputValue() !== before, true);
  await page.pick('optimizer', 'adamw');
  await page.input('master-weights').focus();
  await page.page.keyboard.press('Space');
  await page.totals(1_841_989_888);
});

for (const key of ['Enter', 'Space']) {
  visit(`${key} opens and closes a help text`, async page => {
    const info = page.page.getByRole('button', { name: 'About sequence length' });
    const help = page.page.locator(`[id="${await info.getAttribute('aria-controls')}"]`);
    assert.equal(await help.isVisible(), false);
    await info.focus();
    await page.page.keyboard.press(key);
    await help.waitFor();
    assert.equal(await info.getAttribute('aria-expanded'), 'true');
    await page.page.keyboard.press(key);
    await help.waitFor({ state: 'hidden' });
  });
}

visit('every help button opens a help text that says something', { query: '?precision=fp16&optimizer=custom&device=custom' }, async page => {
  const infos = page.page.getByRole('button', { name: /^About / });
  const count = await infos.count();
  assert.ok(count >= 12, `${count} help buttons`);
  for (let index = 0; index < count; index += 1) {
    const info = infos.nth(index);
    await info.press('Enter');
    const help = page.page.locator(`[id="${await info.getAttribute('aria-controls')}"]`);
    await help.waitFor();
    assert.ok((await help.innerText()).length > 20);
  }
});

visit('the work of a row opens by keyboard', async page => {
  await tabTo(page, 'show-work-activations');
  await page.page.keyboard.press('Enter');
  await page.get('work-activations').waitFor();
  assert.equal(await focused(page), 'show-work-activations');
  await page.page.keyboard.press('Space');
  await page.get('work-activations').waitFor({ state: 'hidden' });
});

for (const chart of ['breakdown', 'sweep']) {
  visit(`the ${chart} chart is read out by arrow keys`, async page => {
    const canvas = page.get(`chart-${chart}`);
    const said = () => page.text(`read-out-${chart}`);
    const idle = await said();
    await canvas.focus();
    await canvas.press('ArrowRight');
    await eventually(async () => await said() !== idle, true);
    const first = await said();
    assert.match(first, /\d (Ki|Mi|Gi)B/);
    await canvas.press('ArrowRight');
    await eventually(async () => await said() !== first, true);
    await canvas.press('ArrowLeft');
    await eventually(said, first);
    await canvas.press('End');
    await eventually(async () => await said() !== first, true);
    const last = await said();
    await canvas.press('ArrowRight');
    assert.equal(await said(), last);
    await canvas.press('Home');
    await eventually(said, first);
    await canvas.press('Escape');
    await eventually(said, idle);
    assert.match(first, chart === 'breakdown' ? /^parameters: 419\.62 MiB, 21\.3 %$/ : /^batch 1: 1\.65 GiB, fits$/);
    assert.match(last, chart === 'breakdown' ? /^activations: 288\.00 MiB, 14\.7 %$/ : /^batch 1,024: 10\.64 GiB, /);
  });
}

visit('the arrow keys of a chart scroll nothing', { viewport: phone }, async page => {
  await page.get('chart-sweep').focus();
  const before = await page.page.evaluate(() => [scrollX, scrollY]);
  for (const key of ['ArrowRight', 'ArrowLeft', 'Home', 'End']) await page.page.keyboard.press(key);
  assert.deepEqual(await page.page.evaluate(() => [scrollX, scrollY]), before);
});

visit('an example opens by keyboard', async page => {
  await tabTo(page, 'example-yolov8');
  await page.page.keyboard.press('Enter');
  await page.totals(58_707_200);
});

visit('reset and undo work by keyboard and leave the focus in the page', async page => {
  await page.type('params', '7B');
  await page.get('reset').focus();
  await page.page.keyboard.press('Enter');
  await page.totals(2_061_989_888);
  await page.page.keyboard.press('Shift+Tab');
  assert.equal(await focused(page), 'undo');
  await page.page.keyboard.press('Enter');
  await page.totals(112_301_989_888);
});

visit('copying by keyboard keeps the focus on the button', { permissions: ['clipboard-read', 'clipboard-write'] }, async page => {
  await page.get('copy-markdown').focus();
  await page.page.keyboard.press('Enter');
  await eventually(() => page.text('status'), 'Copied the results as a Markdown table.');
  assert.equal(await focused(page), 'copy-markdown');
});
