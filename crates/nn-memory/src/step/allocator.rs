//! What PyTorch's caching allocator takes from the device, block by block.
//!
//! Source: `c10/cuda/CUDACachingAllocator.cpp` of PyTorch 2.11 with its default settings and one stream. Sizes are rounded
//! up to 512 B. Up to 1 MiB, a block is cut from segments of 2 MiB; up to 10 MiB from segments of 20 MiB; larger ones get a
//! segment of their own, rounded up to 2 MiB. The smallest free block that is large enough is taken, the one at the lowest
//! address among equals. The rest of it is split off where it can serve again: 512 B and more among small blocks, more than
//! 1 MiB among large ones; a block that is not split counts whole. A block that is freed merges with free neighbours.
//! Segments are never given back.

use super::history::{History, HistoryEvent};
use super::ledger::Line;
use crate::program::{GRANULE, round};

/// The largest small block.
const SMALL: u64 = 1 << 20;
/// A segment of small blocks.
const SMALL_SEGMENT: u64 = 2 << 20;
/// A segment of blocks of up to [`LARGE`].
const LARGE_SEGMENT: u64 = 20 << 20;
/// From this size on, a segment is made to measure.
const LARGE: u64 = 10 << 20;
/// Segments made to measure are multiples of this.
const LARGE_GRANULE: u64 = 2 << 20;

/// What stays with a block of this size beyond it, where it certainly has a segment of its own: one that small blocks have
/// begun has less than 19 MiB left.
pub(super) const fn rest_of_segment(bytes: u64) -> u64 {
    match bytes.checked_next_multiple_of(LARGE_GRANULE) {
        Some(segment) if bytes > LARGE_SEGMENT - SMALL && segment - bytes <= SMALL => segment - bytes,
        _ => 0,
    }
}

/// No block.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    Small,
    Large,
}

/// A block as its owner knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle(u32);

impl Handle {
    /// The block of nothing.
    pub(super) const NONE: Self = Self(NONE);
}

#[derive(Debug, Clone, Copy)]
struct Block {
    size: u64,
    address: u64,
    /// Neighbours in the segment.
    before: u32,
    after: u32,
    pool: Pool,
    free: bool,
}

impl Block {
    fn key(&self, place: u32) -> Key {
        Key(u128::from(self.size / GRANULE) << 85 | u128::from(self.address / GRANULE) << 32 | u128::from(place))
    }
}

/// A free block by size, then address, then its place: 43, 53 and 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    /// Before all blocks of this size.
    fn of_size(size: u64) -> Self {
        Self(u128::from(size / GRANULE) << 85)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lowest 32 bits are the place")]
    const fn place(self) -> u32 {
        self.0 as u32
    }
}

/// The allocator and its blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Allocator {
    blocks: Vec<Block>,
    /// Places of `blocks` that merging left vacant.
    vacant: Vec<u32>,
    /// Free blocks of each pool, the best first: there are a few hundred, so that a sorted list is the fastest.
    free: [Vec<Key>; 2],
    /// Where the next segment begins: later ones lie higher.
    next: u64,
    allocated: u64,
    reserved: u64,
    /// Written only where it is asked for.
    history: Option<Box<History>>,
}

impl Allocator {
    /// One that writes down what it does.
    pub(super) fn recording() -> Self {
        Self { history: Some(Box::default()), ..Self::default() }
    }

    pub(super) const fn records(&self) -> bool {
        self.history.is_some()
    }

    /// What the next block is for.
    pub(super) fn name(&mut self, line: &Line) {
        if let Some(history) = &mut self.history {
            history.name(line);
        }
    }

    /// A pass begins.
    pub(super) fn pass(&mut self) {
        if let Some(history) = &mut self.history {
            history.pass();
        }
    }

    pub(super) fn history(self) -> Vec<HistoryEvent> {
        self.history.map_or_else(Vec::new, |history| history.events())
    }

    /// Bytes of all blocks in use.
    pub(super) const fn allocated(&self) -> u64 {
        self.allocated
    }

    /// Bytes of all segments.
    pub(super) const fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Takes a block.
    pub(super) fn allocate(&mut self, bytes: u64) -> Handle {
        if bytes == 0 {
            return Handle::NONE;
        }
        let size = round(bytes);
        let pool = if size <= SMALL { Pool::Small } else { Pool::Large };
        let free = &self.free[pool as usize];
        let best = free.partition_point(|key| *key < Key::of_size(size));
        let listed = free.get(best).copied();
        let place = match listed {
            Some(key) => key.place(),
            None => self.segment(size, pool),
        };
        let rest = self.split(place, size);
        let free = &mut self.free[pool as usize];
        match (listed, rest) {
            (Some(_), Some(rest)) => {
                // What is left is smaller: it moves down the list.
                let to = free[..best].partition_point(|key| *key < rest);
                free.copy_within(to..best, to + 1);
                free[to] = rest;
            }
            (Some(_), None) => {
                free.remove(best);
            }
            (None, Some(rest)) => free.insert(best_place(free, rest), rest),
            (None, None) => {}
        }
        let block = &mut self.blocks[place as usize];
        block.free = false;
        self.allocated = self.allocated.saturating_add(block.size);
        if let Some(history) = &mut self.history {
            history.allocate(place, size);
        }
        Handle(place)
    }

    /// A new segment, as one block that is in no list.
    fn segment(&mut self, size: u64, pool: Pool) -> u32 {
        let size = match pool {
            Pool::Small => SMALL_SEGMENT,
            Pool::Large if size < LARGE => LARGE_SEGMENT,
            Pool::Large => size.checked_next_multiple_of(LARGE_GRANULE).unwrap_or(size),
        };
        if let Some(history) = &mut self.history {
            history.segment(size);
        }
        let address = self.next;
        self.next = self.next.saturating_add(size);
        self.reserved = self.reserved.saturating_add(size);
        self.enter(Block { size, address, before: NONE, after: NONE, pool, free: true })
    }

    fn enter(&mut self, block: Block) -> u32 {
        if let Some(place) = self.vacant.pop() {
            self.blocks[place as usize] = block;
            place
        } else {
            self.blocks.push(block);
            u32::try_from(self.blocks.len() - 1).unwrap_or(NONE)
        }
    }

    /// Splits off what a block has beyond `size`, if it is worth it.
    fn split(&mut self, place: u32, size: u64) -> Option<Key> {
        let block = self.blocks[place as usize];
        let rest = block.size - size;
        let worth = match block.pool {
            Pool::Small => rest >= GRANULE,
            Pool::Large => rest > SMALL,
        };
        if !worth {
            return None;
        }
        let address = block.address + size;
        let rest = Block { size: rest, address, before: place, after: block.after, pool: block.pool, free: true };
        let remainder = self.enter(rest);
        if block.after != NONE {
            self.blocks[block.after as usize].before = remainder;
        }
        let block = &mut self.blocks[place as usize];
        block.size = size;
        block.after = remainder;
        Some(rest.key(remainder))
    }

    /// Gives a block back.
    pub(super) fn free(&mut self, handle: Handle) {
        if handle == Handle::NONE {
            return;
        }
        let place = handle.0;
        let mut block = self.blocks[place as usize];
        debug_assert!(!block.free, "a block is freed once");
        if let Some(history) = &mut self.history {
            history.free(place);
        }
        self.allocated = self.allocated.saturating_sub(block.size);
        let free = &mut self.free[block.pool as usize];
        // Where the block's key may go in place of a neighbour's, which is smaller.
        let mut gap = None;
        for neighbour in [block.before, block.after] {
            if neighbour == NONE || !self.blocks[neighbour as usize].free {
                continue;
            }
            let other = self.blocks[neighbour as usize];
            let at = best_place(free, other.key(neighbour));
            gap = match gap {
                None => Some(at),
                Some(earlier) => {
                    free.remove(at);
                    Some(if at < earlier { earlier - 1 } else { earlier })
                }
            };
            self.vacant.push(neighbour);
            block.size += other.size;
            if neighbour == block.before {
                block.address = other.address;
                block.before = other.before;
            } else {
                block.after = other.after;
            }
        }
        block.free = true;
        let key = block.key(place);
        match gap {
            Some(gap) => {
                let to = gap + 1 + best_place(&free[gap + 1..], key);
                free.copy_within(gap + 1..to, gap);
                free[to - 1] = key;
            }
            None => free.insert(best_place(free, key), key),
        }
        self.blocks[place as usize] = block;
        if block.before != NONE {
            self.blocks[block.before as usize].after = place;
        }
        if block.after != NONE {
            self.blocks[block.after as usize].before = place;
        }
    }
}

fn best_place(free: &[Key], key: Key) -> usize {
    free.partition_point(|other| *other < key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn sizes_are_rounded_up_to_512_bytes() {
        let mut allocator = Allocator::default();
        allocator.allocate(1);
        assert_eq!(allocator.allocated(), 512);
        allocator.allocate(513);
        assert_eq!(allocator.allocated(), 512 + 1_024);
        assert_eq!(allocator.reserved(), 2 * MIB);
    }

    #[test]
    fn nothing_takes_no_block() {
        let mut allocator = Allocator::default();
        let handle = allocator.allocate(0);
        allocator.free(handle);
        assert_eq!((allocator.allocated(), allocator.reserved()), (0, 0));
    }

    #[test]
    fn segments_have_three_sizes() {
        let mut allocator = Allocator::default();
        allocator.allocate(MIB);
        assert_eq!(allocator.reserved(), 2 * MIB);
        allocator.allocate(MIB + 512);
        assert_eq!(allocator.reserved(), 22 * MIB);
        // 10 MiB still fit into the 20 MiB.
        allocator.allocate(10 * MIB);
        assert_eq!(allocator.reserved(), 22 * MIB);
        allocator.allocate(10 * MIB);
        assert_eq!(allocator.reserved(), 32 * MIB);
        allocator.allocate(125 * MIB);
        assert_eq!(allocator.reserved(), (32 + 126) * MIB);
    }

    #[test]
    fn a_large_block_keeps_a_rest_of_up_to_1_mib() {
        let mut allocator = Allocator::default();
        allocator.allocate(125 * MIB);
        assert_eq!(allocator.allocated(), 126 * MIB);
        allocator.allocate(125 * MIB - 512);
        // A rest of 1 MiB and 512 B is split off.
        assert_eq!(allocator.allocated(), 126 * MIB + 125 * MIB - 512);
    }

    #[test]
    fn the_rest_of_a_segment_is_what_the_allocator_leaves() {
        for (size, rest) in
            [(15 * MIB + 512, 0), (21 * MIB, MIB), (21 * MIB - 512, 0), (21 * MIB + 512, MIB - 512), (22 * MIB, 0)]
        {
            assert_eq!(rest_of_segment(size), rest, "{size}");
        }
        let mut allocator = Allocator::default();
        // Segments that smaller blocks have begun do not hold it.
        allocator.allocate(MIB + 512);
        for (count, size) in [21 * MIB, 43 * MIB, 19 * MIB + 512].into_iter().enumerate() {
            let before = allocator.allocated();
            allocator.allocate(size);
            assert_eq!(allocator.allocated() - before, size + rest_of_segment(size), "{count}");
        }
    }

    #[test]
    fn a_small_block_is_split_to_the_granule() {
        let mut allocator = Allocator::default();
        allocator.allocate(MIB);
        allocator.allocate(MIB - 512);
        assert_eq!(allocator.allocated(), 2 * MIB - 512);
        allocator.allocate(512);
        assert_eq!((allocator.allocated(), allocator.reserved()), (2 * MIB, 2 * MIB));
        allocator.allocate(512);
        assert_eq!(allocator.reserved(), 4 * MIB);
    }

    #[test]
    fn the_smallest_block_that_fits_is_taken() {
        let mut allocator = Allocator::default();
        let [large, small] = [40, 20].map(|size| allocator.allocate(size * MIB));
        allocator.free(large);
        allocator.free(small);
        allocator.allocate(18 * MIB);
        // The 40 MiB are whole.
        allocator.allocate(40 * MIB);
        assert_eq!(allocator.reserved(), 60 * MIB);
    }

    #[test]
    fn among_equals_the_lowest_address_is_taken() {
        let mut allocator = Allocator::default();
        let blocks = [20, 20, 20].map(|size| allocator.allocate(size * MIB));
        for block in [blocks[2], blocks[0], blocks[1]] {
            allocator.free(block);
        }
        assert_eq!(allocator.allocate(20 * MIB), blocks[0]);
    }

    #[test]
    fn free_neighbours_merge_and_segments_do_not() {
        let mut allocator = Allocator::default();
        let parts = [4, 4, 4, 8].map(|size| allocator.allocate(size * MIB));
        assert_eq!(allocator.reserved(), 20 * MIB);
        allocator.free(parts[0]);
        allocator.free(parts[2]);
        // 4 and 4 MiB with one in use between them do not hold 8.
        allocator.allocate(8 * MIB);
        assert_eq!(allocator.reserved(), 40 * MIB);
        allocator.free(parts[1]);
        allocator.allocate(12 * MIB);
        assert_eq!(allocator.reserved(), 40 * MIB);
        let apart = [20, 20].map(|size| allocator.allocate(size * MIB));
        let reserved = allocator.reserved();
        for block in apart {
            allocator.free(block);
        }
        allocator.allocate(40 * MIB);
        assert_eq!(allocator.reserved(), reserved + 40 * MIB);
    }
}
