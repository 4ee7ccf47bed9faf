//! What `dns-debug` reads of what others wrote, fed with nonsense.

mod readers;

use self::readers::READERS;
use crate::fuzz;

#[test]
fn the_seeds_are_right() {
    fuzz::assert_seeds_are_read(&READERS);
}

#[test]
fn nonsense_is_read_without_a_panic_or_a_hang() {
    fuzz::assert_nonsense_is_read(&READERS);
}

#[test]
#[ignore = "runs as long as FUZZ_MINUTES says; `make fuzz-dns` runs it"]
fn nonsense_is_read_for_minutes() {
    fuzz::assert_nonsense_is_read_for_minutes(&READERS);
}
