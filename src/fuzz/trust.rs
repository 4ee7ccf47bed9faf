//! What trust depends on: settings, files of settings, kubeconfigs, SCCs, manifests and live objects. Something is not only read without a
//! panic: what is accepted keeps its promises.

mod logins;
mod objects;
mod settings;

use super::Reader;

const READERS: [Reader; 6] =
    [settings::CHOICES, settings::FILE, objects::SCC, objects::LIVE, objects::HISTORY, logins::KUBECONFIG];

#[test]
fn the_seeds_are_right() {
    super::assert_seeds_are_read(&READERS);
}

#[test]
fn nonsense_is_read_without_a_panic_or_a_hang() {
    super::assert_nonsense_is_read(&READERS);
}

#[test]
#[ignore = "runs as long as FUZZ_MINUTES says; `make fuzz` runs it"]
fn nonsense_is_read_for_minutes() {
    super::assert_nonsense_is_read_for_minutes(&READERS);
}
