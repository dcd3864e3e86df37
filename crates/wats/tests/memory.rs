//! What a report costs in memory while it is read and made ready to be sent.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use uuid::Uuid;
use wats::{Report, Rules};

/// The system's allocator, counting.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: as promised to this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as promised to this function.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // In place, or by moving pages: for what is large, the old and the new are never there together.
        NOW.fetch_sub(layout.size(), Relaxed);
        MOST.fetch_max(NOW.fetch_add(size, Relaxed) + size, Relaxed);
        // SAFETY: as promised to this function.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Fails if: a large report needs more than twice its size while it is read, or is copied for the sake of
/// an id; with four of them a station runs out of memory.
#[test]
fn a_large_report_needs_twice_its_size_at_most() {
    let step = r#"{"stepType":"ET_NLT","name":"Å","numericMeas":[{"status":"P","value":4.97,"unit":"V"}]},"#;
    let text = |last: &str| {
        let steps = step.repeat((2 << 20) / step.len());
        format!("{{\"sn\":\"1\",\"start\":\"2026-01-30T22:01:41\",\"root\":{{\"steps\":[{steps}{last}]}}}}")
    };
    let utf16 = |text: &str| {
        let units = "\u{FEFF}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<_>>()
    };
    // What is needed besides the file to read it, and to make it ready, in percent of its size.
    let cases = [
        ("plain", text("1").into_bytes(), 1, 1),
        ("with NaN", text("NaN").into_bytes(), 101, 1),
        ("UTF-16", utf16(&text("1")), 60, 60),
    ];
    let rules = Rules::in_time_zone("+01:00").unwrap();
    for (name, file, to_read, to_send) in cases {
        let size = file.len();
        let (report, percent) = measured(size, || Report::parse(&file, &rules).unwrap());
        assert!(percent <= to_read, "{name}: {percent} % more to read it");
        let mut edits = report.edits();
        edits.set_id(Uuid::max());
        let (sent, percent) = measured(size, || edits.apply(file).unwrap());
        assert!(percent <= to_send, "{name}: {percent} % more to send it");
        assert!(sent.ends_with(b"}"), "{name}");
    }
}

/// What an action needed at its worst moment besides what was there, in percent of a size.
fn measured<T>(size: usize, action: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    let outcome = action();
    (outcome, (MOST.load(Relaxed) - before) * 100 / size)
}
