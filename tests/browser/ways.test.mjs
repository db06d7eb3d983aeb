// What to change where a described model does not fit: found, told, applied, undone.
import assert from 'node:assert/strict';
import { eventually, phone, touch, visit } from './page.mjs';

const rows = page => page.get('ways').locator('tbody tr:visible th').evaluateAll(cells => cells.map(cell => cell.firstChild.textContent));
const llama = '?model=llama-3.1-8b&precision_mode=bf16&batch=8&sequence_length=4096&device=h100-80gb';
const title = page => page.get('ways').locator('h3').innerText();

visit('ways that together make a model fit are told with what they cost, applied, and undone by going back', { query: llama }, async page => {
  await eventually(() => title(page), 'It fits H100 80 GB with the fused optimizer, 8 micro-batches of 1 and checkpointing of each block');
  assert.match(await page.text('ways-together'), /^It takes 66\.89 GiB then, 12\.76 GiB free\. The fused optimizer: The same update, faster\. .*One more forward pass: 20 to 33 % more compute\.$/);
  await page.get('apply-together').click();
  await eventually(() => page.text('total'), '66.89 GiB');
  assert.match(await page.text('fit'), /^✓?\s*Fits H100 80 GB: 12\.76 GiB free$/);
  assert.equal(await page.input('accumulation').inputValue(), '8');
  assert.equal(await page.input('batch').inputValue(), '1');
  await page.addressed('?v=1&model=llama-3.1-8b&batch=1&sequence_length=4096&precision_mode=bf16&optimizer_implementation=fused&checkpointing=block&accumulation=8&device=h100-80gb');
  assert.match(await page.text('status'), /^Applied: the fused optimizer, 8 micro-batches of 1 and checkpointing of each block\./);
  // The button is gone; who came to it by keyboard is not sent to the top.
  await eventually(() => title(page), 'What would need less');
  assert.equal(await page.get('apply-together').isVisible(), false);
  assert.equal(await page.page.evaluate(() => document.activeElement.id), 'ways-title');
  await page.page.goBack();
  await eventually(() => page.text('total'), '289.04 GiB');
  assert.equal(await page.input('batch').inputValue(), '8');
});

visit('each way is told by itself and applied by keyboard', { query: llama }, async page => {
  await eventually(() => rows(page), ['8 micro-batches of 1', 'Checkpointing of each block', '8-bit Adam', 'Sequences of 2,048']);
  assert.match(await page.text('way-checkpoint_blocks'), /100\.91 GiB 65\.0 % Apply$/);
  const apply = page.get('apply-checkpoint_blocks');
  assert.equal(await apply.getAttribute('aria-label'), 'Apply checkpointing of each block');
  await apply.focus();
  await apply.press('Enter');
  await eventually(() => page.text('total'), '100.91 GiB');
  // What has been typed elsewhere stays as it was typed.
  assert.equal(await page.input('sequence-length').inputValue(), '4096');
  await eventually(async () => (await rows(page)).includes('Checkpointing of each block'), false);
});

visit('the head leads to what to change only where something is', { query: llama }, async page => {
  const link = page.page.getByRole('link', { name: 'What to change' });
  await eventually(async () => (await rows(page)).length, 4);
  await link.click();
  const heading = await page.get('ways').locator('h3').boundingBox();
  const head = await page.page.locator('.head').boundingBox();
  assert.ok(heading.y >= head.y + head.height && heading.y < 300, `the heading stands at ${heading.y}`);
  await page.input('batch').fill('9');
  await page.input('device').selectOption('h200-141gb');
  await page.input('sequence-length').fill('64');
  await eventually(() => link.isVisible(), false);
  await page.get('model-kind').locator('input[value="size"]').check();
  await eventually(() => page.get('ways').count(), 0);
  await page.input('params').fill('70B');
  assert.equal(await link.isVisible(), false);
});

visit('where nothing helps, that is said with what is left to try', { query: '?model=llama-2-70b&task=inference&precision_mode=bf16&batch=1&sequence_length=1&device=rtx-4090-24gb' }, async page => {
  await eventually(() => title(page), 'No way of running it makes it fit RTX 4090 24 GB');
  assert.match(await page.text('ways'), /quantization, offloading, several devices\. What each costs$/);
  assert.equal(await page.get('apply-together').isVisible(), false);
});

visit('what makes it fit is told however little it saves', { query: '?model=bloom-7b1&task=inference&batch=1&sequence_length=512&device=custom&device_memory=32.4GB' }, async page => {
  await eventually(() => title(page), 'It fits with room to spare with logits of the last token alone');
  // By itself it would not be worth a row.
  assert.equal((await rows(page)).includes('Logits of the last token alone'), false);
});

visit('charts stay where they are while ways to need less change', { query: llama }, async page => {
  const chart = page.get('chart-timeline');
  await chart.evaluate(element => element.scrollIntoView({ block: 'center' }));
  const place = () => chart.evaluate(element => Math.round(element.getBoundingClientRect().top));
  const stands = await place();
  const height = () => page.get('ways').evaluate(element => element.offsetHeight);
  const before = await height();
  // Far more, of which 8-bit Adam saves next to nothing. Typed from here: the field itself would be scrolled to.
  await page.page.evaluate(() => {
    const field = document.querySelector('[data-testid="input-batch"]');
    field.value = '512';
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await eventually(async () => (await height()) === before, false);
  assert.equal(await place(), stands);
});

visit('what is pressed is what is asked for now', { query: '?model=bert-base&batch=64&sequence_length=512' }, async page => {
  await eventually(() => title(page), 'It fits RTX 3060 12 GB with 4 micro-batches of 16');
  // Pressed before typing has paused.
  await page.page.evaluate(() => {
    const field = document.querySelector('[data-testid="input-batch"]');
    field.value = '128';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    document.querySelector('[data-testid="apply-together"]').click();
  });
  await eventually(() => page.input('accumulation').inputValue(), '8');
  assert.equal(await page.input('batch').inputValue(), '16');
});

visit('a phone shows them without scrolling sideways', { ...touch, query: '?model=bert-base&batch=64&sequence_length=512' }, async page => {
  await eventually(() => title(page), 'It fits RTX 3060 12 GB with 4 micro-batches of 16');
  assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), phone.width);
  await page.get('apply-together').tap();
  await eventually(() => page.text('total'), '9.21 GiB');
});
