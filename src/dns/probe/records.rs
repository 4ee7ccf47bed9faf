//! Resource records of a message, as text. Pure.

use std::str::FromStr as _;

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder, Restrict};

use crate::dns::observation::{ExtendedError, Record};

/// The option of an OPT record that holds an extended error (RFC 8914).
const EXTENDED_ERROR: u16 = 15;

/// One record of a message.
pub(super) enum Read {
    Record(Record),
    /// The OPT record: the size it offers, the high bits of the response code, extended errors.
    Opt {
        size: u16,
        high: u8,
        errors: Vec<ExtendedError>,
    },
}

impl Read {
    pub(super) fn into_record(self) -> Option<Record> {
        match self {
            Self::Record(record) => Some(record),
            Self::Opt { .. } => None,
        }
    }
}

/// Reads the record at which the decoder stands.
pub(super) fn read(decoder: &mut BinDecoder<'_>) -> Result<Read, String> {
    let name = Name::read(decoder).map_err(|error| error.to_string())?;
    let mut number = || decoder.read_u16().map(Restrict::unverified).map_err(|error| error.to_string());
    let (kind, class) = (RecordType::from(number()?), number()?);
    let ttl = decoder.read_u32().map_err(|error| error.to_string())?.unverified();
    let length = decoder.read_u16().map_err(|error| error.to_string())?.unverified();
    let start = u16::try_from(decoder.index()).map_err(|_| "the message is too long".to_owned())?;
    // Names in the data point back into the message, so it is read in place, and then stepped over.
    let mut inside = decoder.clone(start);
    let raw =
        decoder.read_slice(usize::from(length)).map_err(|_| format!("a record of {length} bytes is cut short"))?;
    let raw = raw.unverified();
    if kind == RecordType::OPT {
        return Ok(Read::Opt { size: class, high: ttl.to_be_bytes()[0], errors: errors(raw) });
    }
    let data = if length == 0 { Ok(String::new()) } else { data(&mut inside, kind, length, raw) };
    Ok(Read::Record(Record { name: text_of(&name), kind: word(kind), ttl, data: data? }))
}

/// The data of a record, as in a zone file, but without last dots; types that nobody reads here in the form of RFC 3597.
fn data(decoder: &mut BinDecoder<'_>, kind: RecordType, length: u16, raw: &[u8]) -> Result<String, String> {
    Ok(match RData::read(decoder, kind, Restrict::new(length)) {
        Ok(RData::A(address)) => address.to_string(),
        Ok(RData::AAAA(address)) => address.to_string(),
        Ok(RData::CNAME(name)) => text_of(&name.0),
        Ok(RData::NS(name)) => text_of(&name.0),
        Ok(RData::PTR(name)) => text_of(&name.0),
        Ok(RData::MX(mx)) => format!("{} {}", mx.preference, text_of(&mx.exchange)),
        Ok(RData::SRV(srv)) => format!("{} {} {} {}", srv.priority, srv.weight, srv.port, text_of(&srv.target)),
        Ok(RData::SOA(soa)) => soa_text(&soa),
        Ok(RData::TXT(txt)) => {
            txt.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join(" ")
        }
        Err(error) if readable(kind) => return Err(format!("a record of type {}: {error}", word(kind))),
        _ => {
            let hex: Vec<String> = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\\# {length} {}", hex.concat())
        }
    })
}

/// Types whose data must be right for a message to be believed.
fn readable(kind: RecordType) -> bool {
    use RecordType::{A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT};
    matches!(kind, A | AAAA | CNAME | MX | NS | PTR | SOA | SRV | TXT)
}

fn soa_text(soa: &SOA) -> String {
    let SOA { mname, rname, serial, refresh, retry, expire, minimum, .. } = soa;
    format!("{} {} {serial} {refresh} {retry} {expire} {minimum}", text_of(mname), text_of(rname))
}

/// The extended errors among the options of an OPT record: a code of two bytes, then words.
fn errors(mut options: &[u8]) -> Vec<ExtendedError> {
    let mut errors = Vec::new();
    while let [a, b, c, d, rest @ ..] = options {
        let length = usize::from(u16::from_be_bytes([*c, *d])).min(rest.len());
        let (option, after) = rest.split_at(length);
        if let ([high, low, words @ ..], EXTENDED_ERROR) = (option, u16::from_be_bytes([*a, *b])) {
            let text = String::from_utf8_lossy(words).trim_end_matches('\0').to_owned();
            errors.push(ExtendedError { code: u16::from_be_bytes([*high, *low]), text });
        }
        options = after;
    }
    errors
}

/// A name as text: absolute, without the last dot, odd bytes escaped; the root is `.`.
pub(super) fn text_of(name: &Name) -> String {
    let text = name.to_ascii();
    match text.strip_suffix('.') {
        Some("") | None => text,
        Some(inner) => inner.to_owned(),
    }
}

/// The word for a type: `A`, `TYPE65280`.
pub(super) fn word(kind: RecordType) -> String {
    match kind {
        RecordType::Unknown(number) => format!("TYPE{number}"),
        kind => kind.to_string(),
    }
}

/// The type of this word.
pub(super) fn kind_of(word: &str) -> Option<RecordType> {
    let word = word.to_ascii_uppercase();
    let number = || Some(RecordType::from(word.strip_prefix("TYPE")?.parse::<u16>().ok()?));
    RecordType::from_str(&word).ok().or_else(number)
}

/// The word for a response code.
pub(super) fn rcode(number: u16) -> String {
    const WORDS: [&str; 12] = [
        "NOERROR",
        "FORMERR",
        "SERVFAIL",
        "NXDOMAIN",
        "NOTIMP",
        "REFUSED",
        "YXDOMAIN",
        "YXRRSET",
        "NXRRSET",
        "NOTAUTH",
        "NOTZONE",
        "DSOTYPENI",
    ];
    match (WORDS.get(usize::from(number)), number) {
        (Some(word), _) => (*word).to_owned(),
        (None, 16) => "BADVERS".to_owned(),
        (None, 23) => "BADCOOKIE".to_owned(),
        (None, number) => format!("RCODE{number}"),
    }
}
