//! Changes seeds at random. Pure.

/// Small, quick and repeatable random numbers (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(start: u64) -> Self {
        Self(start.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % end.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Bytes and words that parsers trip over.
const ODD: [&[u8]; 26] = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"\xc0\x0c",
    b"\xc0\xff",
    b"\x80",
    b"\xe2\x82",
    "\u{e9}".as_bytes(),
    "\u{1f980}".as_bytes(),
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"#",
    b"/",
    b".",
    b"..",
    b"%",
    b"\"",
    b"'",
    b"-1",
    b"0",
    b"4294967296",
    b"99999999999999999999",
    b"1e999",
    b"\\",
];

/// One of the seeds, changed a few times, or not at all.
pub(crate) fn changed(random: &mut Random, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = random.pick(seeds).clone();
    for _ in 0..random.below(8) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(16)).min(bytes.len());
        match random.below(10) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, random.pick(&ODD).iter().copied())),
            3 => drop(bytes.splice(at..end, random.pick(&ODD).iter().copied())),
            4 if !words.is_empty() => drop(bytes.splice(at..at, random.pick(words).bytes())),
            5 => {
                let again = bytes[at..end].repeat(1 + random.below(40));
                drop(bytes.splice(at..at, again));
            }
            6 => {
                let other = random.pick(seeds);
                let from = random.below(other.len() + 1);
                let piece = other[from..(from + random.below(64)).min(other.len())].to_vec();
                drop(bytes.splice(at..end, piece));
            }
            7 if at < bytes.len() => bytes[at] = u8::try_from(random.below(256)).unwrap_or(0),
            8 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ if at < bytes.len() => {
                let byte = *random.pick(&[0, 1, 63, 64, 127, 128, 192, 255]);
                bytes[at] = byte;
            }
            _ => {}
        }
    }
    bytes.truncate(1 << 20);
    bytes
}
