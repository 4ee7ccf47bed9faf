//! A zip archive of one file, stored as it is. Pure.

/// The archive as bytes, after PKWARE's APPNOTE 4.3: local header, data, central directory, its end.
pub(super) fn stored(name: &str, data: &[u8]) -> Vec<u8> {
    // Lambda's size limit is far below 4 GiB, and the name is ours, so the casts never cut.
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
    let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes();
    let needed = 10_u16.to_le_bytes();
    // Version 2.0 of the format, made on Unix: only then do readers look at the mode.
    let unix = [20, 3];
    // No flags, stored, midnight of 1 January 1980: the same bytes in every run.
    let stamps = [0, 0, 0, 0, 0, 0, 0x21, 0];
    let common = [&stamps[..], &crc32(data).to_le_bytes(), &size, &size, &name_length, &[0, 0]].concat();

    let local = [b"PK\x03\x04", &needed[..], &common, name.as_bytes(), data].concat();
    // Readable by all: Lambda runs the code as another user than the one who unpacks it.
    let mode = (0o100_644_u32 << 16).to_le_bytes();
    let central =
        [b"PK\x01\x02", &unix[..], &needed, &common, &[0; 6], &mode, &0_u32.to_le_bytes(), name.as_bytes()].concat();
    let lengths = [central.len(), local.len()].map(|length| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    let end = [b"PK\x05\x06", &[0; 4][..], &[1, 0, 1, 0], &lengths[0], &lengths[1], &[0, 0]].concat();
    [local, central, end].concat()
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_zip_format() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn sizes_and_offsets_point_to_the_parts() {
        let archive = stored("index.py", b"pass");
        let directory = 30 + "index.py".len() + b"pass".len();
        assert_eq!(archive[directory..directory + 4], *b"PK\x01\x02");
        assert_eq!(archive[archive.len() - 22..archive.len() - 18], *b"PK\x05\x06");
        assert_eq!(archive[archive.len() - 6..archive.len() - 2], u32::try_from(directory).unwrap().to_le_bytes());
    }
}
